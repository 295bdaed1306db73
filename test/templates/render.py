"""Renders templates as transformers' apply_chat_template does: cases come as lines of JSON, results go as lines of JSON.

A case is {"source": ..., "variables": {...}}, or {"source": ..., "chat": {...}}: see chats.mjs. A result is {"text": ...} or
{"error": kind}.
"""

import datetime
import json
import sys

from transformers.utils.chat_template_utils import _compile_jinja_template, render_jinja_template

NOW = datetime.datetime(2026, 3, 5, 14, 7, 9)

sys.set_int_max_str_digits(4300)


def compiled(source: str, known: dict[str, object] = {}) -> object:  # noqa: B006 (that is what keeps them)
    """The template, once; transformers finds the same one."""
    template = known.get(source)
    if template is None:
        if len(known) > 200:
            known.clear()
            _compile_jinja_template.cache_clear()
        template = _compile_jinja_template(source)
        template.environment.globals["strftime_now"] = NOW.strftime
        known[source] = template
    return template


def call_text(call: dict) -> str:
    """The arguments of a call as a text: as they were given, or as json.dumps writes them."""
    arguments = call["arguments"]
    if isinstance(arguments, str):
        return arguments.strip() or "{}"
    return json.dumps(json.loads(arguments["json"]), ensure_ascii=False)


def pythonic(calls: list[dict]) -> str:
    """Calls as LFM2 writes them."""
    written = []
    for call in calls:
        arguments = json.loads(call_text(call)).items()
        given = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments]
        written.append(f"{call['name']}({', '.join(given)})")
    return f"<|tool_call_start|>[{', '.join(written)}]<|tool_call_end|>"


def message(said: dict, form: dict) -> dict:
    """A message of ours as transformers is given it."""
    made = {"role": said["role"], "content": said.get("content") or ""}
    is_too_much = made["content"] and said.get("toolCalls") and form.get("reasoningBesideProse") is False
    if said.get("reasoning") and not is_too_much:
        if form.get("thinking") == "parts":
            text = [{"type": "text", "text": made["content"]}] if made["content"] else []
            made["content"] = [{"type": "thinking", "thinking": said["reasoning"]}, *text]
        else:
            made["reasoning"] = said["reasoning"]
    if said.get("toolCalls") and form.get("calls") == "text":
        made["content"] += pythonic(said["toolCalls"])
    elif said.get("toolCalls"):
        made["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {
                    "name": call["name"],
                    "arguments": call_text(call) if form.get("arguments") == "text" else json.loads(call_text(call)),
                },
            }
            for call in said["toolCalls"]
        ]
    if said["role"] == "tool":
        made["tool_call_id"] = said["toolCallId"]
        made["name"] = said["name"]
    return made


def function(tool: dict, form: dict) -> dict:
    """A tool of ours as JSON has it."""
    made = {"name": tool["name"]}
    if "description" in tool or form.get("describes"):
        made["description"] = tool.get("description", "")
    made["parameters"] = tool.get("parameters", {"type": "object", "properties": {}})
    return made


INTRODUCTION = """# Tools

You can call functions. Each line between <tools> and </tools> describes one, its parameters as a JSON schema:
<tools>
{}
</tools>

To call one, write a JSON object with its name and arguments between <tool_call> and </tool_call>:
<tool_call>
{{"name": "the function's name", "arguments": {{"parameter": "value"}}}}
</tool_call>
Several calls stand one after the other, each between tags of its own. You are given the results, in the order of the \
calls, between <tool_response> and </tool_response>."""


def generic(messages: list[dict], tools: list[dict], form: dict) -> list[dict]:
    """The documented form for templates that have none of their own."""
    turns: list[dict] = []
    before = None
    for said in messages:
        content = said.get("content") or ""
        if said["role"] == "tool":
            result = f"<tool_response>\n{content}\n</tool_response>"
            if before == "tool":
                turns[-1]["content"] += "\n" + result
            else:
                turns.append({"role": "user", "content": result})
        else:
            blocks = [
                f'<tool_call>\n{{"name": "{call["name"]}", "arguments": {call_text(call)}}}\n</tool_call>'
                for call in said.get("toolCalls", [])
            ]
            turn = {"role": said["role"], "content": "\n".join(text for text in [content, *blocks] if text)}
            if said.get("reasoning"):
                turn["reasoning"] = said["reasoning"]
            turns.append(turn)
        before = said["role"]
    if not tools:
        return turns
    lines = "\n".join(json.dumps(function(tool, {}), ensure_ascii=False) for tool in tools)
    text = INTRODUCTION.format(lines)
    if form.get("system") is False:
        first = next(turn for turn in turns if turn["role"] == "user")
        first["content"] = f"{text}\n\n{first['content']}"
    elif turns[0]["role"] == "system":
        turns[0]["content"] = f"{turns[0]['content']}\n\n{text}" if turns[0]["content"].strip() else text
    else:
        turns.insert(0, {"role": "system", "content": text})
    return turns


def render_chat(source: str, chat: dict) -> str:
    """A conversation of ours: see chats.mjs."""
    form = chat["form"]
    tools = chat["tools"]
    variables = {"bos_token": "", "eos_token": "", "pad_token": "", **chat["variables"]}
    if form.get("granted"):
        specification = json.dumps([function(tool, {}) for tool in tools], indent=4, ensure_ascii=False)
        variables |= {"functions": specification if tools else "[]", "datetime": NOW.strftime("%b %d %Y")}
    if form["tools"] == "own":
        messages = [message(said, form) for said in chat["messages"]]
        given = [{"type": "function", "function": function(tool, form)} for tool in tools] or None
    else:
        messages = generic(chat["messages"], tools, form)
        given = None
    if form.get("granted") and given is None:
        given = []
    compiled(source)
    rendered, _ = render_jinja_template(
        conversations=[messages],
        tools=given,
        documents=None,
        chat_template=source,
        continue_final_message=chat["continueFinalMessage"],
        add_generation_prompt=chat["addGenerationPrompt"],
        **variables,
    )
    return rendered[0]


def main() -> None:
    for line in sys.stdin:
        case = json.loads(line)
        try:
            if "chat" in case:
                text = render_chat(case["source"], case["chat"])
            else:
                text = compiled(case["source"]).render(**case["variables"])
            result = {"text": text}
        except Exception as error:  # noqa: BLE001 (whatever Python says, the template cannot be rendered)
            result = {"error": type(error).__name__}
        print(json.dumps(result))


main()
