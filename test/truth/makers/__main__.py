"""python -m makers OUT [--type f32|f16] [FAMILY ...]: writes each family's models and what they must give.

OUT/pictures/*.png, and for each family OUT/FAMILY/model.gguf, mmproj.gguf, case.json and *.f32 (little-endian float32, rows as
case.json says).
A family is a path such as "text/llama", or how such paths begin: "vision/"; without any: all.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import time
import traceback
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402
import transformers  # noqa: E402
from PIL import Image  # noqa: E402

from . import pictures, registry, vocabulary  # noqa: E402
from .family import Family, VisionFamily  # noqa: E402

TEXT_PROMPT, TEXT_ANSWER = 64, 191  # with BOS 256 tokens
IMAGE_ANSWER = 24


def _text(length: int, seed: str) -> str:
    """Characters at random, none of which a template or a preprocessor could read as something else."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,"
    chosen = random.Random(seed)
    return "".join(chosen.choice(letters) for _ in range(length))


def _save(file: Path, values: torch.Tensor) -> dict[str, object]:
    file.write_bytes(values.detach().float().contiguous().numpy().astype("<f4").tobytes())
    return {"file": file.name, "shape": list(values.shape)}


def _answer(family: Family, out: Path, file: str, prompt: list[int], answer: str, image: Image.Image | None) -> dict[str, object]:
    logits = family.logits([*prompt, *vocabulary.encode(answer)], image)
    # Row i: what the model expects in the place of answer[i].
    return {"text": answer, "logits": _save(out / file, logits[len(prompt) - 1 : -1])}


def _text_case(family: Family, out: Path) -> dict[str, object]:
    prompt, answer = _text(TEXT_PROMPT, family.name), _text(TEXT_ANSWER, family.name + "!")
    tokens = [vocabulary.BOS, *vocabulary.encode(prompt)]
    return {"prompt": [prompt], "answer": _answer(family, out, "answer.f32", tokens, answer, None)}


def _vision_case(family: VisionFamily, out: Path, drawn: dict[str, Image.Image]) -> dict[str, object]:
    features = {}
    for name, picture in drawn.items():
        if name not in family.refuses:
            features[name] = _save(out / f"features-{name}.f32", family.features(pictures.as_rgb(picture)))
    before, after, answer = family.opening, " " + _text(12, family.name), _text(IMAGE_ANSWER, family.name + "!")
    image = pictures.as_rgb(drawn[family.pictured])
    tokens = [vocabulary.BOS, *vocabulary.encode(before), *family.image_tokens(image), *vocabulary.encode(after)]
    answered = _answer(family, out, "answer.f32", tokens, answer, image) if family.answers else None
    prompt = [before, None, after]
    return {"features": features, "picture": family.pictured, "prompt": prompt, "answer": answered, "refuses": family.refuses}


def make(kind: type[Family], out: Path, ftype: str, drawn: dict[str, Image.Image]) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    family = kind()
    family.write(out, ftype)
    if isinstance(family, VisionFamily):
        native = pictures.native(*family.native)
        native.save(out / "native.png")
        rest = _vision_case(family, out, {"native": native, **drawn})
    else:
        rest = _text_case(family, out)
    shutil.rmtree(out / "hf", ignore_errors=True)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    about = {"name": kind.name, "kind": kind.kind, "maker": kind.maker, "about": (kind.__doc__ or "").strip(), "versions": versions}
    (out / "case.json").write_text(json.dumps({**about, "type": ftype, **rest}, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("families", nargs="*")
    parser.add_argument("--type", default="f32", choices=["f32", "f16"])
    options = parser.parse_args()
    drawn = pictures.draw()
    folder = options.out / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in drawn.items():
        picture.save(folder / f"{name}.png")
    known = registry.find()
    chosen = options.families or [""]
    wanted = [name for name in known if any(name.startswith(each) for each in chosen)]
    made = []
    for name in wanted:
        begun = time.monotonic()
        try:
            make(known[name], options.out / name, options.type, drawn)
            made.append(name)
            print(f"{name}: {time.monotonic() - begun:.1f} s", flush=True)
        except Exception:
            print(f"{name}: failed", flush=True)
            traceback.print_exc()
    (options.out / "made.json").write_text(json.dumps(made) + "\n")
    return 0 if len(made) == len(wanted) else 1


if __name__ == "__main__":
    torch.set_num_threads(os.cpu_count() or 1)
    sys.exit(main())
