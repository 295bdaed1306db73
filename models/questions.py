"""One question for each page of a folder, and its answer, as JSON {file name: {question, answer}}: questions.py FOLDER"""
from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from language import answers


def main() -> None:
    """Command line."""
    asked = {}
    for file in sorted(Path(sys.argv[1]).glob("*.json")):
        fields = json.loads(file.read_text(encoding="utf-8"))["fields"]
        question, segments = answers.question(fields, random.Random(f"question {file.stem}"))
        asked[f"{file.stem}.png"] = {"question": question, "answer": answers.text_of(segments).strip()}
    print(json.dumps(asked))


if __name__ == "__main__":
    main()
