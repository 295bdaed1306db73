"""What is asked of every row, and how a row's answer becomes its annotation."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from medinfer_spark.annotation import Annotation
from medinfer_spark.errors import RowError
from medinfer_spark.parts import parts_of
from medinfer_spark.server import Server


@dataclass(frozen=True)
class Ask:
    """Goes to the executors with the task."""

    url: str
    api_key: str | None = field(repr=False)
    model: str
    system_prompt: str
    """Empty: no system message."""
    fields: dict[str, Any]
    """Of the request's body, beside model and messages."""
    batch_size: int
    timeout: float
    retries: int

    def connect(self) -> Server:
        return Server(self.url, self.api_key, self.timeout, self.retries)

    def annotate(self, server: Server, image: Any, prompt: str | None) -> Annotation:
        """The annotation of one row, whatever became of it.

        :raises MedinferError: no row can be answered
        """
        try:
            return _annotation_of(self._answer(server, image, prompt))
        except RowError as error:
            metadata = {"llamacpp_exception": str(error), "code": error.code}
            if error.status is not None:
                metadata["status"] = str(error.status)
            if error.request_id is not None:
                metadata["request_id"] = error.request_id
            return Annotation("", metadata)

    def _answer(self, server: Server, image: Any, prompt: str | None) -> dict[str, Any]:
        if not prompt:
            raise RowError("invalid_prompt", "the row's prompt is null or empty")
        # Images first, each on a line of its own: exactly as Engine.annotate asks.
        content = [each for part in parts_of(image) for each in (part, {"type": "text", "text": "\n"})]
        content.append({"type": "text", "text": prompt})
        messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if self.system_prompt:
            messages.insert(0, {"role": "system", "content": self.system_prompt})
        body = json.dumps({"model": self.model, "messages": messages, **self.fields}, sort_keys=True).encode()
        # Of what is asked alone: a task that is run twice sends the same key.
        key = hashlib.sha256(body).hexdigest()
        answer = server.ask("/v1/chat/completions", body, {"idempotency-key": key})
        if not isinstance(answer, dict) or not answer.get("choices"):
            raise RowError("bad_answer", "the answer has no choices: not a medinfer server?")
        return answer


def _annotation_of(answer: dict[str, Any]) -> Annotation:
    choice = answer["choices"][0]
    message, usage = choice["message"], answer.get("usage") or {}
    metadata = {"model": str(answer.get("model")), "finish_reason": str(choice.get("finish_reason"))}
    for name in ("prompt_tokens", "completion_tokens"):
        if name in usage:
            metadata[name] = str(usage[name])
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if reasoning:
        metadata["reasoning"] = reasoning
    if choice.get("logprobs"):
        metadata["logprobs"] = json.dumps(choice["logprobs"]["content"], ensure_ascii=False)
    return Annotation(message.get("content") or "", metadata)
