"""Options of an answer, under the library's names or in the style of Python, to the fields of a request."""

from __future__ import annotations

import difflib
import json
from typing import Any

SAMPLING = frozenset(
    "temperature dynatempRange dynatempExponent topK topP minP tfsZ typicalP topNSigma minKeep repeatLastN repeatPenalty "
    "frequencyPenalty presencePenalty penalizeNl penaltyPrompt dryMultiplier dryBase dryAllowedLength dryPenaltyLastN "
    "drySequenceBreakers xtcProbability xtcThreshold adaptivePTarget adaptivePDecay miroStat miroStatTau miroStatEta "
    "seed tokenIdBias tokenBias disableTokenIds samplers".split()
)
"""What shapes the distribution: the table `sampling` of docs/reference/options.md."""

REQUEST = frozenset(
    "chatTemplate useChatTemplate templateArguments reasoningEffort stopStrings stopRegexes thinkingTags thinkingBudget "
    "nPredict ignoreEos closeAtLimit minTokens stopTokenIds maxDraftTokens expectedText timeLimitMs grammar nProbs nKeep "
    "priority".split()
)
"""The others that a row may have; `jsonSchema` is an argument of its own."""

_MOST_LOGPROBS = 20
"""What an answer over HTTP shows of each token's likeliest: OpenAI's limit."""

_NAMES = SAMPLING | REQUEST


def request_fields(given: dict[str, Any]) -> dict[str, Any]:
    """Fields of a request's body. Ranges are the server's to check.

    :param given: `top_k` or `topK`; None: not given
    :raises TypeError: an option is unknown, or given twice
    :raises ValueError: an option cannot be had over HTTP
    """
    fields: dict[str, Any] = {}
    sampling: dict[str, Any] = {}
    for written, value in given.items():
        name = _camel(written)
        if name not in _NAMES:
            near = difflib.get_close_matches(name, _NAMES, n=1)
            raise TypeError(f"there is no option {written}" + (f": did you mean {near[0]}?" if near else ""))
        if value is None:
            continue
        place = sampling if name in SAMPLING else fields
        if name in place:
            raise TypeError(f"{written} is given twice, under both of its names")
        place[name] = value
    shown = fields.pop("nProbs", 0)
    if shown:
        if not 0 < shown <= _MOST_LOGPROBS:
            raise ValueError(f"nProbs must be 0 to {_MOST_LOGPROBS} (got {shown})")
        # By the option alone tokens would be weighed and not shown.
        fields |= {"logprobs": True, "top_logprobs": shown}
    if sampling:
        fields["sampling"] = sampling
    return fields


def read_schema(schema: dict[str, Any] | str) -> dict[str, Any]:
    """A JSON schema, also as text.

    :raises ValueError: it is no JSON object
    """
    read = json.loads(schema) if isinstance(schema, str) else schema
    if not isinstance(read, dict):
        raise ValueError("json_schema must be a JSON object")
    return read


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)
