"""What transformers makes of conversations, for test/engine/special-tokens.test.ts: python make.py VOCABULARIES > chats.json

VOCABULARIES: the folder models/ of llama.cpp, whose ggml-vocab-*.gguf hold the makers' vocabularies. transformers builds
its own tokenizers of them (the crate tokenizers, with the makers' normalizers and splitters). Needs transformers 5.24.0
and gguf 0.19.0 from PyPI; nothing is fetched.
"""

import json
import sys

from transformers import AutoTokenizer

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA3 = (
    "{% for m in messages %}{% set content = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' "
    "+ m['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}"
    "{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
TEMPLATES = {"qwen2": CHATML, "llama-bpe": LLAMA3}

SYSTEM = {"role": "system", "content": "You are a careful assistant."}
QUESTIONS = [
    "What is gout?",
    "Labs: K+ 5.1 mmol/L, Na+ 139;  pH 7.35\n\n- CRP < 5\n- Hb 13.2 g/dl\n",
    "Wie hoch ist die Dosis von Metformin (2×850 mg)? 日本語もどうぞ 😀",
    "don't \t tab,   three blanks, <b>markup</b> [x] {y} 1/2 CO₂",
    "numbers 1 12 123 1234 12345.6789",
]


def conversations():
    for question in QUESTIONS:
        yield [{"role": "user", "content": question}]
        yield [SYSTEM, {"role": "user", "content": question}]
    turns = [SYSTEM]
    for question, answer in zip(QUESTIONS, reversed(QUESTIONS), strict=True):
        turns = [*turns, {"role": "user", "content": question}, {"role": "assistant", "content": answer.strip()}]
    yield [*turns, {"role": "user", "content": "Thanks!"}]


def main():
    folder = sys.argv[1]
    chats = []
    for vocabulary, template in TEMPLATES.items():
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=f"ggml-vocab-{vocabulary}.gguf")
        for messages in conversations():
            tokens = tokenizer.apply_chat_template(
                messages, chat_template=template, tokenize=True, add_generation_prompt=True, return_dict=False
            )
            chats.append({"vocabulary": vocabulary, "template": template, "messages": messages, "tokens": tokens})
    json.dump(chats, sys.stdout, ensure_ascii=False, indent=None, separators=(",", ":"))


main()
