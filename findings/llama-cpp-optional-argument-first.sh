#!/usr/bin/env bash
# llama.cpp loses a tool call whose optional argument comes before a required one: Qwen3-Coder, GLM-4.6, MiniMax-M2, DeepSeek-V3.2.
#
# Versions:  node-llama-cpp 3.22.1 (npm): its prebuilt libllama-common.so of llama.cpp v0.5.0, the headers and chat templates of that release
#            from the bundled sources. Needs a C++ compiler for one small file. Linux, x64 or arm64.
# Expected:  The arguments of a tool call have names, and their order has no meaning. The turn that a chat template writes for the arguments
#            days and city, in this order, is read as a call with days and city, whichever of them the tool's schema requires.
# Seen:      With the forms that have a tag for each argument, llama.cpp reads required arguments first, optional ones after them. If
#            "city" is required and "days" comes before it, the answers of GLM-4.6, MiniMax-M2 and DeepSeek-V3.2 end in an error ("does not
#            match the expected format"), and that of Qwen3-Coder in a message without a call, without a text and without an
#            error. With the required one first, or none required, the same calls are read. In the JSON form of Qwen3 any
#            order is read.
# Matters:   Models choose the order by themselves, often that of the properties in the schema, where optional ones may well come first.
#            The call is lost, for Qwen3-Coder without a trace. A grammar in use forces the order, and cuts off what the model wanted.
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
    "Qwen3-Coder": "<|im_end|>", "GLM-4.6": "", "MiniMax-M2": "[e~[", "deepseek-ai-DeepSeek-V3.2": "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "Qwen-Qwen3-0.6B": "<|im_end|>",
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
lost = {"Qwen3-Coder": "no call, no text", "GLM-4.6": "error", "MiniMax-M2": "error", "deepseek-ai-DeepSeek-V3.2": "error"}
described = True
for name in ends:
    print(name)
    for arguments, required in (
        ({"city": "Paris", "days": 2}, ["city"]), ({"days": 2, "city": "Paris"}, []), ({"days": 2, "city": "Paris"}, ["city"]),
    ):
        text = turn(name, arguments, required)
        found = parse(name, text, required)
        right = found == [arguments]
        note = "read" if right else f"{found}\n    {json.dumps(text)}"
        print(f"  {', '.join(arguments)}; required: {', '.join(required) or 'none'}: {note}")
        optional_first = bool(required) and list(arguments)[0] not in required
        described = described and (found == lost[name] if optional_first and name in lost else right)
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
"$python" "$tmp/run.py" "$tmp"
