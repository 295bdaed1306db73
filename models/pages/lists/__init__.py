"""Words of the synthetic pages, and which of them training never sees.

A value is held out by a fixed hash of its spelling, or because it stands in ALWAYS_HELD_OUT: shapes (a code in
the name, a hyphen, two words) of which the test pages must hold unseen examples.
"""
from __future__ import annotations

import zlib
from collections.abc import Iterable

from . import conditions, laboratory, medicines, people

HELD_OUT_SHARE = 0.16

ALWAYS_HELD_OUT: frozenset[str] = frozenset((
    "D-dimer", "Vitamin B12", "Free T4", "Gamma GT", "Calcium carbonate", "Bipolar disorder", "Hepatitis B", "O'Neill",
    "Co-amoxiclav", "Blood in stool", "NT-proBNP", "Dry eye", "Deep vein thrombosis", "Folic acid", "CA 125", "Hay fever",
    "Folate deficiency",
))


def is_held_out(value: str) -> bool:
    """Whether training must never print this list value."""
    # 0xE6F3 only picks one of many equally good splits; crc32 is the same on every machine.
    return value in ALWAYS_HELD_OUT or zlib.crc32(value.encode(), 0xE6F3) / 2**32 < HELD_OUT_SHARE


def split(values: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(values that training may print, values held out), each in list order and once."""
    ordered = tuple(dict.fromkeys(values))
    return tuple(v for v in ordered if not is_held_out(v)), tuple(v for v in ordered if is_held_out(v))


def _of_all_fields(table: dict[str, tuple[str, ...]]) -> list[str]:
    return [value for values in table.values() for value in values]


KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "female name": split(people.FEMALE_NAMES),
    "male name": split(people.MALE_NAMES),
    "last name": split(people.LAST_NAMES),
    "diagnosis": split(_of_all_fields(conditions.DIAGNOSES)),
    "symptom": split(_of_all_fields(conditions.SYMPTOMS)),
    "medication": split(medicine.name for group in medicines.MEDICINES.values() for medicine in group),
    "test": split(test.name for test in laboratory.TESTS),
}
"""Kind -> (trained values, held-out values)."""

MEDICINE: dict[str, medicines.Medicine] = {m.name: m for group in medicines.MEDICINES.values() for m in group}
TEST: dict[str, laboratory.Test] = {test.name: test for test in laboratory.TESTS}
FIELD_OF_MEDICINE: dict[str, str] = {m.name: field for field, group in medicines.MEDICINES.items() for m in group}

HELD_OUT_FOLDED: frozenset[str] = frozenset(value.casefold() for _, held in KINDS.values() for value in held)


def holds_held_out(text: str) -> bool:
    """Whether `text` is a held-out value or holds one as a run of whole words, whatever the case."""
    words = text.casefold().replace(":", " ").replace(",", " ").split()
    return any(" ".join(words[start:end]) in HELD_OUT_FOLDED
               for start in range(len(words)) for end in range(start + 1, min(start + 3, len(words)) + 1))
