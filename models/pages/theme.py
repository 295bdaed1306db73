"""The look of one page: faces, inks, sizes, wording of labels."""
from __future__ import annotations

import random
from dataclasses import dataclass

from pages.canvas import LEAST_VALUE, Canvas, Color, DoesNotFit, Piece, Style, mix
from pages.fonts import BOLD_FACES, HAND_FACES, PRINT_FACES, Face

INKS: tuple[Color, ...] = ((16, 16, 20), (30, 30, 36), (48, 46, 46), (58, 60, 66), (24, 28, 44))
PEN_INKS: tuple[Color, ...] = ((22, 36, 120), (28, 54, 150), (18, 28, 92), (40, 70, 168), (24, 24, 34), (44, 44, 52), (60, 34, 110))
PAPERS: tuple[Color, ...] = (
    (255, 255, 255), (252, 252, 250), (250, 247, 238), (246, 241, 226), (240, 246, 252), (240, 249, 240), (250, 240, 243),
    (253, 248, 214), (236, 236, 234), (232, 224, 206), (248, 250, 255),
)
ACCENTS: tuple[Color, ...] = (
    (24, 96, 150), (150, 36, 48), (28, 116, 84), (96, 60, 140), (60, 70, 84), (20, 60, 110), (128, 82, 30), (30, 30, 36), (0, 112, 130),
)

LABELS: dict[str, tuple[str, ...]] = {
    "patient": ("Patient", "Name", "Patient name", "Pt. name", "Full name"),
    "age": ("Age", "Age", "Age (years)", "Yrs"),
    "sex": ("Sex", "Gender", "Sex"),
    "date": ("Date", "Date", "Date of visit", "Issued", "Visit"),
    "diagnosis": ("Diagnosis", "Dx", "Diagnosis", "Clinical diagnosis", "Impression"),
    "symptoms": ("Symptoms", "Complaints", "Presenting with", "Symptoms", "C/O"),
    "medications": ("Medication", "Treatment", "Medicine", "Rx", "Therapy", "Drug"),
    "name": ("Medication", "Drug", "Medicine", "Name"),
    "strength": ("Strength", "Str."),
    "dose": ("Dose", "Take", "Qty"),
    "frequency": ("Frequency", "Freq.", "How often", "When"),
    "duration": ("Duration", "For", "Length"),
    "test": ("Test", "Analyte", "Investigation", "Parameter"),
    "value": ("Result", "Value", "Result"),
    "range": ("Reference", "Ref. range", "Normal"),
}


@dataclass
class Theme:
    """Styles and wording of a page. `hand`: the values are filled in by hand on a printed form."""

    label: Style
    value: Style
    heading: Style
    small: Style
    accent: Color
    paper: Color
    faint: Color
    """Colour of ruled lines and boxes."""
    hand: bool
    rule: str
    """What lies under a value: 'line', 'dots' or 'none'."""
    colon: str
    upper: bool
    words: dict[str, str]

    def name(self, key: str) -> str:
        """A label as printed, without its colon."""
        return self.words[key].upper() if self.upper else self.words[key]

    def label_text(self, key: str) -> str:
        """A label as printed before a value."""
        return self.name(key) + self.colon


def _pick_value_face(rng: random.Random, label_face: Face, hand: bool) -> Face:
    if hand:
        return rng.choice(HAND_FACES)
    return label_face if rng.random() < 0.5 else rng.choice(PRINT_FACES)


def draw_theme(rng: random.Random, dense: bool) -> Theme:
    """Choose a look. `dense` layouts get smaller, mostly printed values."""
    paper = rng.choice(PAPERS)
    accent = rng.choice(ACCENTS)
    hand = rng.random() < (0.3 if dense else 0.48)
    label_face = rng.choice(PRINT_FACES)
    ink = rng.choice(INKS)
    label_color = rng.choice((accent, ink, mix(ink, paper, 0.25)))
    least = LEAST_VALUE["hand" if hand else "print"]
    value = Style(
        _pick_value_face(rng, label_face, hand), rng.uniform(least, least + (2.0 if dense else 5.0)),
        rng.choice(PEN_INKS) if hand else ink, rng.uniform(0.1, 0.6) if hand else 0.0, least,
    )
    return Theme(
        label=Style(label_face, rng.uniform(13.2, 15.0), label_color, 0.0, 12.8),
        value=value,
        heading=Style(rng.choice(BOLD_FACES if rng.random() < 0.5 else PRINT_FACES), rng.uniform(16, 23), accent, 0.0, 13.5),
        small=Style(label_face, rng.uniform(8.5, 11.0), mix(ink, paper, 0.3)),
        accent=accent, paper=paper, faint=mix(paper, rng.choice((accent, ink)), rng.uniform(0.25, 0.6)), hand=hand,
        rule=rng.choice(("line", "dots", "line", "none")) if hand else rng.choice(("none", "none", "line", "dots")),
        colon=rng.choice((":", ":", ":", "")), upper=rng.random() < 0.22,
        words={key: rng.choice(words) for key, words in LABELS.items()},
    )


def labelled(c: Canvas, t: Theme, x: float, y: float, right: float, key: str, value: str, path: str | None = None,
             style: Style | None = None) -> float:
    """A label and its value on one line, the value shrunk to end before `right`; returns where the value ends."""
    start = c.text(x, y, t.label_text(key), t.label) + t.label.size * 0.45
    fitted = c.fitted(value, style or t.value, right - start)
    end = c.text(start, y, value, fitted, path or key)
    underline(c, t, start - 1, max(end + 3, right - 2), y)
    return end


def underline(c: Canvas, t: Theme, x0: float, x1: float, y: float) -> None:
    """The form's line under a value on baseline y."""
    if t.rule == "line":
        c.line(x0, y + 3.2, x1, y + 3.2, t.faint)
    elif t.rule == "dots":
        c.dots(x0, x1, y + 3.2, mix(t.faint, (0, 0, 0), 0.2))


def run(c: Canvas, items: list[Piece], x: float, right: float, y: float, pitch: float, indent: float = 0.0,
        gap: float = 6.0) -> float:
    """Write (text, style, path) pieces one after another, a new line only between pieces; returns the last baseline.

    Wrapped lines begin at x + indent.
    """
    pen, at_start = x, True
    for text, style, path in items:
        width = c.measure(text, style)
        if text in (",", ";") and pen - gap + width < right + gap:
            # punctuation stands close to the value before it, and never opens a line
            pen = c.text(pen - gap + 1, y, text, style, path) + gap
            continue
        if not at_start and pen + width > right:
            y, pen = y + pitch, x + indent
        if pen + width > right:
            style = c.fitted(text, style, right - pen)
        pen, at_start = c.text(pen, y, text, style, path) + gap, False
    return y


def pitch_for(space: float, rows: int, size: float, most: float = 32.0) -> float:
    """Distance of baselines when `rows` lines share `space` units; never so tight that lines of `size` touch."""
    pitch = min(most, space / rows)
    if pitch < max(19.3, size * 1.08):
        raise DoesNotFit("lines")
    return pitch
