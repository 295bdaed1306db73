"""anthropic for Python: python anthropic_client.py BASE_URL IMAGE_FILE (it adds /v1 itself)"""

import base64
import json
import sys

import anthropic

base_url, file = sys.argv[1:]
client = anthropic.Anthropic(base_url=base_url.removesuffix("/v1"), api_key="none", max_retries=0)
messages = [{"role": "user", "content": "What is hypertension?"}]
# This release has no parameter for the temperature.
greedy = {"model": "medinfer-tiny", "max_tokens": 24, "extra_body": {"temperature": 0}}
schema = {
    "type": "object",
    "properties": {"drug": {"type": "string", "enum": ["aspirin", "metformin"]}},
    "required": ["drug"],
    "additionalProperties": False,
}
tools = [{"name": "look_up", "input_schema": schema}]
forced = {"tools": tools, "tool_choice": {"type": "tool", "name": "look_up"}, "max_tokens": 200}


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def calls_of(message):
    return [[block.name, block.input] for block in message.content if block.type == "tool_use"]


create = client.messages.create
whole = create(**greedy, messages=messages)
with client.messages.stream(**greedy, messages=messages) as stream:
    streamed = "".join(stream.text_stream)
    helper = stream.get_final_message()
with open(file, "rb") as picture:
    data = base64.b64encode(picture.read()).decode()
source = {"type": "base64", "media_type": "image/png", "data": data}
seen = create(**{**greedy, "max_tokens": 60}, messages=[{"role": "user", "content": [{"type": "image", "source": source}]}])
called = create(**{**greedy, **forced}, messages=messages)
with client.messages.stream(**{**greedy, **forced}, messages=messages) as stream:
    called_stream = stream.get_final_message()
chunks = 0
endless = {**greedy, "max_tokens": 4000, "extra_body": {"temperature": 0, "ignoreEos": True}}
with client.messages.stream(**endless, messages=messages) as stream:
    for _ in stream.text_stream:
        chunks += 1
        if chunks == 5:
            break
try:
    create(**{**greedy, "model": "another"}, messages=messages)
    code = None
except anthropic.NotFoundError as error:
    code = [error.status_code, error.body["error"]["type"]]

print(
    json.dumps(
        {
            "whole": text_of(whole),
            "streamed": streamed,
            "helper": text_of(helper),
            "usage": helper.usage.output_tokens,
            "image": text_of(seen),
            "tool": calls_of(called),
            "toolReason": called.stop_reason,
            "toolStreamed": calls_of(called_stream),
            "chunksBeforeAbort": chunks,
            "error": code,
            "count": client.messages.count_tokens(model="medinfer-tiny", messages=messages).input_tokens,
            "input": whole.usage.input_tokens + (whole.usage.cache_read_input_tokens or 0),
        }
    )
)
