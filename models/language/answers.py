"""The answers about a page, as prose and as JSON. Built from its fields, and read back into them.

An answer is a list of segments (text, path): the text of a value with its path ("medications.0.dose"), or a text
that only leads from one value to the next, with None. Training needs the paths to know where on the page each
character of an answer stands.
"""
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from language import texts

Segment = tuple[str, str | None]
Fields = dict[str, Any]

KEYS = {"patient": "Patient", "age": "Age", "sex": "Sex", "date": "Date", "diagnosis": "Diagnosis", "symptoms": "Symptoms"}
ROWS = {"medications": "Medication", "tests": "Test"}
PARTS = {"medications": ("name", "strength", "dose", "frequency", "duration"), "tests": ("name", "value")}
BETWEEN = ", "


def prose(fields: Fields) -> list[Segment]:
    """A "Key: value" line for each field, one line for each medication and test; NO_DOCUMENT where there is no field."""
    if not fields:
        return [(" " + texts.NO_DOCUMENT, None)]
    segments: list[Segment] = []
    for name, key in KEYS.items():
        if name not in fields:
            continue
        segments.append((f"{chr(10) if segments else ' '}{key}:", None))
        segments += joined([name] if isinstance(fields[name], str) else [f"{name}.{index}" for index in range(len(fields[name]))], fields)
    for name, key in ROWS.items():
        for index in range(len(fields.get(name, ()))):
            segments.append((f"\n{key}:", None))
            segments += joined([f"{name}.{index}.{part}" for part in PARTS[name]], fields)
    return segments


def joined(paths: list[str], fields: Fields) -> list[Segment]:
    """The values of these paths: a space before the first, BETWEEN before the others."""
    segments: list[Segment] = []
    for path in paths:
        segments += [(BETWEEN if segments else " ", None), (value_at(fields, path), path)]
    return segments


def as_json(fields: Fields) -> list[Segment]:
    """The fields as JSON without white space, in the order of the page's truth; {} where there is no document."""
    segments: list[Segment] = []

    def write(value: Any, path: str) -> None:
        if isinstance(value, str):
            segments.extend(((value, path), ('"', None)))
        elif isinstance(value, list):
            segments.append(("[", None))
            for index, item in enumerate(value):
                segments.append((("," if index else "") + ('"' if isinstance(item, str) else ""), None))
                write(item, f"{path}.{index}")
            segments.append(("]", None))
        else:
            segments.append(("{", None))
            for index, (key, item) in enumerate(value.items()):
                segments.append((f'{"," if index else ""}"{key}":' + ('"' if isinstance(item, str) else ""), None))
                write(item, f"{path}.{key}" if path else key)
            segments.append(("}", None))

    write(fields, "")
    return segments


def value_at(fields: Fields, path: str) -> str:
    """The value that a path leads to."""
    value: Any = fields
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def leaves(fields: Fields) -> Iterator[tuple[str, str]]:
    """Every value with its path, in the order of the page's truth."""

    def walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, str):
            yield path, value
        else:
            for step, item in value.items() if isinstance(value, dict) else enumerate(value):
                yield from walk(item, f"{path}.{step}" if path else str(step))

    return walk(fields, "")


def text_of(segments: list[Segment]) -> str:
    """The whole answer."""
    return "".join(text for text, _ in segments)


def parse_prose(text: str) -> dict[str, str]:
    """Values by path, as leaves() names them; lines of an unknown key are dropped."""
    values: dict[str, str] = {}
    rows = dict.fromkeys(ROWS, 0)
    names = {key: name for name, key in (KEYS | ROWS).items()}
    for line in text.strip().split("\n"):
        key, colon, value = line.partition(":")
        name = names.get(key) if colon else None
        if name is None:
            continue
        value = value.strip()
        if name in ROWS:
            values |= {f"{name}.{rows[name]}.{part}": item for part, item in zip(PARTS[name], value.split(BETWEEN))}
            rows[name] += 1
        elif name == "symptoms":
            values |= {f"symptoms.{index}": item for index, item in enumerate(value.split(BETWEEN))}
        else:
            values.setdefault(name, value)
    return values


def parse_json(text: str) -> dict[str, str] | None:
    """Values by path of a JSON answer; None where it is no JSON object."""
    try:
        fields = json.loads(text)
    except ValueError:
        return None
    return dict(leaves(fields)) if isinstance(fields, dict) else None
