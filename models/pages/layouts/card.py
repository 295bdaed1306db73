"""Outpatient cards: a ruled index card, two panels, a grid of cells."""
from __future__ import annotations

import random

from pages.canvas import Canvas, Piece, mix
from pages.lists import people
from pages.theme import Theme, labelled, run, underline

from . import parts

TITLES: tuple[str, ...] = ("OUTPATIENT CARD", "Outpatient card", "Patient record", "Visit note", "Clinic card", "Consultation")


def _symptom_pieces(t: Theme, f: dict, separator: str) -> list[Piece]:
    pieces: list[Piece] = []
    for number, symptom in enumerate(f["symptoms"]):
        if number:
            pieces.append((separator, t.value, None))
        pieces.append((symptom, t.value, f"symptoms.{number}"))
    return pieces


def ruled(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """An index card with ruled lines at every baseline, and a red line under the title."""
    left, right = rng.uniform(14, 24), c.width - 14
    pitch = parts.pitch_of(rng, t, 1.14, 1.45)
    title = rng.choice(TITLES)
    y = 9 + t.heading.size
    c.text(left, y, title, c.fitted(title, t.heading, right - left))
    c.line(0, y + 6, c.width, y + 6, (200, 70, 80), 1.0)
    first = y + 6 + pitch
    blue = mix(t.paper, (90, 130, 200), 0.5)
    for number in range(int((c.height - first) / pitch) + 1):
        c.line(0, first + number * pitch + 3.2, c.width, first + number * pitch + 3.2, blue, 0.5)
    t.rule = "none"
    y = parts.pairs(c, t, parts.demographics(rng, f), left, right, first, pitch) + pitch
    symptoms = _symptom_pieces(t, f, rng.choice((",", "+", ";", "-")))
    order: list[tuple[str, list[Piece]]] = [("symptoms", symptoms), ("diagnosis", [(f["diagnosis"], t.value, "diagnosis")])]
    if rng.random() < 0.5:
        order.reverse()
    for key, pieces in order:
        y = run(c, [(t.label_text(key), t.label, None), *pieces], left, right, y, pitch, 18) + pitch
    m = f["medications"][0]
    y = run(c, [(t.label_text("medications"), t.label, None), *parts.directions(t, "", m, "medications.0", ("name", "strength"))],
            left, right, y, pitch, 18) + pitch
    y = run(c, parts.directions(t, rng.choice(parts.SEPARATORS), m, "medications.0"), left + 18, right, y, pitch)
    parts.check_bottom(c, y)


def panels(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """A coloured panel with the person on the left, clinical notes with bullets on the right."""
    split = c.width * rng.uniform(0.37, 0.43)
    c.box(0, 0, split, c.height, fill=mix(t.paper, t.accent, rng.uniform(0.08, 0.18)))
    c.line(split, 0, split, c.height, t.accent, 1.0)
    t.rule = "none"
    left, right = 13.0, c.width - 12
    title = rng.choice(TITLES)
    y = 12 + t.heading.size
    c.text(left, y, title, c.fitted(title, t.heading.sized(min(t.heading.size, 19)), split - left - 5))
    y += rng.uniform(20, 28)
    for key, value in parts.demographics(rng, f):
        c.text(left, y, t.label_text(key), t.label)
        y += max(19.3, t.value.size * 1.04)
        c.text(left, y, value, c.fitted(value, t.value, split - left - 5), key)
        y += rng.uniform(19.6, 25)
    x, pitch = split + 11, parts.pitch_of(rng, t, 1.1, 1.4)
    y = 12 + t.label.size
    bullet = rng.choice(("-", "*", "+", ""))

    def section(key: str, lines: list[list[Piece]], y: float) -> float:
        c.text(x, y, t.label_text(key), t.label)
        c.line(x, y + 4, right, y + 4, t.faint, 0.5)
        y += pitch
        for pieces in lines:
            lead = [(bullet, t.label, None)] if bullet else []
            y = run(c, lead + pieces, x + 2, right, y, pitch, 12) + pitch
        return y + 4

    m = f["medications"][0]
    blocks: list[tuple[str, list[list[Piece]]]] = [
        ("symptoms", [[(s, t.value, f"symptoms.{i}")] for i, s in enumerate(f["symptoms"])]),
        ("diagnosis", [[(f["diagnosis"], t.value, "diagnosis")]]),
        ("medications", [parts.directions(t, "", m, "medications.0", keys)
                         for keys in (("name", "strength"), ("dose", "frequency"), ("duration",))]),
    ]
    if rng.random() < 0.4:
        blocks[0], blocks[1] = blocks[1], blocks[0]
    for key, lines in blocks:
        y = section(key, lines, y)
    parts.check_bottom(c, y - pitch - 4)


def grid(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """A printed form with rows of cells, the label left of the value in each."""
    left, right = 11.0, c.width - 11
    title = rng.choice(TITLES) if rng.random() < 0.6 else rng.choice(people.CLINICS)
    y = parts.heading(c, t, rng, left, right, title)
    m = f["medications"][0]
    rows: list[list[tuple[str, str, str]]] = [
        [("patient", f["patient"], "patient")],
        [("age", f["age"], "age"), ("sex", f["sex"], "sex"), ("date", f["date"], "date")],
        *[[("symptoms", s, f"symptoms.{i}")] for i, s in enumerate(f["symptoms"])],
        [("diagnosis", f["diagnosis"], "diagnosis")],
        [("name", m["name"], "medications.0.name"), ("strength", m["strength"], "medications.0.strength")],
        [("dose", m["dose"], "medications.0.dose"), ("frequency", m["frequency"], "medications.0.frequency")],
        [("duration", m["duration"], "medications.0.duration")],
    ]
    t.rule = "none"
    height = max(t.value.size * 1.28, 21.0, min(36.0, (c.height - y - 12) / len(rows)))
    for row in rows:
        widths = [parts.pair_width(c, t, key, value, t.value) + 8 for key, value, _ in row]
        spare = (right - left - sum(widths)) / len(row)
        x = left
        for (key, value, path), width in zip(row, widths):
            cell = width + spare
            c.box(x, y, x + cell, y + height, outline=t.faint)
            base = y + height / 2 + t.value.size * 0.31
            second = key == "symptoms" and path != "symptoms.0"
            start = x + 4 + c.measure(t.label_text(key), t.label) if second else c.text(x + 4, base, t.label_text(key), t.label)
            start += t.label.size * 0.4
            c.text(start, base, value, c.fitted(value, t.value, x + cell - start - 2), path)
            x += cell
        y += height
    parts.check_bottom(c, y, 4)


def narrative(c: Canvas, t: Theme, f: dict, rng: random.Random, train: bool) -> None:
    """A portrait visit sheet: sections one below the other, the medication as five short lines."""
    left, right = rng.uniform(16, 24), c.width - 14
    pitch = parts.pitch_of(rng, t, 1.1, 1.32)
    y = parts.heading(c, t, rng, left, right, rng.choice(people.CLINICS), parts.address(rng)) + t.value.size
    y = parts.pairs(c, t, parts.demographics(rng, f), left, right, y, pitch) + pitch
    labelled(c, t, left, y, right, "diagnosis", f["diagnosis"])
    y += pitch
    y = run(c, [(t.label_text("symptoms"), t.label, None), *_symptom_pieces(t, f, ",")], left, right, y, pitch, 14) + pitch
    m = f["medications"][0]
    inner = left + rng.uniform(8, 24)
    c.text(left, y, t.label_text("medications"), t.label)
    y += pitch
    column = inner + max(c.measure(t.label_text(key), t.label) for key in ("name", "strength", "dose", "frequency", "duration")) + 8
    for key in ("name", "strength", "dose", "frequency", "duration"):
        c.text(inner, y, t.label_text(key), t.label)
        c.text(column, y, m[key], c.fitted(m[key], t.value, right - column), f"medications.0.{key}")
        underline(c, t, column - 1, right - 3, y)
        y += pitch
    parts.check_bottom(c, y - pitch)
    parts.foot(c, t, rng, y - pitch + 4, parts.doctor(rng, train))
