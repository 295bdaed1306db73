"""One question for each page of a folder, and its answer, as JSON {file name: {question, answer}}: questions.py FOLDER"""
from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from language import answers, questions


def main() -> None:
    """Command line."""
    files = sorted(Path(sys.argv[1]).glob("*.json"))
    pages = {file.stem: json.loads(file.read_text(encoding="utf-8"))["fields"] for file in files}
    asked = {}
    for name, fields in pages.items():
        question, segments = questions.question(fields, list(pages.values()), random.Random(f"question {name}"))
        asked[f"{name}.png"] = {"question": question, "answer": answers.text_of(segments).strip()}
    print(json.dumps(asked))


if __name__ == "__main__":
    main()
