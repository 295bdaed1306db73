"""openai for Python: python openai_client.py BASE_URL IMAGE_FILE"""

import base64
import json
import sys

import openai

base_url, file = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
messages = [{"role": "user", "content": "What is hypertension?"}]
greedy = {"model": "medinfer-tiny", "temperature": 0, "max_tokens": 24}
schema = {
    "type": "object",
    "properties": {"drug": {"type": "string", "enum": ["aspirin", "metformin"]}},
    "required": ["drug"],
    "additionalProperties": False,
}
tools = [{"type": "function", "function": {"name": "look_up", "parameters": schema}}]
forced = {"tools": tools, "tool_choice": "required", "parallel_tool_calls": False}
form = {"type": "json_schema", "json_schema": {"name": "drug", "strict": True, "schema": schema}}

create = client.chat.completions.create
whole = create(**greedy, messages=messages)
streamed, usage = "", None
for chunk in create(**greedy, messages=messages, stream=True, stream_options={"include_usage": True}):
    if chunk.choices:
        streamed += chunk.choices[0].delta.content or ""
    usage = chunk.usage or usage
with client.chat.completions.stream(**greedy, messages=messages) as stream:
    stream.until_done()
    helper = stream.get_final_completion().choices[0].message
with open(file, "rb") as picture:
    url = "data:image/png;base64," + base64.b64encode(picture.read()).decode()
seen = create(
    **{**greedy, "max_tokens": 60},
    messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}],
)
called = create(**{**greedy, "max_tokens": 200}, messages=messages, **forced)
with client.chat.completions.stream(**{**greedy, "max_tokens": 200}, messages=messages, **forced) as stream:
    stream.until_done()
    called_stream = stream.get_final_completion()
parsed = create(**{**greedy, "max_tokens": 60}, messages=messages, response_format=form)
parsed_stream = "".join(
    chunk.choices[0].delta.content or ""
    for chunk in create(**{**greedy, "max_tokens": 60}, messages=messages, response_format=form, stream=True)
)
chunks = 0
endless = create(**{**greedy, "max_tokens": 4000}, messages=messages, stream=True, extra_body={"ignoreEos": True})
for _ in endless:
    chunks += 1
    if chunks == 5:
        break
endless.close()
try:
    create(**{**greedy, "model": "another"}, messages=messages)
    code = None
except openai.APIStatusError as error:
    code = [error.status_code, error.code, error.type]


def calls_of(completion):
    calls = completion.choices[0].message.tool_calls
    return [[call.function.name, json.loads(call.function.arguments)] for call in calls]


print(
    json.dumps(
        {
            "whole": whole.choices[0].message.content,
            "streamed": streamed,
            "usage": usage.completion_tokens,
            "helper": helper.content,
            "helperRole": helper.role,
            "image": seen.choices[0].message.content,
            "tool": calls_of(called),
            "toolReason": called.choices[0].finish_reason,
            "toolStreamed": calls_of(called_stream),
            "schema": json.loads(parsed.choices[0].message.content),
            "schemaStreamed": json.loads(parsed_stream),
            "chunksBeforeAbort": chunks,
            "error": code,
        }
    )
)
