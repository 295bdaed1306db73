"""Prescriptions: a classic sheet, a boxed form, a sheet of keys and values, a narrow slip."""
from __future__ import annotations

import random

from pages.canvas import Canvas, Style, darker
from pages.fonts import PRINT_FACES, Face
from pages.lists import people
from pages.theme import Theme, labelled, run, underline

from . import parts

_RX_FACES: tuple[Face, ...] = tuple(face for face in PRINT_FACES if face.kind in ("serif", "sans"))


def _rx(c: Canvas, t: Theme, rng: random.Random, x: float, y: float) -> float:
    """The Rx sign on baseline y; returns where it ends."""
    return c.text(x, y, rng.choice(("Rx", "Rx", "Rp.", "R/")), Style(rng.choice(_RX_FACES), rng.uniform(27, 38), t.accent)) + 6


def classic(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """Heading, lines for the person and the diagnosis, a large Rx, each medication on two or three lines."""
    left, right = rng.uniform(14, 22), c.width - rng.uniform(13, 20)
    pitch = parts.pitch_of(rng, t)
    y = parts.heading(c, t, rng, left, right, rng.choice(people.CLINICS), parts.address(rng)) + t.value.size * 1.05
    y = parts.pairs(c, t, parts.demographics(rng, f), left, right, y, pitch) + pitch
    labelled(c, t, left, y, right, "diagnosis", f["diagnosis"])
    y += pitch + rng.uniform(6, 14)
    indent = _rx(c, t, rng, left, y + 8)
    separator = rng.choice(parts.SEPARATORS)
    for number, medication in enumerate(f["medications"]):
        path = f"medications.{number}"
        y = run(c, parts.directions(t, "", medication, path, ("name", "strength")), indent, right, y, pitch, 10) + pitch
        lead = [(rng.choice(("Sig:", "Take", "S:")), t.label, None)] if rng.random() < 0.5 else []
        y = run(c, lead + parts.directions(t, separator, medication, path), indent, right, y, pitch, 8) + pitch * 1.12
    parts.check_bottom(c, y - pitch)
    parts.foot(c, t, rng, y - pitch * 0.7, parts.doctor(rng, train))


def boxed(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """A pre-printed form: each value in a box with its label above it."""
    left, right = 12.0, c.width - 12
    label = t.label.sized(12.9)
    cell = max(19.6, t.value.size * 1.06) + 19.4
    y = parts.heading(c, t, rng, left, right, rng.choice(people.CLINICS)) + 2

    def row(entries: list[tuple[str, str, str, float]], y: float) -> float:
        """(label key, value, path, share of the width) side by side."""
        x = left
        total = sum(share for *_, share in entries)
        for key, value, path, share in entries:
            width = (right - left) * share / total
            c.box(x, y, x + width, y + cell, outline=t.faint)
            c.text(x + 3.5, y + 13.4, t.name(key), c.fitted(t.name(key), label, width - 5))
            c.text(x + 5, y + cell - 6, value, c.fitted(value, t.value, width - 9), path)
            x += width
        return y + cell

    y = row([("patient", f["patient"], "patient", 0.62), ("date", f["date"], "date", 0.38)], y)
    y = row([("age", f["age"], "age", 0.2), ("sex", f["sex"], "sex", 0.25), ("diagnosis", f["diagnosis"], "diagnosis", 0.55)], y) + 4
    for number, m in enumerate(f["medications"]):
        path = f"medications.{number}"
        y = row([("name", m["name"], f"{path}.name", 0.6), ("strength", m["strength"], f"{path}.strength", 0.4)], y)
        y = row([(key, m[key], f"{path}.{key}", share) for key, share in (("dose", 0.3), ("frequency", 0.42), ("duration", 0.28))], y) + 4
    parts.check_bottom(c, y, 4)
    parts.foot(c, t, rng, y, parts.doctor(rng, train))


def keyed(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """A letter: one key and value per line, the values in a column of their own."""
    left, right = rng.uniform(14, 22), c.width - 12
    title = rng.choice(("PRESCRIPTION", "Prescription", "Prescription form", "Medical prescription"))
    y = parts.heading(c, t, rng, left, right, rng.choice((title, rng.choice(people.CLINICS))), parts.address(rng))
    keys = [(key, value, key) for key, value in parts.demographics(rng, f)] + [("diagnosis", f["diagnosis"], "diagnosis")]
    for number, m in enumerate(f["medications"]):
        keys += [(key, m[key], f"medications.{number}.{key}") for key in ("name", "strength", "dose", "frequency", "duration")]
    column = left + max(c.measure(t.label_text(key), t.label) for key, *_ in keys) + rng.uniform(6, 14)
    pitch = max(19.6, t.value.size * 1.08, min(32.0, (c.height - y - 12) / (len(keys) + 1.2)))
    y += t.value.size
    shade = rng.random() < 0.4
    for number, (key, value, path) in enumerate(keys):
        if key == "name":
            c.line(left, y - t.value.size * 0.92, right, y - t.value.size * 0.92, t.accent, 0.8)
        if shade and number % 2:
            c.box(left - 3, y - t.value.size * 0.9, right, y - t.value.size * 0.9 + pitch, fill=darker(t.paper, 9))
        c.text(left, y, t.label_text(key), t.label)
        end = c.text(column, y, value, c.fitted(value, t.value, right - column), path)
        underline(c, t, column - 1, max(end, right - 4), y)
        y += pitch
    parts.check_bottom(c, y - pitch, 7)
    parts.foot(c, t, rng, y - pitch + 4, parts.doctor(rng, train))


def slip(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """A narrow slip within a frame: the doctor on top, numbered medications, date at the bottom."""
    left, right = 18.0, c.width - 18
    c.box(7, 7, c.width - 7, c.height - 7, outline=t.accent, width=rng.choice((0.8, 1.6)), radius=rng.choice((0.0, 7.0)))
    pitch = parts.pitch_of(rng, t, 1.12, 1.5)
    name = parts.doctor(rng, train)
    y = 16 + t.heading.size
    c.text_centered(c.width / 2, y, name, c.fitted(name, t.heading, right - left))
    second = rng.choice(("General practice", "Family medicine", "Internal medicine", "Pediatrics"))
    c.text_centered(c.width / 2, y + 12, second, t.small, important=False)
    y += 18 + pitch
    y = parts.pairs(c, t, [("patient", f["patient"]), ("age", f["age"]), ("sex", f["sex"])], left, right, y, pitch) + pitch
    labelled(c, t, left, y, right, "diagnosis", f["diagnosis"])
    c.line(left - 6, y + 8, right + 6, y + 8, t.faint, 0.8)
    y += 10 + pitch
    if rng.random() < 0.6:
        _rx(c, t, rng, left, y + 8)
        y += pitch * 1.35
    for number, m in enumerate(f["medications"]):
        path = f"medications.{number}"
        lead = f"{number + 1}{rng.choice(('.', ')'))}"
        pieces = parts.directions(t, "", m, path, ("name", "strength"))
        y = run(c, ([(lead, t.label, None)] if len(f["medications"]) > 1 else []) + pieces, left, right, y, pitch, 16) + pitch
        y = run(c, parts.directions(t, rng.choice(parts.SEPARATORS), m, path), left + 16, right, y, pitch, 0) + pitch * 1.1
    labelled(c, t, left, y, right, "date", f["date"])
    parts.check_bottom(c, y, 13)
    if c.height - y > 44:
        parts.signature(c, t, rng, c.width * 0.52, c.height - 24, c.width * 0.36, name)
