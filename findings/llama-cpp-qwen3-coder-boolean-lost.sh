#!/usr/bin/env bash
# llama.cpp loses a tool call with a boolean argument in the form that the templates of Qwen3-Coder and Qwen3.5 write: "True".
#
# Versions:  node-llama-cpp 3.22.1 (npm): its prebuilt libllama-common.so of llama.cpp v0.5.0, the headers and chat templates of that release
#            from the bundled sources. Needs a C++ compiler for one small file. Linux, x64 or arm64.
# Expected:  The turn that a chat template writes for a tool call is read as this call. The templates of Qwen3-Coder, Qwen3.5 and Nemotron 3
#            write a boolean argument as Python prints it, "True" or "False", in llama.cpp's own rendering, too.
# Seen:      llama.cpp writes "True" into the prompt and reads only "true": the answer with "True" gives a message without a call, without a
#            text and without an error; the template of Seed-OSS, which does the same, gives an error. With "true" in its place,
#            the same text is read. The template of GLM-4.6 writes "true", and works.
# Matters:   The model reads its own earlier calls with "True" and was trained with this template, so it is likely to write it. The call is
#            lost without a trace; a grammar in use forces the other form.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

[ "$(uname -s)" = Linux ] || { echo "for Linux only" >&2; exit 2; }
machine=$(node -p process.arch)
npm install --prefix "$tmp/node" --silent --no-audit --no-fund --ignore-scripts --omit=optional node-llama-cpp@3.22.1 \
    "@node-llama-cpp/linux-$machine@3.22.1"
git clone --quiet -c advice.detachedHead=false "$tmp/node/node_modules/node-llama-cpp/llama/gitRelease.bundle" "$tmp/llama.cpp"
libraries=$tmp/node/node_modules/@node-llama-cpp/linux-$machine/bins/linux-$machine

cat > "$tmp/chat.cpp" <<'CPP'
#include "chat.h"

#include <fstream>
#include <iostream>
#include <iterator>

static std::string read(const char * path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// arguments: template and request; writes the prompt and, with a text in the request, what this text is parsed to
int main(int, char ** argv) {
    const auto templates = common_chat_templates_init(nullptr, read(argv[1]));
    const auto request   = common_json::parse(read(argv[2]));
    common_chat_templates_inputs inputs;
    inputs.tools                 = common_chat_tools_parse_oaicompat(request.at("tools"));
    inputs.messages              = common_chat_msgs_parse_oaicompat(request.at("messages"));
    inputs.add_generation_prompt = request.at("ask").get<bool>();
    inputs.parallel_tool_calls   = true;
    inputs.reasoning_format      = COMMON_REASONING_FORMAT_AUTO;
    const auto params = common_chat_templates_apply(templates.get(), inputs);
    common_json result;
    result["prompt"] = params.prompt;
    const auto text = request.at("text").get<std::string>();
    if (!text.empty()) {
        common_chat_parser_params parser(params);
        parser.reasoning_format = COMMON_REASONING_FORMAT_AUTO;
        parser.parser.load(params.parser);
        try {
            result["message"] = common_chat_parse(text, false, parser).to_json_oaicompat();
        } catch (const std::exception & error) {
            result["error"] = std::string(error.what());
        }
    }
    std::cout << result.dump() << std::endl;
}
CPP
"${CXX:-g++}" -std=c++17 -I"$tmp/llama.cpp/common" -I"$tmp/llama.cpp/include" -I"$tmp/llama.cpp/ggml/include" "$tmp/chat.cpp" -o "$tmp/chat" \
    "$libraries/libllama-common.so" "$libraries/libllama.v0.5.0.so" "$libraries/libggml.v0.5.0.so" "$libraries/libggml-base.so" \
    -Wl,-rpath,"$libraries"

cat > "$tmp/run.py" <<'PY'
import json
import subprocess
import sys

folder = sys.argv[1]
question = {"role": "user", "content": "The weather in Paris?"}
# the token that ends the turn, which a server takes off
ends = {
    "Qwen3-Coder": "<|im_end|>", "Qwen3.5-4B": "<|im_end|>", "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": "<|im_end|>",
    "ByteDance-Seed-OSS": "<seed:eos>", "GLM-4.6": "",
}


def tool(required):
    properties = {"city": {"type": "string"}, "days": {"type": "integer"}, "rain": {"type": "boolean"}}
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city", "parameters": parameters}}


def run(name, messages, required, ask, text=""):
    with open(f"{folder}/request.json", "w") as file:
        json.dump({"tools": [tool(required)], "messages": messages, "ask": ask, "text": text}, file)
    command = [f"{folder}/chat", f"{folder}/llama.cpp/models/templates/{name}.jinja", f"{folder}/request.json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def parse(name, text, required):
    result = run(name, [question], required, True, text)
    if "error" in result:
        return "error"
    message = result["message"]
    if message.get("tool_calls"):
        return [json.loads(call["function"]["arguments"]) for call in message["tool_calls"]]
    return "no call, no text" if not message.get("content") else "no call, content " + json.dumps(message["content"])


def turn(name, arguments, required):
    call = {"id": "call00000", "type": "function", "function": {"name": "get_weather", "arguments": json.dumps(arguments)}}
    answer = {"role": "assistant", "content": "", "reasoning_content": "Well.", "tool_calls": [call]}
    start, whole = run(name, [question], required, True)["prompt"], run(name, [question, answer], required, False)["prompt"]
    assert whole.startswith(start), name
    text = whole[len(start):].rstrip("\n")
    assert text.endswith(ends[name]), name
    return text.removesuffix(ends[name])


print("prebuilt library of llama.cpp v0.5.0, from node-llama-cpp 3.22.1")
arguments = {"city": "Paris", "rain": True}
described = True
for name in ends:
    text = turn(name, arguments, ["city"])
    python_form = "True" in text
    print(f"{name}\n  {json.dumps(text)}\n    {parse(name, text, ['city'])}")
    described = described and python_form == (name != "GLM-4.6")
    if python_form:
        print(f"    with \"true\": {parse(name, text.replace('True', 'true'), ['city'])}")
        wanted = "error" if name == "ByteDance-Seed-OSS" else "no call, no text"
        described = described and parse(name, text, ["city"]) == wanted and parse(name, text.replace("True", "true"), ["city"]) == [arguments]
    else:
        described = described and parse(name, text, ["city"]) == [arguments]
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
"$python" "$tmp/run.py" "$tmp"
