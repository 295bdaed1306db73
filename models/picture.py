"""One picture of sample pages, each with what the model answers beside it: picture.py --seed S --out FILE

Wrong values are red, with the truth behind them. For looking at, and for docs/.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evaluate import complete
from language import answers, prompts, texts, tokenizer
from network.image_input import square_pixels
from network.load_gguf import load_model
from pages.fonts import PRINT_FACES, sized_font
from pages.page import Page, draw_page

HERE = Path(__file__).resolve().parent
LAYOUTS = ("prescription", "card", "lab", "list")
TILE, TEXT_WIDTH, GAP, LINE = 400, 330, 14, 19
INK, WRONG, PAPER = (20, 20, 26), (190, 20, 20), (255, 255, 255)


def told(page: Page, text: str) -> list[tuple[str, bool]]:
    """The lines of an answer, each with whether all of its values are right."""
    truth, found = dict(answers.leaves(page.fields)), answers.parse_prose(text)
    wrong = {value: truth.get(path, "nothing") for path, value in found.items() if truth.get(path) != value}
    missing = [f"(missing: {value})" for path, value in truth.items() if path not in found]
    lines = []
    for line in text.strip().split("\n"):
        errors = [f"{value} is {right}" for value, right in wrong.items() if value in line]
        lines += [(line, not errors), *((f"  {error}", False) for error in errors)]
    return lines + [(line, False) for line in missing]


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """The text in lines of at most `width` pixels."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if font.getlength(longer) > width and lines[-1]:
            lines.append(f"    {word}")
        else:
            lines[-1] = longer
    return lines


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--models", type=Path, default=HERE)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    pages = [draw_page(options.seed, index, layout=LAYOUTS[index % len(LAYOUTS)]) for index in range(options.count)]
    model = load_model(options.models)
    images = np.stack([square_pixels(page.image) for page in pages])
    ids = complete(model, prompts.image_head(), images, prompts.image_tail(texts.EXTRACT_PROMPT))

    across = 3
    cell = TILE + TEXT_WIDTH + 2 * GAP, TILE + GAP
    sheet = Image.new("RGB", (across * cell[0], -(-len(pages) // across) * cell[1]), PAPER)
    draw, font = ImageDraw.Draw(sheet), sized_font(PRINT_FACES[0], 14).font
    for index, (page, answer) in enumerate(zip(pages, ids)):
        left, top = index % across * cell[0], index // across * cell[1]
        picture = page.image.copy()
        picture.thumbnail((TILE, TILE))
        sheet.paste(picture, (left + (TILE - picture.width) // 2, top + (TILE - picture.height) // 2))
        y = top + 8
        for line, right in told(page, tokenizer.decode(answer)):
            for part in wrapped(line, font, TEXT_WIDTH):
                draw.text((left + TILE + GAP, y), part, font=font, fill=INK if right else WRONG)
                y += LINE
    sheet.save(options.out, optimize=True)


if __name__ == "__main__":
    main()
