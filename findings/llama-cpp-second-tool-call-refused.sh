#!/usr/bin/env bash
# llama.cpp refuses an answer with two tool calls in the form that the model's own chat template writes: MiniMax-M1, MiniMax-M2,
# Functionary 3.2.
#
# Versions:  node-llama-cpp 3.22.1 (npm): its prebuilt libllama-common.so of llama.cpp v0.5.0, the headers and chat templates of that release
#            from the bundled sources. Needs a C++ compiler for one small file. Linux, x64 or arm64.
# Expected:  With parallel_tool_calls, the parser that llama.cpp makes from a chat template reads the assistant turns that the template
#            writes: rendering a turn with two calls and parsing its text gives the two calls.
# Seen:      For these three templates one call comes back, but a text with two ends in an error: "does not match the expected format", and
#            the whole answer is lost. What llama.cpp expects between two calls is another text than the template writes: a comma for both
#            MiniMax models instead of a line break, nothing for Functionary instead of ">>>". With these, the same texts are read. The
#            grammar that it gives to the sampler asks for them, too. The templates of Qwen3, Seed-OSS, GLM-4.6 and MiniMax-M3
#            work.
# Matters:   A model that calls two tools at once, as it was trained to, is either forced by the grammar to write something else, or, where
#            the grammar is not in use, its answer fails. A history with two calls is rendered in the other form again.
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
place = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
tools = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": place}} for name in ("get_weather", "get_time")
]
question = {"role": "user", "content": "Weather and time in Paris?"}
wanted = [("get_weather", {"city": "Paris"}), ("get_time", {"city": "Paris"})]
# the token that ends the turn, which a server takes off
ends = {
    "MiniMax-M1": "<end_of_sentence>", "MiniMax-M2": "[e~[", "meetkai-functionary-medium-v3.2": "<|eot_id|>", "Qwen-Qwen3-0.6B": "<|im_end|>",
    "ByteDance-Seed-OSS": "<seed:eos>", "GLM-4.6": "", "MiniMax-M3": "[e~[",
}
broken = {"MiniMax-M1": "\n", "MiniMax-M2": "\n", "meetkai-functionary-medium-v3.2": ">>>"}


def run(name, messages, ask, text=""):
    with open(f"{folder}/request.json", "w") as file:
        json.dump({"tools": tools, "messages": messages, "ask": ask, "text": text}, file)
    command = [f"{folder}/chat", f"{folder}/llama.cpp/models/templates/{name}.jinja", f"{folder}/request.json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def parse(name, text):
    result = run(name, [question], True, text)
    if "error" in result:
        return result["error"]
    calls = [call["function"] for call in result["message"].get("tool_calls", [])]
    return [(call["name"], json.loads(call["arguments"])) for call in calls]


def turn(name, count):
    calls = [
        {"id": f"call0000{at}", "type": "function", "function": {"name": tool, "arguments": json.dumps(arguments)}}
        for at, (tool, arguments) in enumerate(wanted[:count])
    ]
    answer = {"role": "assistant", "content": "", "reasoning_content": "Both.", "tool_calls": calls}
    start, whole = run(name, [question], True)["prompt"], run(name, [question, answer], False)["prompt"]
    assert whole.startswith(start), name
    text = whole[len(start):].rstrip("\n")
    assert text.endswith(ends[name]), name
    return text.removesuffix(ends[name])


print("prebuilt library of llama.cpp v0.5.0, from node-llama-cpp 3.22.1")
described = True
for name in ends:
    print(name)
    for count in (1, 2):
        text = turn(name, count)
        found = parse(name, text)
        right = found == wanted[:count]
        print(f"  {count} call{'s' if count > 1 else ''}: {'read' if right else found}" + ("" if right else f"\n    {json.dumps(text)}"))
        described = described and (right if count == 1 or name not in broken else isinstance(found, str) and "does not match" in found)
# the same turns with what llama.cpp expects between the calls
for name, old, new in (
    ("MiniMax-M1", '}}\n{"name"', '}},\n{"name"'),
    ("MiniMax-M2", "</invoke>\n<invoke", "</invoke>\n, <invoke"),
    ("meetkai-functionary-medium-v3.2", "}>>>get_time", "}get_time"),
):
    text = turn(name, 2)
    assert old in text, name
    found = parse(name, text.replace(old, new))
    print(f"{name} with {json.dumps(new)} for {json.dumps(old)}: {'read' if found == wanted else found}")
    described = described and found == wanted
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
"$python" "$tmp/run.py" "$tmp"
