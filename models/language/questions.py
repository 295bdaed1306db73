"""Questions about one thing of a page, and their answers."""
from __future__ import annotations

import random
from dataclasses import dataclass

from language import texts
from language.answers import PARTS, Fields, Segment, joined

ABSENT_FIELDS, ABSENT_ROWS = 0.06, 0.06
"""How often a question is about a field that its page does not have, or about a medication or a test of another page."""


def question(fields: Fields, elsewhere: list[Fields], rng: random.Random) -> tuple[str, list[Segment]]:
    """A question about one thing of the page and its answer; now and then about something that is not there, such as a
    medication of `elsewhere`, other pages' fields."""
    if not fields:
        return field_question(rng.choice(tuple(texts.FIELD_QUESTIONS)), rng), [(" " + texts.NO_DOCUMENT, None)]
    chance = rng.random()
    if chance < ABSENT_ROWS + ABSENT_FIELDS:
        return missing_question(fields, elsewhere, chance < ABSENT_ROWS, rng)
    rows = parts_of(fields)
    if rows and rng.random() < 0.6:
        row = rng.choice(rows)
        return part_question(row, rng), joined([row.path], fields)
    name = rng.choice([name for name in fields if name in texts.FIELD_QUESTIONS])
    return field_question(name, rng), field_answer(fields, name)


def missing_question(fields: Fields, elsewhere: list[Fields], of_row: bool, rng: random.Random) -> tuple[str, list[Segment]]:
    """A question about what is not there: with `of_row` a medication or a test of `elsewhere`, if those have another than
    this page; a field that it does not have otherwise."""
    missing = rows_elsewhere(fields, elsewhere) if of_row else []
    absent = [name for name in texts.FIELD_QUESTIONS if name not in fields]
    asked = part_question(rng.choice(missing), rng) if missing else field_question(rng.choice(absent), rng)
    return asked, [(" " + texts.NOT_STATED, None)]


@dataclass(frozen=True)
class Part:
    """What a question may ask of a medication or a test: its name, the part, and the path of that."""

    name: str
    part: str
    path: str


def parts_of(fields: Fields) -> list[Part]:
    """Every part of the medications and tests of a page but their names."""
    return [Part(row["name"], part, f"{name}.{index}.{part}") for name, parts in PARTS.items()
            for index, row in enumerate(fields.get(name, ())) for part in parts[1:]]


def rows_elsewhere(fields: Fields, elsewhere: list[Fields]) -> list[Part]:
    """The parts of the medications and tests of other pages whose names do not stand on this one."""
    named = {row["name"] for name in PARTS for row in fields.get(name, ())}
    return [row for other in elsewhere for row in parts_of(other) if row.name not in named]


def part_question(row: Part, rng: random.Random) -> str:
    """A question about a part of a medication or a test."""
    return rng.choice(texts.PART_QUESTIONS[row.part]).format(row.name)


def field_question(name: str, rng: random.Random) -> str:
    """A question about a field."""
    return rng.choice(texts.FIELD_QUESTIONS[name])


def field_answer(fields: Fields, name: str) -> list[Segment]:
    """The answer to a question about one field: its value, or the names of all its rows."""
    if isinstance(fields[name], str):
        return joined([name], fields)
    suffix = ".name" if name in PARTS else ""
    return joined([f"{name}.{index}{suffix}" for index in range(len(fields[name]))], fields)
