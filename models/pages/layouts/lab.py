"""Lab slips: a table with reference ranges, leader dots, result tiles, a till-roll print."""
from __future__ import annotations

import random

from pages import lists
from pages.canvas import Canvas, darker, mix
from pages.fonts import PRINT_FACES
from pages.lists import people
from pages.theme import Theme

from . import parts

TITLES: tuple[str, ...] = ("LABORATORY REPORT", "Lab results", "Blood test results", "Laboratory report", "Test results")


def _range_text(rng: random.Random, name: str) -> str:
    test = lists.TEST.get(name)
    low, high, decimals = (test.low, test.high, test.decimals) if test else (rng.uniform(0, 20), rng.uniform(21, 90), 1)
    return f"{low:.{decimals}f}-{high:.{decimals}f}"


def _head(c: Canvas, t: Theme, f: dict, rng: random.Random, left: float, right: float, pitch: float) -> float:
    """Heading and person; returns the last baseline."""
    title = rng.choice(TITLES) if rng.random() < 0.5 else rng.choice(people.LABORATORIES)
    y = parts.heading(c, t, rng, left, right, title, parts.address(rng) if rng.random() < 0.6 else None) + t.value.size
    return parts.pairs(c, t, parts.demographics(rng, f), left, right, y, pitch)


def table(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """Columns of test, result and, in small print, the reference range."""
    left, right = 13.0, c.width - 13
    pitch = parts.pitch_of(rng, t, 1.12, 1.45)
    y = _head(c, t, f, rng, left, right, pitch) + 12
    ranges = rng.random() < 0.65
    row = max(21.0, min(34.0, (c.height - y - 34) / len(f["tests"]), t.value.size * rng.uniform(1.25, 1.7)))
    column = left + (right - left) * (rng.uniform(0.42, 0.48) if ranges else rng.uniform(0.5, 0.58))
    third = right - (c.measure("000.0-000.0", t.small) + 4 if ranges else 0)
    c.box(left, y, right, y + 19, fill=mix(t.paper, t.accent, 0.16), outline=t.faint)
    c.text(left + 4, y + 14.2, t.name("test"), t.label)
    c.text(column + 3, y + 14.2, t.name("value"), t.label)
    if ranges:
        c.text_right(right - 2, y + 13, "Ref.", t.small, important=False)
    y += 19
    lines = rng.choice(("rows", "grid", "zebra", "none"))
    for number, test in enumerate(f["tests"]):
        if lines == "zebra" and number % 2:
            c.box(left, y, right, y + row, fill=darker(t.paper, 10))
        if lines in ("rows", "grid"):
            c.line(left, y + row, right, y + row, t.faint)
        base = y + row / 2 + t.value.size * 0.3
        c.text(left + 4, base, test["name"], c.fitted(test["name"], t.value, column - left - 7), f"tests.{number}.name")
        c.text(column + 3, base, test["value"], c.fitted(test["value"], t.value, third - column - 6), f"tests.{number}.value")
        if ranges:
            c.text_right(right - 3, base, _range_text(rng, test["name"]), t.small, important=False)
        y += row
    if lines == "grid":
        for x in (left, column - 1, right):
            c.line(x, y - row * len(f["tests"]), x, y, t.faint)
    parts.check_bottom(c, y, 5)
    parts.foot(c, t, rng, y, parts.doctor(rng, train))


def leaders(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """Test and result joined by a dotted line, the result at the right margin."""
    left, right = rng.uniform(15, 26), c.width - rng.uniform(15, 24)
    pitch = parts.pitch_of(rng, t, 1.14, 1.5)
    y = _head(c, t, f, rng, left, right, pitch) + 9
    c.line(left, y, right, y, t.accent, 0.9)
    step = max(20.0, t.value.size * 1.1, min(36.0, (c.height - y - 16) / len(f["tests"])))
    y += step * 0.85
    for number, test in enumerate(f["tests"]):
        value = c.fitted(test["value"], t.value, (right - left) * 0.52)
        start = c.text_right(right, y, test["value"], value, f"tests.{number}.value")
        name = c.fitted(test["name"], t.value, start - left - 14)
        end = c.text(left, y, test["name"], name, f"tests.{number}.name")
        c.dots(end + 4, start - 4, y, mix(t.faint, (0, 0, 0), 0.25), 4.0)
        y += step
    parts.check_bottom(c, y - step)
    parts.foot(c, t, rng, y - step + 4, parts.doctor(rng, train))


def tiles(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """Two columns of boxes, the result below the test's name in each."""
    left, right = 12.0, c.width - 12
    pitch = parts.pitch_of(rng, t, 1.1, 1.4)
    y = _head(c, t, f, rng, left, right, pitch) + 11
    rows = (len(f["tests"]) + 1) // 2
    line = max(19.6, t.value.size * 1.06)
    height = max(line * 2 + 9, min(70.0, (c.height - y - 12) / rows - 5))
    width = (right - left - 8) / 2
    small = rng.random() < 0.5
    for number, test in enumerate(f["tests"]):
        x, top = left + (number % 2) * (width + 8), y + (number // 2) * (height + 5)
        c.box(x, top, x + width, top + height, outline=t.faint, fill=mix(t.paper, t.accent, 0.05), radius=rng.choice((0.0, 4.0)))
        base = top + (height - line * 2) / 2 + line * 0.8
        c.text(x + 6, base, test["name"], c.fitted(test["name"], t.value, width - 10), f"tests.{number}.name")
        end = c.text(x + 6, base + line, test["value"], c.fitted(test["value"], t.value, width - 10), f"tests.{number}.value")
        note = _range_text(rng, test["name"])
        if small and end + c.measure(note, t.small) + 8 < x + width:
            c.text_right(x + width - 4, base + line, note, t.small, important=False)
    parts.check_bottom(c, y + rows * (height + 5) - 5, 5)


def roll(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """An analyser's till roll: one face, one size, test and result on lines of their own or joined by a colon."""
    face = rng.choice(tuple(face for face in PRINT_FACES if face.kind in ("mono", "condensed", "sans")))
    value = t.value = type(t.value)(face, rng.uniform(16.3, 18.5), t.label.color if sum(t.label.color) < 330 else (20, 20, 24), 0.0, 16.3)
    t.label = type(t.value)(face, min(value.size, 15.5), value.color, 0.0, 12.8)
    t.rule = "none"
    left, right = 17.0, c.width - 15
    title = rng.choice(people.LABORATORIES)
    y = 12 + value.size
    c.text_centered(c.width / 2, y, title, c.fitted(title, t.label, right - left))
    pitch = max(19.6, value.size * rng.uniform(1.14, 1.4))
    y += pitch * 1.2
    for key, text in parts.demographics(rng, f):
        start = c.text(left, y, t.label_text(key), t.label) + 6
        c.text(start, y, text, c.fitted(text, value, right - start), key)
        y += pitch
    c.dots(left, right, y - pitch * 0.45, (90, 90, 90), 4.0)
    y += pitch * 0.25
    stacked = rng.random() < 0.4
    for number, test in enumerate(f["tests"]):
        end = c.text(left, y, test["name"], c.fitted(test["name"], value, right - left), f"tests.{number}.name")
        if stacked:
            y += pitch
            c.text(left + 24, y, test["value"], c.fitted(test["value"], value, right - left - 24), f"tests.{number}.value")
        else:
            start = c.text(end, y, t.colon, value) + 7 if t.colon else end + 9
            c.text(start, y, test["value"], c.fitted(test["value"], value, right - start), f"tests.{number}.value")
        y += pitch * (1.15 if stacked else 1.0)
    parts.check_bottom(c, y - pitch)
