"""One question for each page of a folder, and its answer, as JSON {file name: {question, answer}}: questions.py FOLDER

With --missing each is about what its page does not have, in turn a medication or a test of another page and a field.
"""
from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from language import answers, questions


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--missing", action="store_true", help="ask for what is not there; pages that are no document get none")
    options = parser.parse_args()
    pages = {file.stem: json.loads(file.read_text(encoding="utf-8"))["fields"] for file in sorted(options.folder.glob("*.json"))}
    elsewhere = list(pages.values())
    asked = {}
    for index, (name, fields) in enumerate(pages.items()):
        rng = random.Random(f"question {name}")
        if options.missing and not fields:
            continue
        question, segments = (questions.missing_question(fields, elsewhere, index % 2 == 0, rng) if options.missing
                              else questions.question(fields, elsewhere, rng))
        asked[f"{name}.png"] = {"question": question, "answer": answers.text_of(segments).strip()}
    print(json.dumps(asked))


if __name__ == "__main__":
    main()
