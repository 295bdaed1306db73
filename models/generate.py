"""Draw synthetic prescriptions: page images with their ground truth, from a seed.

    python generate.py --count 100 --seed 7 --out pages/

writes `00000.png`, `00000.json`, … . Image i of seed S depends on (S, i) alone, and on the versions
pinned in requirements.txt: the same pair gives the same pixels on any machine. The only typeface is
the one embedded in Pillow, so no font package of the host can change a page.

Seeds from 1000000 up are reserved for training and its validation (see data.py); test with any other.
"""
from __future__ import annotations

import argparse
import functools
import json
import math
import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import lexicon

PAGE_WIDTH = 448
"""Width of a page in pixels. The height varies a little (PAGE_HEIGHTS)."""
PAGE_HEIGHTS = (448, 448, 448, 436, 442, 454, 460)

Color = tuple[int, int, int]

INKS: tuple[Color, ...] = ((16, 16, 24), (30, 30, 36), (20, 28, 92), (26, 40, 120), (52, 44, 40))
PAPERS: tuple[Color, ...] = ((255, 255, 255), (252, 250, 242), (246, 241, 226), (240, 246, 252), (242, 250, 242), (250, 242, 244))
ACCENTS: tuple[Color, ...] = ((24, 96, 150), (150, 36, 48), (28, 116, 84), (96, 60, 140), (60, 70, 84))
DESKS: tuple[Color, ...] = ((206, 200, 190), (176, 182, 188), (226, 224, 220), (150, 134, 116))
CLINICS = ("Riverside Clinic", "Hillside Medical Center", "Lakeview Family Practice", "Harbor Health Clinic",
           "Green Valley Clinic", "St. Brendan Hospital", "Oak Street Practice", "Northgate Medical")
STREETS = ("12 Mill Road", "48 Station Street", "7 Garden Lane", "230 Park Avenue", "91 Bridge Street", "5 Market Square")
DOCTORS = ("Dr. A. Keller", "Dr. M. Osei", "Dr. P. Laurent", "Dr. S. Iyer", "Dr. J. Novotny", "Dr. R. Amato", "Dr. T. Berg")
LABELS: dict[str, tuple[str, ...]] = {
    "patient": ("Patient:", "Name:"), "age": ("Age:",), "sex": ("Sex:",),
    "diagnosis": ("Diagnosis:", "Dx:"), "frequency": ("Sig:", "Take:"),
}


@dataclass
class Glyph:
    """One printed character of a field line: its centre in pixels of the finished page."""

    char: str
    x: float
    y: float


@dataclass
class Prescription:
    """A drawn page. `image` is RGB; `glyphs` covers the field lines (labels and values), not the heading."""

    image: Image.Image
    fields: dict[str, str]
    glyphs: list[Glyph] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The text a model should answer with."""
        return lexicon.answer_text(self.fields)


@functools.cache
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's embedded typeface at `size` pixels, with the basic layout engine.

    Basic layout, because the optional Raqm engine is not in every Pillow build and places glyphs otherwise.
    """
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise SystemExit(
            "generate.py: this Pillow was built without FreeType, so its embedded font cannot be scaled. "
            "Install the pinned wheel (pip install -r requirements.txt), or Debian's python3-pil with libfreetype6."
        )
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


def draw_fields(rng: random.Random) -> dict[str, str]:
    """Choose the values of one prescription from the closed lists."""
    sex = rng.choice(lexicon.SEXES)
    diagnosis = rng.choice(tuple(lexicon.MEDICATIONS_FOR))
    medication = rng.choice(lexicon.MEDICATIONS_FOR[diagnosis])
    return {
        "patient": f"{rng.choice(lexicon.FIRST_NAMES[sex])} {rng.choice(lexicon.LAST_NAMES)}",
        "age": rng.choice(lexicon.AGES),
        "sex": sex,
        "diagnosis": diagnosis,
        "medication": medication,
        "dose": rng.choice(lexicon.DOSES[medication]),
        "frequency": rng.choice(lexicon.FREQUENCIES),
    }


class Page:
    """The flat page while it is being drawn, before it is turned, tinted and made noisy."""

    def __init__(self, size: tuple[int, int], paper: Color, ink: Color, stroke: int) -> None:
        self.image = Image.new("RGB", size, paper)
        self.draw = ImageDraw.Draw(self.image)
        self.ink = ink
        self.stroke = stroke
        self.glyphs: list[Glyph] = []

    def text(self, x: float, y: float, text: str, size: int, color: Color, stroke: int = 0) -> float:
        """Write `text` with its left middle at (x, y) pixels; returns its advance in pixels."""
        font = load_font(size)
        self.draw.text((x, y), text, font=font, fill=color, anchor="lm", stroke_width=stroke)
        return font.getlength(text)

    def field_text(self, x: float, y: float, text: str, size: int, color: Color, stroke: int = 0) -> float:
        """Like text(), and note where each character lies."""
        font = load_font(size)
        offset = 0.0
        for char in text:
            advance = font.getlength(char)
            if char != " ":
                self.glyphs.append(Glyph(char, x + offset + advance / 2, y))
            offset += advance
        return self.text(x, y, text, size, color, stroke)

    def labelled(self, x: float, y: float, label: str, value: str, size: int, accent: Color) -> float:
        """A printed label and its value on one line; returns the x where the line ends."""
        x += self.field_text(x, y, label, size - 4, accent) + size * 0.3
        return x + self.field_text(x, y, value, size, self.ink, self.stroke)

    def rule(self, x0: float, x1: float, y: float, color: Color, width: int = 1) -> None:
        """A horizontal line."""
        self.draw.line((x0, y, x1, y), fill=color, width=width)


def mix(a: Color, b: Color, share: float) -> Color:
    """Blend two colours; share 0 gives a, 1 gives b."""
    return tuple(round(p + (q - p) * share) for p, q in zip(a, b))  # type: ignore[return-value]


def draw_signature(page: Page, rng: random.Random, x: float, y: float, width: float) -> None:
    """A scribble in ink, about `width` pixels long."""
    points = []
    phase, speed, height = rng.uniform(0, 6.0), rng.uniform(0.35, 0.6), rng.uniform(6, 11)
    for step in range(46):
        share = step / 45
        wave = math.sin(phase + step * speed) * height * (1.15 - share)
        points.append((x + width * share + math.sin(step * 0.9) * 3, y + wave - share * 4))
    page.draw.line(points, fill=page.ink, width=2, joint="curve")


def draw_flat_page(fields: dict[str, str], rng: random.Random) -> Page:
    """Lay out the heading, the patient block, the Rx block and the signature on an upright page."""
    height = rng.choice(PAGE_HEIGHTS)
    paper, ink, accent = rng.choice(PAPERS), rng.choice(INKS), rng.choice(ACCENTS)
    page = Page((PAGE_WIDTH, height), paper, ink, stroke=rng.choice((0, 0, 1)))
    size = rng.choice((28, 29, 30, 31))
    left = 22 + rng.uniform(-6, 6)
    pale = mix(paper, accent, 0.35)

    band = rng.random() < 0.5
    if band:
        page.draw.rectangle((0, 0, PAGE_WIDTH, 58), fill=mix(paper, accent, 0.9))
    heading = mix(accent, paper, 0.95) if band else accent
    page.text(left, 21, rng.choice(CLINICS), 24, heading, stroke=0)
    date = f"{rng.randint(1, 28):02d}/{rng.randint(1, 12):02d}/20{rng.randint(20, 29)}"
    page.text(left, 45, f"{rng.choice(STREETS)}   ·   {date}", 14, heading)
    if not band:
        page.rule(left, PAGE_WIDTH - left, 59, accent, 2)

    pitch = 50 + rng.uniform(-1.5, 1.5)
    y = 88 + rng.uniform(-4, 4)
    lines = rng.random() < 0.7

    def underline(at: float) -> None:
        if lines:
            page.rule(left, PAGE_WIDTH - 22, at + size * 0.62, pale)

    page.labelled(left, y, rng.choice(LABELS["patient"]), fields["patient"], size, accent)
    underline(y)
    y += pitch
    page.labelled(left, y, rng.choice(LABELS["age"]), fields["age"], size, accent)
    page.labelled(left + 190 + rng.uniform(-8, 8), y, rng.choice(LABELS["sex"]), fields["sex"], size, accent)
    underline(y)
    y += pitch
    page.labelled(left, y, rng.choice(LABELS["diagnosis"]), fields["diagnosis"], size, accent)
    underline(y)

    y += pitch + 12
    page.text(left, y, "Rx", 44, accent, stroke=1)
    indent = left + 78 + rng.uniform(-4, 4)
    page.field_text(indent, y, fields["medication"], size, ink, page.stroke)
    y += pitch
    page.field_text(indent, y, fields["dose"], size, ink, page.stroke)
    y += pitch
    page.labelled(left, y, rng.choice(LABELS["frequency"]), fields["frequency"], size, accent)

    foot = height - 40 + rng.uniform(-4, 4)
    page.text(left, foot + 12, rng.choice(DOCTORS), 15, mix(ink, paper, 0.2))
    page.rule(PAGE_WIDTH * 0.56, PAGE_WIDTH - 24, foot + 18, pale)
    draw_signature(page, rng, PAGE_WIDTH * 0.6, foot + 4, 120)
    return page


def photograph(page: Page, rng: random.Random) -> tuple[Image.Image, list[Glyph]]:
    """Turn the flat page into a slightly rotated, shifted, unevenly lit and noisy picture of the same size."""
    width, height = page.image.size
    angle = math.radians(rng.uniform(-2.0, 2.0))
    zoom = rng.uniform(0.97, 1.02)
    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    center_x, center_y = width / 2, height / 2
    shift_x, shift_y = rng.uniform(-7, 7), rng.uniform(-7, 7)

    def forward(x: float, y: float) -> tuple[float, float]:
        dx, dy = x - center_x, y - center_y
        return cos * dx - sin * dy + center_x + shift_x, sin * dx + cos * dy + center_y + shift_y

    # Pillow wants the map from the picture back to the page: the inverse of forward().
    det = cos * cos + sin * sin
    a, b = cos / det, sin / det
    offset_x, offset_y = center_x + shift_x, center_y + shift_y
    inverse = (a, b, center_x - a * offset_x - b * offset_y, -b, a, center_y + b * offset_x - a * offset_y)
    picture = page.image.transform((width, height), Image.Transform.AFFINE, inverse,
                                   Image.Resampling.BILINEAR, fillcolor=rng.choice(DESKS))

    pixels = np.asarray(picture, dtype=np.float32)
    noise = np.random.Generator(np.random.PCG64(rng.getrandbits(64)))
    gain = rng.uniform(0.86, 1.0)
    slope_x, slope_y = rng.uniform(-0.08, 0.08), rng.uniform(-0.08, 0.08)
    light = (gain + slope_x * np.linspace(-1, 1, width, dtype=np.float32)[None, :]
             + slope_y * np.linspace(-1, 1, height, dtype=np.float32)[:, None]).astype(np.float32)
    # Integer noise: exact everywhere, where a normal deviate could differ in its last bit.
    amplitude = rng.randint(1, 10)
    grain = noise.integers(-amplitude, amplitude + 1, size=(height, width), dtype=np.int8).astype(np.float32)
    pixels = pixels * light[..., None] + grain[..., None]
    picture = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8), "RGB")

    glyphs = [Glyph(glyph.char, *forward(glyph.x, glyph.y)) for glyph in page.glyphs]
    return picture, glyphs


def draw_prescription(seed: int, index: int) -> Prescription:
    """Draw image `index` of `seed`."""
    rng = random.Random(f"medinfer prescription {seed} {index}")
    fields = draw_fields(rng)
    image, glyphs = photograph(draw_flat_page(fields, rng), rng)
    return Prescription(image, fields, glyphs)


def main() -> None:
    """Command line: write PNG and JSON pairs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, required=True, help="how many pages")
    parser.add_argument("--seed", type=int, required=True, help="which pages: same seed, same pixels")
    parser.add_argument("--out", type=Path, required=True, help="folder for 00000.png, 00000.json, …")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for index in range(options.count):
        page = draw_prescription(options.seed, index)
        stem = options.out / f"{index:05d}"
        page.image.save(stem.with_suffix(".png"))
        truth = {"fields": page.fields, "answer": page.answer}
        stem.with_suffix(".json").write_text(json.dumps(truth, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
