"""Medication lists: a table with headings, two-line blocks, a numbered list, cards."""
from __future__ import annotations

import random

from pages.canvas import LEAST_VALUE, Canvas, DoesNotFit, Style, mix
from pages.fonts import PRINT_FACES
from pages.lists import people
from pages.theme import Theme, run

from . import parts

TITLES: tuple[str, ...] = ("MEDICATION LIST", "Medication list", "Current medication", "Medication plan", "My medicines")
_PARTS: tuple[str, ...] = ("name", "strength", "dose", "frequency", "duration")


def _head(c: Canvas, t: Theme, f: dict, rng: random.Random, left: float, right: float, pitch: float) -> float:
    """Heading and person; returns the last baseline."""
    title = rng.choice(TITLES) if rng.random() < 0.75 else rng.choice(people.CLINICS)
    t.heading = t.heading.sized(min(t.heading.size, 19))
    y = parts.heading(c, t, rng, left, right, title) + t.value.size
    return parts.pairs(c, t, parts.demographics(rng, f), left, right, y, pitch)


def table(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """Headings and a row per medication; the strength stands below the name, the duration beside or below."""
    left, right = 9.0, c.width - 9
    least = LEAST_VALUE["hand" if t.hand else "table"]
    t.value = Style(t.value.face, max(least, t.value.size - 1.5), t.value.color, t.value.jitter, least)
    y = _head(c, t, f, rng, left, right, max(19.6, t.value.size * 1.15)) + 9
    three = rng.random() < 0.6
    columns = ((("name", "strength"), ("dose", "frequency"), ("duration",)) if three
               else (("name", "strength"), ("dose",), ("frequency", "duration")))
    meds = f["medications"]
    widths = [max(max(c.measure(m[key], t.value) for m in meds for key in group),
                  c.measure(t.name(group[0]), t.label)) + 7 for group in columns]
    spare = (right - left - sum(widths)) / len(columns)
    if spare < 0:
        widths = [width + spare - 0.5 for width in widths]
    else:
        widths = [width + spare for width in widths]
    line = max(19.6, t.value.size * 1.06)
    row = max(line * 2 + 4, min(58.0, (c.height - y - 28) / len(meds)))
    filled = rng.random() < 0.6
    c.box(left, y, right, y + 19, fill=mix(t.paper, t.accent, 0.2) if filled else None, outline=t.faint)
    x = left
    for group, width in zip(columns, widths):
        c.text(x + 3, y + 14.2, t.name(group[0]), c.fitted(t.name(group[0]), t.label, width - 3))
        x += width
    y += 19
    top = y
    for number, m in enumerate(meds):
        x = left
        for group, width in zip(columns, widths):
            base = y + (row - line * len(group)) / 2 + line * 0.78
            for place, key in enumerate(group):
                c.text(x + 3, base + place * line, m[key], c.fitted(m[key], t.value, width - 4), f"medications.{number}.{key}")
            x += width
        y += row
        c.line(left, y, right, y, t.faint)
    if rng.random() < 0.7:
        x = left
        for width in [0.0, *widths]:
            x += width
            c.line(min(x, right), top, min(x, right), y, t.faint)
    parts.check_bottom(c, y, 4)


def wide(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """A landscape table with all five columns, in narrow print."""
    left, right = 7.0, c.width - 7
    face = rng.choice(tuple(face for face in PRINT_FACES if face.kind in ("condensed", "serif", "sans") and face.weight != "bold"))
    t.value = Style(face, rng.uniform(15.2, 16.2), t.label.color if sum(t.label.color) < 330 else (24, 24, 28), 0.0, LEAST_VALUE["table"])
    t.hand, t.upper = False, False
    t.words |= {"strength": "Strength", "frequency": rng.choice(("Frequency", "When")), "duration": rng.choice(("For", "Duration"))}
    y = _head(c, t, f, rng, left, right, rng.uniform(20, 27)) + 10
    meds = f["medications"]
    label = t.label.sized(12.9)
    widths = [max(max(c.measure(m[key], t.value) for m in meds), c.measure(t.name(key), label)) + 6 for key in _PARTS]
    spare = (right - left - sum(widths)) / len(widths)
    widths = [width + spare for width in widths]
    row = min(46.0, max(21.0, (c.height - y - 32) / len(meds)))
    c.box(left, y, right, y + 18, fill=mix(t.paper, t.accent, 0.15), outline=t.faint)
    for number in range(-1, len(meds)):
        x = left
        for key, width in zip(_PARTS, widths):
            if number < 0:
                c.text(x + 2, y + 13.4, t.name(key), c.fitted(t.name(key), label, width - 1))
            else:
                base = y + 18 + number * row + row / 2 + 5
                c.text(x + 2, base, meds[number][key], c.fitted(meds[number][key], t.value, width - 2), f"medications.{number}.{key}")
            x += width
        c.line(left, y + 18 + (number + 1) * row, right, y + 18 + (number + 1) * row, t.faint)
    parts.check_bottom(c, y + 18 + row * len(meds), 4)


def blocks(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """Two lines per medication, the first in the accent colour now and then, a rule between blocks."""
    left, right = rng.uniform(13, 20), c.width - 12
    pitch = parts.pitch_of(rng, t, 1.08, 1.35)
    y = _head(c, t, f, rng, left, right, pitch) + pitch * 1.1
    strong = t.value
    if rng.random() < 0.4 and not t.hand:
        strong = Style(t.value.face, t.value.size, mix(t.accent, (0, 0, 0), 0.2), t.value.jitter, t.value.least)
    divided, indent, separator = rng.random() < 0.6, rng.choice((0.0, 12.0, 24.0)), rng.choice(parts.SEPARATORS)
    for number, m in enumerate(f["medications"]):
        path = f"medications.{number}"
        if divided:
            c.line(left, y - pitch * 0.8, right, y - pitch * 0.8, t.faint, 0.5)
        y = run(c, parts.directions(t, "", m, path, ("name", "strength"), strong), left, right, y, pitch, 12) + pitch
        y = run(c, parts.directions(t, separator, m, path), left + indent, right, y, pitch) + pitch * 1.12
    parts.check_bottom(c, y - pitch * 1.1)


def numbered(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """A numbered list whose entries run on over as many lines as they need."""
    left, right = rng.uniform(13, 22), c.width - 12
    pitch = parts.pitch_of(rng, t, 1.1, 1.4)
    y = _head(c, t, f, rng, left, right, pitch) + pitch * 1.2
    mark = rng.choice(("{}.", "{})", "({})", "#{}"))
    separator = rng.choice(parts.SEPARATORS)
    indent = c.measure("(4) ", t.value) + 3
    for number, m in enumerate(f["medications"]):
        c.text(left, y, mark.format(number + 1), t.value)
        y = run(c, parts.directions(t, separator, m, f"medications.{number}", _PARTS), left + indent, right, y, pitch) + pitch * 1.15
    parts.check_bottom(c, y - pitch * 1.15)


def cards(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """A box per medication in two columns, three lines in each."""
    left, right = 9.0, c.width - 9
    y = _head(c, t, f, rng, left, right, max(19.6, t.value.size * 1.15)) + 10
    line = max(19.6, t.value.size * 1.06)
    rows = (len(f["medications"]) + 1) // 2
    height = max(line * 4 + 8, min(110.0, (c.height - y - 12) / rows - 5))
    width = (right - left - 6) / 2
    for number, m in enumerate(f["medications"]):
        x, top = left + (number % 2) * (width + 6), y + (number // 2) * (height + 5)
        c.box(x, top, x + width, top + height, outline=t.accent, width=0.8, radius=3.0)
        base = top + (height - line * 4) / 2 + line * 0.8
        for place, keys in enumerate((("name",), ("strength", "dose"), ("frequency",), ("duration",))):
            pieces = parts.directions(t, "", m, f"medications.{number}", keys)
            if run(c, pieces, x + 6, x + width - 4, base + place * line, line, gap=11) > base + place * line:
                raise DoesNotFit("card")
    parts.check_bottom(c, y + rows * (height + 5) - 5, 5)
