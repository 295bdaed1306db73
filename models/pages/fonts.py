"""The typefaces of the synthetic pages: Debian packages, never copied into the repository.

Only faces that can be read letter by letter: no joined script, no all-capitals hand. One of them (Seto) has a yen
sign for the backslash, which therefore no page prints.
"""
from __future__ import annotations

import functools
import os
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

FONT_ROOT = "/usr/share/fonts"


@dataclass(frozen=True)
class Face:
    """One font file. `correction` brings its x-height and average advance near those of a common sans."""

    package: str
    file: str
    """Path below FONT_ROOT."""
    kind: str
    """'sans', 'serif', 'mono', 'condensed' or 'hand'."""
    correction: float = 1.0
    weight: str = "regular"

    @property
    def path(self) -> str:
        """Where Debian installs the file."""
        return f"{FONT_ROOT}/{self.file}"


FACES: tuple[Face, ...] = (
    Face("fonts-dejavu-core", "truetype/dejavu/DejaVuSans.ttf", "sans"),
    Face("fonts-dejavu-core", "truetype/dejavu/DejaVuSans-Bold.ttf", "sans", weight="bold"),
    Face("fonts-dejavu-core", "truetype/dejavu/DejaVuSerif.ttf", "serif"),
    Face("fonts-dejavu-core", "truetype/dejavu/DejaVuSansMono.ttf", "mono"),
    Face("fonts-dejavu-extra", "truetype/dejavu/DejaVuSansCondensed.ttf", "condensed"),
    Face("fonts-dejavu-extra", "truetype/dejavu/DejaVuSerifCondensed.ttf", "serif"),
    Face("fonts-liberation", "truetype/liberation/LiberationSans-Regular.ttf", "sans"),
    Face("fonts-liberation", "truetype/liberation/LiberationSans-Bold.ttf", "sans", weight="bold"),
    Face("fonts-liberation", "truetype/liberation/LiberationSans-Italic.ttf", "sans"),
    Face("fonts-liberation", "truetype/liberation/LiberationSerif-Regular.ttf", "serif", 1.06),
    Face("fonts-liberation", "truetype/liberation/LiberationSerif-Bold.ttf", "serif", 1.02, "bold"),
    Face("fonts-liberation", "truetype/liberation/LiberationMono-Regular.ttf", "mono"),
    Face("fonts-liberation", "truetype/liberation/LiberationSansNarrow-Regular.ttf", "condensed", 1.2),
    Face("fonts-liberation", "truetype/liberation/LiberationSansNarrow-Bold.ttf", "condensed", 1.09, "bold"),
    Face("fonts-freefont-ttf", "truetype/freefont/FreeSerif.ttf", "serif", 1.07),
    Face("fonts-freefont-ttf", "truetype/freefont/FreeMonoBold.ttf", "mono"),
    Face("fonts-lato", "truetype/lato/Lato-Regular.ttf", "sans"),
    Face("fonts-lato", "truetype/lato/Lato-Bold.ttf", "sans", weight="bold"),
    Face("fonts-lato", "truetype/lato/Lato-Light.ttf", "sans", 1.02, "light"),
    Face("fonts-open-sans", "truetype/open-sans/OpenSans-Regular.ttf", "sans"),
    Face("fonts-open-sans", "truetype/open-sans/OpenSans-Light.ttf", "sans", weight="light"),
    Face("fonts-roboto-unhinted", "truetype/roboto/unhinted/RobotoTTF/Roboto-Regular.ttf", "sans"),
    Face("fonts-roboto-unhinted", "truetype/roboto/unhinted/RobotoCondensed-Regular.ttf", "condensed", 1.09),
    Face("fonts-crosextra-carlito", "truetype/crosextra/Carlito-Regular.ttf", "sans", 1.05),
    Face("fonts-crosextra-caladea", "truetype/crosextra/Caladea-Regular.ttf", "serif", 1.03),
    Face("fonts-oldstandard", "truetype/fonts-oldstandard/OldStandard-Regular.ttf", "serif", 1.02),
    Face("fonts-quattrocento", "opentype/quattrocento/Quattrocento-Regular.otf", "serif"),
    Face("fonts-cantarell", "opentype/cantarell/Cantarell-Regular.otf", "sans"),
    Face("fonts-dosis", "opentype/dosis/Dosis-Medium.otf", "sans", 1.1),
    Face("fonts-inconsolata", "truetype/inconsolata/Inconsolata.otf", "mono", 1.02),
    Face("fonts-sil-andika", "truetype/andika/Andika-Regular.ttf", "sans"),
    Face("fonts-averia-serif-gwf", "truetype/averia-gwf/AveriaSerifGWF-Regular.ttf", "serif"),
    Face("fonts-comic-neue", "opentype/comic-neue/ComicNeue-Regular.otf", "hand", 1.04),
    Face("fonts-comic-neue", "opentype/comic-neue/ComicNeue-Bold.otf", "hand", 1.03, "bold"),
    Face("fonts-klee", "truetype/klee/KleeOne-Regular.ttf", "hand"),
    Face("fonts-klee", "truetype/klee/KleeOne-SemiBold.ttf", "hand", weight="bold"),
    Face("fonts-seto", "truetype/seto/setofont.ttf", "hand"),
    Face("fonts-tlwg-purisa-ttf", "truetype/tlwg/Purisa.ttf", "hand", 0.98, "light"),
    Face("fonts-tlwg-purisa-ttf", "truetype/tlwg/Purisa-Bold.ttf", "hand", 0.98, "bold"),
    Face("fonts-yusei-magic", "truetype/yusei-magic/YuseiMagic-Regular.ttf", "hand"),
    Face("fonts-yozvox-yozfont-edu", "truetype/yozvox-yozfont/YOzBEF.ttf", "hand"),
)
"""Order is part of the recipe: the seeded generator indexes into this list."""

PRINT_FACES: tuple[Face, ...] = tuple(face for face in FACES if face.kind != "hand")
HAND_FACES: tuple[Face, ...] = tuple(face for face in FACES if face.kind == "hand")
BOLD_FACES: tuple[Face, ...] = tuple(face for face in PRINT_FACES if face.weight == "bold")


def require_fonts() -> None:
    """Stop with the apt-get line that helps when a font file is missing."""
    missing = sorted({face.package for face in FACES if not os.path.exists(face.path)})
    if missing:
        raise SystemExit(
            "generate.py: typefaces of the synthetic pages are missing. Install them with:\n"
            f"  apt-get install --no-install-recommends {' '.join(missing)}"
        )


class SizedFont:
    """A face at a whole number of pixels per em, with the advances that placing glyphs needs."""

    def __init__(self, face: Face, pixels: int) -> None:
        # Basic layout: Raqm is not in every Pillow build and places glyphs otherwise.
        self.font = ImageFont.truetype(face.path, pixels, layout_engine=ImageFont.Layout.BASIC)
        self.pixels = pixels
        self.x_height = -self.font.getbbox("x", anchor="ls")[1]
        """Height of 'x' in pixels."""
        self._advances: dict[str, float] = {}
        self._masks: dict[str, tuple[Image.Image, int, int]] = {}

    def word(self, word: str) -> tuple[list[float], float]:
        """Centre of each character's advance box, and the word's advance; pixels from the word's origin.

        Without kerning: characters are pasted one by one, so these are the places where they stand.
        """
        centers: list[float] = []
        pen = 0.0
        for char in word:
            advance = self.advance(char)
            centers.append(pen + advance / 2)
            pen += advance
        return centers, pen

    def advance(self, char: str) -> float:
        """Advance of one character in pixels."""
        advance = self._advances.get(char)
        if advance is None:
            advance = self._advances[char] = self.font.getlength(char)
        return advance

    def mask(self, char: str) -> tuple[Image.Image, int, int]:
        """Coverage (L) of one character, and its left and top from the origin on the baseline; rasterised once.

        Pasting kept masks is four times as fast as having FreeType draw each word again.
        """
        known = self._masks.get(char)
        if known is None:
            left, top, right, bottom = (int(edge) for edge in self.font.getbbox(char, anchor="ls"))
            image = Image.new("L", (max(1, right - left), max(1, bottom - top)), 0)
            ImageDraw.Draw(image).text((-left, -top), char, font=self.font, fill=255, anchor="ls")
            known = self._masks[char] = (image, left, top)
        return known

    @functools.cached_property
    def space(self) -> float:
        """Advance of a space in pixels."""
        return self.advance(" ")


@functools.cache
def sized_font(face: Face, pixels: int) -> SizedFont:
    """The face at `pixels` per em, loaded once."""
    try:
        return SizedFont(face, pixels)
    except OSError:
        require_fonts()
        raise
