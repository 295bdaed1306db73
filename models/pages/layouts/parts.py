"""Pieces that several layouts share: headings, label-and-value pairs, medication lines, signatures."""
from __future__ import annotations

import functools
import math
import random

from pages import lists
from pages.canvas import Canvas, Color, DoesNotFit, Piece, Style, mix
from pages.lists import people
from pages.theme import Theme, underline

SEPARATORS: tuple[str, ...] = ("", ",", " -", ";", "")


@functools.cache
def _names(train: bool) -> tuple[str, ...]:
    trained, held = lists.KINDS["last name"]
    return trained if train else trained + held


def doctor(rng: random.Random, train: bool) -> str:
    """A doctor's name; training pages print trained last names only, here too."""
    name = rng.choice(_names(train))
    return rng.choice((f"Dr. {rng.choice('ABCDEFGHJKLMNPRSTVW')}. {name}", f"Dr. {name}", f"{name}, MD"))


def address(rng: random.Random) -> str:
    """A street and a town."""
    return f"{rng.randint(1, 240)} {rng.choice(people.STREETS)}, {rng.choice(people.TOWNS)}"


def pitch_of(rng: random.Random, t: Theme, least: float = 1.14, most: float = 1.6) -> float:
    """A distance of baselines for lines of values, in units."""
    return max(19.6, t.value.size * rng.uniform(least, most))


def heading(c: Canvas, t: Theme, rng: random.Random, left: float, right: float, title: str, second: str | None = None) -> float:
    """The printed head of a page; returns the first free y below it."""
    form = rng.choice(("center", "left", "band", "split"))
    style = c.fitted(title, t.heading, right - left - 4)
    y = 8 + style.size
    if form == "band":
        bottom = y + (17 if second else 8)
        c.box(0, 0, c.width, bottom, fill=mix(t.paper, t.accent, 0.88))
        pale: Color = mix(t.accent, t.paper, 0.96) if sum(t.accent) < 420 else (20, 20, 20)
        c.text(left, y, title, Style(style.face, style.size, pale))
        if second:
            c.text(left, y + 12, second, Style(t.small.face, t.small.size, pale), important=False)
        return bottom + 6
    if form == "center":
        c.text_centered((left + right) / 2, y, title, style)
        if second:
            c.text_centered((left + right) / 2, y + 12, second, t.small, important=False)
    else:
        c.text(left, y, title, style)
        if second and form == "left":
            c.text(left, y + 12, second, t.small, important=False)
        if form == "split":
            c.box(right - 24, 7, right, 31, outline=t.accent, width=1.2)
            c.box(right - 15, 11, right - 9, 27, fill=t.accent)
            c.box(right - 20, 16, right - 4, 22, fill=t.accent)
            y = max(y, 24)
    bottom = y + (17 if second and form != "split" else 7)
    if rng.random() < 0.8:
        c.line(left, bottom, right, bottom, t.accent, rng.choice((0.6, 1.0, 1.8)))
    return bottom + 5


def pair_width(c: Canvas, t: Theme, key: str, value: str, style: Style) -> float:
    """Width of a label and its value."""
    return c.measure(t.label_text(key), t.label) + t.label.size * 0.45 + c.measure(value, style)


def pairs(c: Canvas, t: Theme, entries: list[tuple[str, str]], x: float, right: float, y: float, pitch: float,
          style: Style | None = None, gap: float = 14.0, paths: dict[str, str] | None = None) -> float:
    """(key, value) entries, as many on a line as fit; y is the first baseline, the last one is returned."""
    style = style or t.value
    rows: list[list[tuple[str, str]]] = [[]]
    pen = x
    for key, value in entries:
        width = pair_width(c, t, key, value, style)
        if rows[-1] and pen + width > right:
            rows.append([])
            pen = x
        rows[-1].append((key, value))
        pen += width + gap
    for number, row in enumerate(rows):
        spare = right - x - sum(pair_width(c, t, key, value, style) for key, value in row) - gap * (len(row) - 1)
        fill = max(0.0, spare) / len(row)
        pen = x
        for key, value in row:
            start = c.text(pen, y + number * pitch, t.label_text(key), t.label) + t.label.size * 0.45
            fitted = c.fitted(value, style, right - start)
            end = c.text(start, y + number * pitch, value, fitted, (paths or {}).get(key, key))
            underline(c, t, start - 1, min(end + fill * 0.85, right), y + number * pitch)
            pen = end + fill + gap
    return y + (len(rows) - 1) * pitch


def demographics(rng: random.Random, fields: dict, with_date: bool = True) -> list[tuple[str, str]]:
    """The four fields about the person in one of the usual orders."""
    orders = (("patient", "age", "sex", "date"), ("patient", "date", "age", "sex"), ("date", "patient", "age", "sex"),
              ("patient", "sex", "age", "date"))
    return [(key, fields[key]) for key in rng.choice(orders) if with_date or key != "date"]


def directions(t: Theme, separator: str, medication: dict, path: str, keys: tuple[str, ...] = ("dose", "frequency", "duration"),
               style: Style | None = None) -> list[Piece]:
    """The named parts of a medication as pieces for run(); a separator sticks to its value but is no part of it."""
    style = style or t.value
    pieces: list[Piece] = []
    for number, key in enumerate(keys):
        if number and separator.strip():
            pieces.append((separator.strip(), style, None))
        pieces.append((medication[key], style, f"{path}.{key}"))
    return pieces


def signature(c: Canvas, t: Theme, rng: random.Random, x: float, y: float, width: float, name: str) -> None:
    """A scribble over a line, and the doctor's name under it; needs 26 units of height above y + 12."""
    color = t.value.color if t.hand else rng.choice(((22, 36, 120), (30, 30, 36), t.accent))
    phase, speed, height = rng.uniform(0, 6), rng.uniform(0.35, 0.62), rng.uniform(4, 8)
    points = []
    for step in range(44):
        share = step / 43
        wave = math.sin(phase + step * speed) * height * (1.15 - share)
        points.append(((x + width * share + math.sin(step * 0.9) * 2.5) * c.scale, (y - 6 + wave - share * 4) * c.scale))
    c.shape(lambda draw: draw.line(points, fill=color, width=2, joint="curve"))
    c.line(x, y, x + width, y, t.faint)
    c.text(x, y + t.small.size + 1, name, t.small, important=False)


def foot(c: Canvas, t: Theme, rng: random.Random, y: float, name: str) -> None:
    """Signature at the bottom right where there is room below y, small print at the bottom left."""
    bottom = c.height - 10 - t.small.size
    if bottom - y > 18:
        signature(c, t, rng, c.width * rng.uniform(0.5, 0.6), bottom - 4, c.width * rng.uniform(0.26, 0.34), name)
        if rng.random() < 0.5:
            c.text(14, bottom + 4, f"Tel. {rng.randint(200, 999)} {rng.randint(1000, 9999)}", t.small, important=False)


def check_bottom(c: Canvas, y: float, margin: float = 9.0) -> None:
    """Values must end above the bottom margin."""
    if y > c.height - margin:
        raise DoesNotFit("page")
