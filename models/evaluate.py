"""Read images with the exported model, in PyTorch, greedily; score them where the truth lies beside them.

    python evaluate.py pages/ --json texts.json
    python evaluate.py pages/ --as-json        # the answers as JSON instead of prose
    python evaluate.py --text --prompt "What is gout?"

The output {file name: text} is the reference for the image path of any other runtime.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from language import prompts, scoring, texts, tokenizer
from network.image_input import patches_of, square_pixels
from network.load_gguf import load_model
from network.model import MedInferTiny

HERE = Path(__file__).resolve().parent
MOST_TOKENS = 512
"""Longest answer, in tokens."""


@torch.no_grad()
def complete(model: MedInferTiny, before: list[int], images: np.ndarray | None, after: list[int]) -> list[list[int]]:
    """Greedy answers, as token ids without </s>. `images` is uint8 [batch, S, S, 3] or None; every row of the batch has
    the same text before and after its image."""
    decoder = model.decoder
    parts = [decoder.embedding(torch.tensor([before]))]
    rows = 1
    if images is not None:
        rows = len(images)
        patches = torch.from_numpy(patches_of(images, model.shape.patch))
        seen = model.projector(model.vision(patches, torch.arange(model.shape.image_tokens).expand(rows, -1)))
        parts = [parts[0].expand(rows, -1, -1), seen]
    prompt = torch.cat([*parts, decoder.embedding(torch.tensor([after], dtype=torch.int64)).expand(rows, -1, -1)], dim=1)
    # All but the last token is prefilled; the last one is the first to be extended.
    kept = decoder.prefill(prompt[:, :-1], torch.arange(prompt.shape[1] - 1)[None])
    step: Tensor = prompt[:, -1:]
    answers: list[list[int]] = [[] for _ in range(rows)]
    done = [False] * rows
    for position in range(prompt.shape[1] - 1, prompt.shape[1] - 1 + MOST_TOKENS):
        sees = torch.ones(1, 1, 1, position + 1, dtype=torch.bool)
        hidden, kept, _ = decoder.extend(step, torch.tensor([[position]]), kept, sees)
        chosen = decoder.logits(hidden[:, -1]).argmax(1)
        for row, token in enumerate(chosen.tolist()):
            done[row] |= token == tokenizer.EOS
            if not done[row]:
                answers[row].append(token)
        if all(done):
            break
        step = decoder.embedding(chosen)[:, None]
    return answers


def read_images(model: MedInferTiny, files: list[Path], system: str | None, question: str, batch: int = 16) -> dict[str, str]:
    """Greedy answer to `question` for every image file, by file name."""
    before, after = prompts.image_head(system), prompts.image_tail(question)
    said: dict[str, str] = {}
    for start in range(0, len(files), batch):
        part = files[start:start + batch]
        answers = complete(model, before, np.stack([square_pixels(Image.open(file)) for file in part]), after)
        said |= {file.name: tokenizer.decode(answer) for file, answer in zip(part, answers)}
    return said


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="folder of PNG images, with .json truth files if there are any")
    parser.add_argument("--models", type=Path, default=HERE, help="folder of the two GGUF files")
    parser.add_argument("--json", type=Path, help="write {file: text} here instead of printing it")
    parser.add_argument("--as-json", action="store_true", help="ask for JSON")
    parser.add_argument("--prompt", help="another question")
    parser.add_argument("--system", default=texts.SYSTEM_PROMPT, help="empty for none")
    parser.add_argument("--text", action="store_true", help="answer --prompt without any image")
    options = parser.parse_args()
    model = load_model(options.models)
    system = options.system or None
    question = options.prompt or (texts.JSON_PROMPT if options.as_json else texts.EXTRACT_PROMPT)
    if options.text:
        print(tokenizer.decode(complete(model, prompts.text_prompt(question, system), None, [])[0]))
        return
    if options.folder is None:
        parser.error("a folder of images is needed (or --text)")
    files = sorted(options.folder.glob("*.png"))
    if not files:
        parser.error(f"no .png file in {options.folder}")
    said = read_images(model, files, system, question)
    output = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    if options.json:
        options.json.write_text(output, encoding="utf-8")
    else:
        print(output, end="")
    if options.prompt is None and all(file.with_suffix(".json").exists() for file in files):
        print(json.dumps(scoring.score(said, options.folder, options.as_json), indent=2))


if __name__ == "__main__":
    main()
