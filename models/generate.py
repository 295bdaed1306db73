"""Draw synthetic medical pages: page images with their ground truth, from a seed.

    python generate.py --count 100 --seed 7 --out pages/
    python generate.py --contact-sheet look.png --count 12 --seed 7

The first form writes `00000.png`, `00000.json`, … . Page i of seed S depends on (S, i) alone, on the versions pinned
in requirements.txt, and on the typefaces of Debian 12 that pages/fonts.py names.

Seeds from 1000000 up are reserved for training and its validation; test with any other.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

from PIL import Image

from pages.fonts import require_fonts
from pages.page import Page, draw_page, draw_sheet

FIRST_TRAINING_SEED = 1_000_000
LAYOUTS: tuple[str, ...] = ("prescription", "card", "lab", "list", "none", "sheet")
_TILE = (560, 560)
"""Room of a page on a contact sheet, in pixels."""


def draw(options: argparse.Namespace, index: int) -> Page:
    """The page that the command line asks for."""
    if options.layout == "sheet":
        return draw_sheet(options.seed, index)
    return draw_page(options.seed, index, options.split, options.layout)


def write_pages(options: argparse.Namespace) -> None:
    """A PNG and a JSON file per page."""
    options.out.mkdir(parents=True, exist_ok=True)
    for index in range(options.count):
        page = draw(options, index)
        stem = options.out / f"{index:05d}"
        page.image.save(stem.with_suffix(".png"))
        truth = {"layout": page.layout, "variant": page.variant, "fields": page.fields, "unseen": page.unseen}
        stem.with_suffix(".json").write_text(json.dumps(truth, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_contact_sheet(options: argparse.Namespace) -> None:
    """All pages side by side in one PNG, each scaled to fit its tile."""
    columns = min(4, options.count)
    rows = -(-options.count // columns)
    sheet = Image.new("RGB", (columns * _TILE[0], rows * _TILE[1]), (70, 70, 70))
    for index in range(options.count):
        image = draw(options, index).image
        image.thumbnail((_TILE[0] - 8, _TILE[1] - 8), Image.Resampling.BICUBIC)
        sheet.paste(image, (index % columns * _TILE[0] + 4, index // columns * _TILE[1] + 4))
    sheet.save(options.contact_sheet)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, required=True, help="how many pages")
    parser.add_argument("--seed", type=int, required=True, help="which pages: same seed, same pixels")
    parser.add_argument("--layout", choices=LAYOUTS, help="draw this layout only; 'sheet' is for training")
    parser.add_argument("--split", choices=("train", "test"), default="test", help="which words may stand on the pages")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--out", type=Path, help="folder for 00000.png, 00000.json, …")
    target.add_argument("--contact-sheet", type=Path, help="one PNG with all pages, for looking at")
    options = parser.parse_args()
    if options.seed >= FIRST_TRAINING_SEED and options.split != "train":
        parser.error(f"seeds from {FIRST_TRAINING_SEED} up belong to training: choose a smaller one, or --split train")
    if options.count < 1:
        parser.error("--count must be at least 1")
    require_fonts()
    if options.contact_sheet:
        write_contact_sheet(options)
    else:
        write_pages(options)


if __name__ == "__main__":
    main()
