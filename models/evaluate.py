"""Read images with the exported model, in PyTorch, greedily; score them where the truth lies beside them.

    python evaluate.py pages/ --json texts.json

The weights come from the two GGUF files, not from a checkpoint: what is measured is what ships, F16 rounding
included. The output {file name: text} is the reference for the image path of any other runtime.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader
from PIL import Image
from torch import Tensor

import lexicon
import prompts
import tokenizer
from export_gguf import DECODER_FILE, PROJECTOR_FILE
from image_input import normalised, square_pixels
from model import MedInferTiny, Shape

HERE = Path(__file__).resolve().parent
MOST_TOKENS = 100
"""Longest answer, in tokens."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a GGUF file as float32, in PyTorch's order of dimensions."""
    return {tensor.name: torch.from_numpy(np.array(tensor.data, dtype=np.float32)) for tensor in GGUFReader(path).tensors}


def read_number(reader: GGUFReader, key: str) -> int:
    """One integer of a GGUF file's metadata."""
    return int(reader.fields[key].contents())


def load_model(folder: Path) -> MedInferTiny:
    """Build the network from the two GGUF files in `folder`."""
    text, vision = GGUFReader(folder / DECODER_FILE), GGUFReader(folder / PROJECTOR_FILE)
    tensors = read_tensors(folder / DECODER_FILE) | read_tensors(folder / PROJECTOR_FILE)
    shape = Shape(
        vocab=tensors["token_embd.weight"].shape[0],
        patch=read_number(vision, "clip.vision.patch_size"),
        width=read_number(text, "llama.embedding_length"),
        vision_layers=read_number(vision, "clip.vision.block_count"),
        text_layers=read_number(text, "llama.block_count"),
        heads=read_number(text, "llama.attention.head_count"),
        vision_feed_forward=read_number(vision, "clip.vision.feed_forward_length"),
        text_feed_forward=read_number(text, "llama.feed_forward_length"),
        projector_hidden=tensors["mm.0.weight"].shape[0],
    )
    state = {
        "vision.patches.weight": tensors["v.patch_embd.weight"], "vision.positions": tensors["v.position_embd.weight"],
        "vision.post_norm.weight": tensors["v.post_ln.weight"], "vision.post_norm.bias": tensors["v.post_ln.bias"],
        "decoder.embedding.weight": tensors["token_embd.weight"], "decoder.norm.weight": tensors["output_norm.weight"],
    }
    for kind in ("weight", "bias"):
        for ours, theirs in (("inner", "mm.0"), ("outer", "mm.2")):
            state[f"projector.{ours}.{kind}"] = tensors[f"{theirs}.{kind}"]
        for index in range(shape.vision_layers):
            block, ours = f"v.blk.{index}.", f"vision.blocks.{index}."
            state[f"{ours}qkv.{kind}"] = torch.cat([tensors[f"{block}attn_{part}.{kind}"] for part in "qkv"])
            for mine, theirs in (("ln1", "ln1"), ("ln2", "ln2"), ("out", "attn_out"), ("up", "ffn_up"), ("down", "ffn_down")):
                state[f"{ours}{mine}.{kind}"] = tensors[f"{block}{theirs}.{kind}"]
    for index in range(shape.text_layers):
        block, ours = f"blk.{index}.", f"decoder.blocks.{index}."
        state[f"{ours}qkv.weight"] = torch.cat([tensors[f"{block}attn_{part}.weight"] for part in "qkv"])
        state[f"{ours}gate_up.weight"] = torch.cat([tensors[f"{block}ffn_{part}.weight"] for part in ("gate", "up")])
        for mine, theirs in (("attention_norm", "attn_norm"), ("feed_forward_norm", "ffn_norm"), ("out", "attn_output"), ("down", "ffn_down")):
            state[f"{ours}{mine}.weight"] = tensors[f"{block}{theirs}.weight"]
    model = MedInferTiny(shape)
    model.load_state_dict(state)
    return model.eval()


def penalised(logits: Tensor, history: list[list[int]], penalty: float) -> Tensor:
    """llama.cpp's repeat penalty: positive logits of seen tokens are divided by it, the others multiplied."""
    if penalty != 1.0:
        for row, seen in zip(logits, history):
            ids = torch.tensor(sorted(set(seen)))
            row[ids] = torch.where(row[ids] > 0, row[ids] / penalty, row[ids] * penalty)
    return logits


@torch.no_grad()
def complete(model: MedInferTiny, before: list[int], images: Tensor | None, after: list[int],
             penalty: float = 1.0, last: int = 256) -> list[list[int]]:
    """Greedy answers, as token ids without </s>.

    `images` is [batch, 3, S, S] or None; every row of the batch has the same text before and after its image.
    As in llama.cpp, image embeddings do not enter the penalty's history of the last `last` tokens.
    """
    embed = model.decoder.embedding
    parts = [embed(torch.tensor([before]))]
    rows = 1
    if images is not None:
        rows = len(images)
        parts = [parts[0].expand(rows, -1, -1), model.embed_images(images)]
    context = torch.cat([*parts, embed(torch.tensor([after], dtype=torch.int64)).expand(rows, -1, -1)], dim=1)
    answers: list[list[int]] = [[] for _ in range(rows)]
    done = [False] * rows
    for _ in range(MOST_TOKENS):
        logits = model.decoder.logits(model.decoder.hidden(context)[:, -1])
        logits = penalised(logits, [(before + after + answer)[-last:] for answer in answers], penalty)
        chosen = logits.argmax(1).tolist()
        for row, token in enumerate(chosen):
            done[row] |= token == tokenizer.EOS
            if not done[row]:
                answers[row].append(token)
        if all(done):
            break
        context = torch.cat((context, embed(torch.tensor(chosen))[:, None]), dim=1)
    return answers


def read_images(model: MedInferTiny, files: list[Path], system: str | None, question: str, penalty: float, batch: int = 16) -> dict[str, str]:
    """Greedy answer to `question` for every image file, by file name."""
    before, after = prompts.image_prompt(question, system)
    texts: dict[str, str] = {}
    for start in range(0, len(files), batch):
        part = files[start:start + batch]
        pixels = np.stack([square_pixels(Image.open(file)) for file in part])
        answers = complete(model, before, torch.from_numpy(normalised(pixels)), after, penalty)
        texts |= {file.name: tokenizer.decode(answer) for file, answer in zip(part, answers)}
    return texts


def score(texts: dict[str, str], folder: Path) -> dict[str, float]:
    """Share of right values by field, exact string match, over the images that have a truth file."""
    hits: dict[str, list[bool]] = {name: [] for name in lexicon.FIELDS}
    for name, text in texts.items():
        truth_file = (folder / name).with_suffix(".json")
        if truth_file.exists():
            truth = json.loads(truth_file.read_text(encoding="utf-8"))["fields"]
            found = lexicon.parse_answer(text)
            for key, values in hits.items():
                values.append(found.get(key) == truth[key])
    counted = {key: float(np.mean(values)) for key, values in hits.items() if values}
    return counted | ({"all fields": float(np.mean(list(counted.values())))} if counted else {})


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="folder of PNG images, with .json truth files if there are any")
    parser.add_argument("--models", type=Path, default=HERE, help="folder of the two GGUF files")
    parser.add_argument("--json", type=Path, help="write {file: text} here instead of printing it")
    parser.add_argument("--prompt", default=lexicon.EXTRACT_PROMPT)
    parser.add_argument("--system", default=lexicon.SYSTEM_PROMPT, help="empty for none")
    parser.add_argument("--repeat-penalty", type=float, default=1.0)
    parser.add_argument("--text", action="store_true", help="answer --prompt without any image")
    options = parser.parse_args()
    model = load_model(options.models)
    system = options.system or None
    if options.text:
        answers = complete(model, prompts.text_prompt(options.prompt, system), None, [], options.repeat_penalty)
        print(tokenizer.decode(answers[0]))
        return
    if options.folder is None:
        parser.error("a folder of images is needed (or --text)")
    files = sorted(options.folder.glob("*.png"))
    if not files:
        parser.error(f"no .png file in {options.folder}")
    texts = read_images(model, files, system, options.prompt, options.repeat_penalty)
    output = json.dumps(texts, indent=2, ensure_ascii=False) + "\n"
    if options.json:
        options.json.write_text(output, encoding="utf-8")
    else:
        print(output, end="")
    for name, value in score(texts, options.folder).items():
        print(f"{name:12} {value:.3f}")


if __name__ == "__main__":
    main()
