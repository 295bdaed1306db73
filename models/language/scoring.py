"""Compare answers with the truth beside the pages: by kind of value, by layout, for values that training never sees."""
from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from language import answers, texts

LAYOUTS = {"prescription": "prescription", "card": "patient card", "lab": "lab slip", "list": "medication list", "none": "no document"}


def kind_of(path: str) -> str:
    """"medications.2.dose" to "medications.dose": what kind of value a path leads to."""
    return re.sub(r"\.\d+", "", path)


def compared(text: str, truth: dict[str, Any], as_json: bool) -> list[tuple[str, str, str | None]]:
    """Each true value of a page as (path, value, what the answer gives for it). A page that is no document has one: that
    the answer says so."""
    if not truth["fields"]:
        said = text.strip() == ("{}" if as_json else texts.NO_DOCUMENT)
        return [("no document", texts.NO_DOCUMENT, texts.NO_DOCUMENT if said else text.strip())]
    found = (answers.parse_json(text) or {}) if as_json else answers.parse_prose(text)
    return [(path, value, found.get(path)) for path, value in answers.leaves(truth["fields"])]


def score(said: dict[str, str], folder: Path, as_json: bool = False) -> dict[str, Any]:
    """Shares of right values, right to the letter, of the answers {file name: text} to the pages of `folder`.

    "all": of all values. "byKind", "byLayout", "seen", "unseen": of these. "invented": values in answers that no page
    holds, for each true one. "parsed": share of answers that are JSON (only with `as_json`). "wrong": each wrong value with
    its file, path, truth and answer. "confusions": letters taken for one another in wrong values of the same length.
    """
    kinds: dict[str, list[bool]] = defaultdict(list)
    layouts: dict[str, list[bool]] = defaultdict(list)
    novel: dict[bool, list[bool]] = {False: [], True: []}
    parsed: list[bool] = []
    wrong: list[dict[str, Any]] = []
    confusions: Counter[str] = Counter()
    invented = 0
    for name, text in sorted(said.items()):
        truth = json.loads((folder / name).with_suffix(".json").read_text(encoding="utf-8"))
        rows = compared(text, truth, as_json)
        found = answers.parse_json(text) if as_json else answers.parse_prose(text)
        parsed.append(found is not None)
        invented += len(set(found or {}) - {path for path, _, _ in rows})
        for path, value, given in rows:
            right = value == given
            kinds[kind_of(path)].append(right)
            layouts[LAYOUTS[truth["layout"]]].append(right)
            novel[path in truth["unseen"]].append(right)
            if not right:
                wrong.append({"file": name, "path": path, "truth": value, "answer": given, "unseen": path in truth["unseen"]})
                if given is not None and len(given) == len(value):
                    confusions.update(f"{a} as {b}" for a, b in zip(value, given) if a != b)
    every = [right for values in kinds.values() for right in values]
    return {
        "all": share(every), "values": len(every), "seen": share(novel[False]), "unseen": share(novel[True]),
        "unseenValues": len(novel[True]), "invented": round(invented / len(every), 4),
        "byKind": {kind: share(values) for kind, values in kinds.items()},
        "byLayout": {layout: share(values) for layout, values in sorted(layouts.items())},
        **({"parsed": share(parsed)} if as_json else {}),
        "confusions": dict(confusions.most_common(12)), "wrong": wrong,
    }


def share(values: list[bool]) -> float | None:
    """Of true ones; None of none."""
    return round(sum(values) / len(values), 4) if values else None
