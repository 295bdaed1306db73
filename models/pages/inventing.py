"""Words that exist nowhere, for training pages: a reader that has seen them has to read letters, not recognise lists.

Everything here is built from the trained halves of the lists, and nothing it returns holds a held-out value.
"""
from __future__ import annotations

import random
import string

from pages import lists
from pages.lists import laboratory

SHORTEST, LONGEST = 2, 20
"""Characters of an invented value."""

_END = "\n"
_LETTERS = string.ascii_lowercase


def _trigrams(words: tuple[str, ...]) -> dict[str, str]:
    """Two preceding characters -> the characters that follow them in `words`, as often as they do."""
    table: dict[str, list[str]] = {}
    for word in words:
        padded = _END * 2 + word + _END
        for at in range(2, len(padded)):
            table.setdefault(padded[at - 2:at], []).append(padded[at])
    return {pair: "".join(followers) for pair, followers in table.items()}


_TRAINED: dict[str, tuple[str, ...]] = {kind: trained for kind, (trained, _) in lists.KINDS.items()}
_TRAINED["first name"] = _TRAINED["female name"] + _TRAINED["male name"]
_MIXTURE = tuple(value for trained in _TRAINED.values() for value in trained)
_STATISTICS = {kind: _trigrams(tuple(word.lower() for value in trained for word in value.split()))
               for kind, trained in {**_TRAINED, "any": _MIXTURE}.items()}


def pseudo_word(rng: random.Random, kind: str, longest: int = 14) -> str:
    """A lower-case word with the trigram statistics of `kind` (or of all lists, now and then)."""
    table = _STATISTICS["any" if rng.random() < 0.35 else kind]
    pair, word = _END * 2, ""
    while len(word) < longest:
        char = rng.choice(table.get(pair, _LETTERS))
        if char == _END:
            if len(word) >= 2:
                break
            char = rng.choice(_LETTERS)
        word += char
        pair = pair[1] + char
    return word


def random_letters(rng: random.Random, longest: int = 10) -> str:
    """A string of letters with no pattern at all."""
    return "".join(rng.choices(_LETTERS, k=rng.randint(2, longest)))


def misspelt(rng: random.Random, value: str) -> str:
    """A list value with one or two letters changed, doubled, dropped, swapped or added."""
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(value))
        how = rng.randrange(5)
        letter = rng.choice(_LETTERS)
        if value[at] == " ":
            continue
        if how == 0:
            value = value[:at] + (letter.upper() if value[at].isupper() else letter) + value[at + 1:]
        elif how == 1:
            value = value[:at + 1] + value[at].lower() + value[at + 1:]
        elif how == 2 and len(value) > 3 and at:
            value = value[:at] + value[at + 1:]
        elif how == 3 and 0 < at < len(value) - 1 and value[at + 1] != " ":
            value = value[:at] + value[at + 1] + value[at] + value[at + 2:]
        else:
            value = value[:at + 1] + letter + value[at + 1:]
    return " ".join(value.split())


def code(rng: random.Random) -> str:
    """A short mix of capitals and digits: "B12", "CA 125", "T-xyz", "HbA2"."""
    head = "".join(rng.choices(string.ascii_uppercase, k=rng.randint(1, 3)))
    digits = str(rng.randint(0, rng.choice((9, 99, 999))))
    return rng.choice((
        f"{head}{digits}", f"{head} {digits}", f"{head}-{digits}", f"{head}-{random_letters(rng, 6)}",
        f"{head}{rng.choice(_LETTERS)} {rng.choice(string.ascii_uppercase)}{digits}",
        f"{head}{rng.choice(_LETTERS)}{rng.choice(string.ascii_uppercase)}{digits}",
        f"{random_letters(rng, 6).capitalize()}-{digits}", f"{digits}-{head}", head + random_letters(rng, 3),
    ))


def _shaped(rng: random.Random, kind: str) -> str:
    """Two or three words, a hyphen, an apostrophe, a code, doubled letters or capitals."""
    first = pseudo_word(rng, kind, 11)
    second = pseudo_word(rng, kind, 8)
    at = rng.randrange(1, len(first))
    return rng.choice((
        f"{first.capitalize()} {second}",
        f"{first.capitalize()} {second}",
        f"{first.capitalize()} {random_letters(rng, 3)} {second}",
        f"{first.capitalize()} {second.capitalize()}",
        f"{first.capitalize()}-{second}",
        f"{rng.choice(string.ascii_uppercase)}-{first}",
        f"{rng.choice(string.ascii_uppercase)}'{first.capitalize()}",
        f"{first.capitalize()} {code(rng)}",
        f"{first.capitalize()} {rng.choice(string.ascii_uppercase)}{rng.randint(1, 19)}",
        first[:at + 1].capitalize() + first[at] + first[at + 1:],
        first.upper()[:rng.randint(3, 6)],
        first.capitalize() + rng.choice(string.ascii_uppercase) + second,
        code(rng), code(rng),
    ))


def _name(rng: random.Random, kind: str) -> str:
    """An invented first or last name: one word, sometimes with a hyphen, an apostrophe or an inner capital."""
    draw = rng.random()
    if draw < 0.2:
        return misspelt(rng, rng.choice(_TRAINED[kind]))
    if draw < 0.3:
        return random_letters(rng, 9).capitalize()
    word = pseudo_word(rng, kind, 11)
    if draw < 0.36:
        return f"{word[:7].capitalize()}-{pseudo_word(rng, kind, 6).capitalize()}"
    if draw < 0.41:
        return f"{rng.choice(('O', 'D', 'M', 'N'))}'{word.capitalize()}"
    if draw < 0.45:
        return f"{rng.choice(('Mc', 'De', 'Mac', 'Van', 'Le'))}{word.capitalize()}"
    return word.capitalize()


def invent(rng: random.Random, kind: str) -> str:
    """An invented value of `kind`: 'first name', 'last name', 'diagnosis', 'symptom', 'medication' or 'test'.

    Names are one word of up to 16 characters. The others begin with a capital letter, a digit now and then.
    """
    is_name = kind.endswith("name")
    while True:
        if is_name:
            value = _name(rng, kind)
        else:
            draw = rng.random()
            if draw < 0.34:
                value = pseudo_word(rng, kind).capitalize()
            elif draw < 0.5:
                value = misspelt(rng, rng.choice(_TRAINED[kind]))
            elif draw < 0.58:
                value = random_letters(rng, 12).capitalize()
            else:
                value = _shaped(rng, kind)
            value = value[:1].upper() + value[1:]
        if SHORTEST <= len(value) <= (16 if is_name else LONGEST) and not lists.holds_held_out(value):
            return value


def number(rng: random.Random) -> str:
    """A number as it stands on medical paper: mostly short, some with decimals."""
    draw = rng.random()
    if draw < 0.45:
        return str(rng.randint(1, rng.choice((9, 30, 100, 1000))))
    if draw < 0.6:
        return str(rng.randrange(5, 2000, 5))
    if draw < 0.68:
        return f"0.{rng.randint(1, 999)}"
    return f"{rng.uniform(0, rng.choice((10, 100, 400))):.{rng.choice((1, 1, 2))}f}"


def strength(rng: random.Random) -> str:
    """Any number with a unit of strength."""
    unit = rng.choice(("mg", "mg", "mg", "mg", "mcg", "g", "%", "IU", "units", "mL", "mg/mL", "units/mL", "mg/5 mL", "mEq"))
    return f"{number(rng)} {unit}"


def dose(rng: random.Random) -> str:
    """Any number of any form."""
    form = rng.choice(("tablet", "tab", "capsule", "cap", "mL", "puff", "drop", "unit", "spray", "sachet", "patch", "spoonful"))
    count = rng.choice((str(rng.randint(1, 9)), str(rng.randint(1, 60)), "1/2", "1-2", f"{rng.uniform(0.5, 20):.1f}"))
    plural = "" if form == "mL" or count in ("1", "1/2") else "es" if form == "patch" else "s"
    return f"{count} {form}{plural}"


def frequency(rng: random.Random) -> str:
    """A frequency with a free number."""
    hours, times = rng.randint(1, 72), rng.choice(("two", "three", "four", "five", "six", str(rng.randint(2, 9))))
    return rng.choice((f"every {hours} hours", f"every {rng.randint(2, 14)} days", f"{times} times daily", f"{rng.randint(1, 8)}x daily",
                       f"{times} times a week", f"at {rng.randint(1, 12)} {rng.choice(('am', 'pm'))}"))


def duration(rng: random.Random) -> str:
    """A duration with a free number."""
    unit = rng.choice(("day", "day", "day", "week", "week", "month", "year"))
    count = rng.randint(1, 99 if unit == "day" else 12)
    return f"{count} {unit}{'' if count == 1 else 's'}"


def result(rng: random.Random) -> str:
    """A number with a unit of the laboratory."""
    return f"{number(rng)} {rng.choice(laboratory.UNITS)}"
