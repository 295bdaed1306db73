"""The families of pages and their variants."""
from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from pages.canvas import Canvas
from pages.theme import Theme

from . import card, lab, listing, prescription

Draw = Callable[[Canvas, Theme, dict, random.Random, bool], None]


@dataclass(frozen=True)
class Variant:
    """A way to lay a family out, on pages of a width / height within `aspect`, with one of `counts` medications or tests."""

    name: str
    draw: Draw
    aspect: tuple[float, float]
    counts: tuple[int, ...]
    dense: bool = False


VARIANTS: dict[str, tuple[Variant, ...]] = {
    "prescription": (
        Variant("classic", prescription.classic, (0.74, 1.15), (1, 1, 2)),
        Variant("boxed", prescription.boxed, (0.8, 1.15), (1, 2), dense=True),
        Variant("keyed", prescription.keyed, (0.72, 1.2), (1,)),
        Variant("slip", prescription.slip, (0.72, 1.0), (1, 2)),
    ),
    "card": (
        Variant("ruled", card.ruled, (0.95, 1.35), (1,)),
        Variant("panels", card.panels, (1.1, 1.35), (1,), dense=True),
        Variant("grid", card.grid, (0.85, 1.3), (1,)),
        Variant("narrative", card.narrative, (0.72, 0.95), (1,)),
    ),
    "lab": (
        Variant("table", lab.table, (0.8, 1.35), (3, 4, 5)),
        Variant("leaders", lab.leaders, (0.75, 1.3), (3, 4, 5)),
        Variant("tiles", lab.tiles, (0.9, 1.35), (3, 4, 5)),
        Variant("roll", lab.roll, (0.72, 0.9), (3, 4, 5)),
    ),
    "list": (
        Variant("table", listing.table, (0.9, 1.3), (3, 4), dense=True),
        Variant("wide", listing.wide, (1.2, 1.35), (3, 4), dense=True),
        Variant("blocks", listing.blocks, (0.85, 1.25), (3, 4), dense=True),
        Variant("numbered", listing.numbered, (0.8, 1.25), (3, 4), dense=True),
        Variant("cards", listing.cards, (0.95, 1.25), (3, 4), dense=True),
    ),
}
"""Family -> variants. Order is part of the recipe."""
