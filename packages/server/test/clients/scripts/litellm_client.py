"""litellm: python litellm_client.py BASE_URL IMAGE_FILE"""

import base64
import json
import sys

import litellm

base_url, file = sys.argv[1:]
litellm.suppress_debug_info = True
base = {
    "model": "openai/medinfer-tiny",
    "api_base": base_url,
    "api_key": "none",
    "temperature": 0,
    "num_retries": 0,
    "max_retries": 0,
}
messages = [{"role": "user", "content": "What is hypertension?"}]
schema = {
    "type": "object",
    "properties": {"drug": {"type": "string", "enum": ["aspirin", "metformin"]}},
    "required": ["drug"],
    "additionalProperties": False,
}
tools = [{"type": "function", "function": {"name": "look_up", "parameters": schema}}]
forced = {"tools": tools, "tool_choice": "required", "parallel_tool_calls": False, "max_tokens": 200}
form = {"type": "json_schema", "json_schema": {"name": "drug", "strict": True, "schema": schema}}


def joined(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


complete = litellm.completion
whole = complete(**base, messages=messages, max_tokens=24)
chunks = list(
    complete(**base, messages=messages, max_tokens=24, stream=True, stream_options={"include_usage": True})
)
usage = next(chunk.usage for chunk in reversed(chunks) if getattr(chunk, "usage", None))
with open(file, "rb") as picture:
    url = "data:image/png;base64," + base64.b64encode(picture.read()).decode()
content = [{"type": "image_url", "image_url": {"url": url}}]
seen = complete(**base, messages=[{"role": "user", "content": content}], max_tokens=60)
called = complete(**base, messages=messages, **forced)
called_stream = litellm.stream_chunk_builder(list(complete(**base, messages=messages, stream=True, **forced)))
parsed = complete(**base, messages=messages, max_tokens=60, response_format=form)
parsed_stream = joined(complete(**base, messages=messages, max_tokens=60, response_format=form, stream=True))
count = 0
endless = complete(**base, messages=messages, max_tokens=4000, stream=True, extra_body={"ignoreEos": True})
for _ in endless:
    count += 1
    if count == 5:
        break
endless.completion_stream.close()
try:
    complete(**{**base, "model": "openai/another"}, messages=messages)
    code = None
except litellm.exceptions.NotFoundError as error:
    code = [error.status_code, "model_not_found", "invalid_request_error"]


def calls_of(completion):
    calls = completion.choices[0].message.tool_calls
    return [[call.function.name, json.loads(call.function.arguments)] for call in calls]


print(
    json.dumps(
        {
            "whole": whole.choices[0].message.content,
            "streamed": joined(chunks),
            "usage": usage.completion_tokens,
            "helper": litellm.stream_chunk_builder(chunks).choices[0].message.content,
            "image": seen.choices[0].message.content,
            "tool": calls_of(called),
            "toolReason": called.choices[0].finish_reason,
            "toolStreamed": calls_of(called_stream),
            "schema": json.loads(parsed.choices[0].message.content),
            "schemaStreamed": json.loads(parsed_stream),
            "chunksBeforeAbort": count,
            "error": code,
        }
    )
)
