"""Dense sheets of words for training the reader: no form, only lines of everything that pages hold."""
from __future__ import annotations

import random
from collections.abc import Callable

from pages import inventing, lists
from pages.canvas import LEAST_VALUE, Canvas, Style, mix
from pages.fonts import HAND_FACES, PRINT_FACES
from pages.lists import medicines
from pages.theme import INKS, LABELS, PEN_INKS, Theme
from pages.values import date_text

_KINDS: tuple[str, ...] = ("first name", "last name", "diagnosis", "symptom", "medication", "test")


def _listed(rng: random.Random) -> str:
    return rng.choice(lists.KINDS[rng.choice(tuple(lists.KINDS))][0])


def _invented(rng: random.Random) -> str:
    return inventing.invent(rng, rng.choice(_KINDS))


def _person(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return f"{inventing.invent(rng, 'first name')} {inventing.invent(rng, 'last name')}"
    return f"{rng.choice(lists.KINDS[rng.choice(('female name', 'male name'))][0])} {rng.choice(lists.KINDS['last name'][0])}"


def _directions(rng: random.Random) -> str:
    dose = rng.choice(medicines.DOSES[rng.choice(tuple(medicines.DOSES))]) if rng.random() < 0.5 else inventing.dose(rng)
    frequency = rng.choice(medicines.FREQUENCIES) if rng.random() < 0.5 else inventing.frequency(rng)
    return rng.choice((dose, frequency, f"{dose} {frequency}", rng.choice(medicines.DURATIONS), inventing.duration(rng)))


def _drug(rng: random.Random) -> str:
    name = rng.choice(lists.KINDS["medication"][0]) if rng.random() < 0.5 else inventing.invent(rng, "medication")
    return f"{name} {inventing.strength(rng)}"


def _label(rng: random.Random) -> str:
    words = rng.choice(tuple(LABELS.values()))
    label = rng.choice(words) + rng.choice((":", ":", "", ":"))
    rest = rng.choice((_invented, _listed, _person, date_text, inventing.number))(rng)
    return f"{label.upper() if rng.random() < 0.2 else label} {rest}"


def _phrase(rng: random.Random) -> str:
    words = [inventing.pseudo_word(rng, rng.choice(_KINDS), 9) for _ in range(rng.randint(2, 4))]
    return " ".join(words)


def _letters(rng: random.Random) -> str:
    """A string over all printable letters, digits and the signs of medical paper."""
    signs = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" * 3 + "-./%:,()'+#^*&@=<>;!?_\"$[]{}~|`"
    return "".join(rng.choices(signs, k=rng.randint(3, 12)))


_TEXTS: tuple[Callable[[random.Random], str], ...] = (
    _listed, _invented, _invented, _person, _directions, _directions, _drug, _drug, date_text, inventing.result, inventing.code,
    _label, _label, _phrase, _letters, inventing.number,
)


def _text(rng: random.Random) -> str:
    """A piece of text in which nothing is held out."""
    while True:
        text = rng.choice(_TEXTS)(rng)
        if rng.random() < 0.04:
            text = text.upper()
        if not lists.holds_held_out(text):
            return text


def _style(rng: random.Random, theme: Theme, hand_share: float) -> Style:
    hand = rng.random() < hand_share
    face = rng.choice(HAND_FACES if hand else PRINT_FACES)
    least = LEAST_VALUE["hand" if hand else "print"]
    ink = rng.choice(PEN_INKS if hand else INKS)
    if rng.random() < 0.15:
        ink = mix(theme.accent, (0, 0, 0), 0.2)
    return Style(face, rng.uniform(least, least + 4.5), ink, rng.uniform(0.0, 0.5) if hand else 0.0, least)


def fill_sheet(c: Canvas, t: Theme, rng: random.Random) -> tuple[list[str], str]:
    """Fill the page with 14 to 22 lines of one to four pieces; returns the pieces in reading order and the variant."""
    variant = rng.choice(("mixed", "lines", "columns"))
    wanted = rng.randint(14, 22)
    rows = min(wanted, int((c.height - 14) / 19.4))
    pitch = (c.height - 14) / rows
    hand_share = rng.choice((0.15, 0.35, 0.7))
    column = rng.uniform(0.4, 0.6) * c.width
    pieces: list[str] = []
    line_style = _style(rng, t, hand_share)
    for row in range(rows):
        y = 7 + (row + 0.76) * pitch
        if rng.random() < 0.4:
            line_style = _style(rng, t, hand_share)
        line_style = line_style.sized(max(line_style.least, min(line_style.size, pitch * 0.98)))
        x, number = rng.uniform(9, 26), 0
        while x < c.width - 40 and number < 4:
            style = _style(rng, t, hand_share) if variant == "mixed" and rng.random() < 0.4 else line_style
            style = style.sized(max(style.least, min(style.size, pitch * 0.98)))
            text = _text(rng)
            if x + c.measure(text, style) > c.width - 9:
                text = _text(rng)
                if x + c.measure(text, style) > c.width - 9:
                    break
            end = c.text(x, y, text, style, f"lines.{len(pieces)}")
            pieces.append(text)
            x = max(end + rng.uniform(11, 26), column if variant == "columns" and number == 0 else 0)
            number += 1
        if rng.random() < 0.15:
            c.line(8, y + 4, c.width - 8, y + 4, t.faint, 0.5)
    return pieces, variant
