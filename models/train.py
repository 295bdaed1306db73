"""Train the default model: one command from nothing to the two GGUF files.

    python train.py                      # everything, with the recipe below
    python train.py --steps 40 --see 20  # a smoke run

Two stages share one learning-rate curve. "See": the vision tower and the projector alone learn to read,
from two auxiliary tasks (which characters lie in each patch; which closed-list value each field holds).
"Speak": the decoder joins and learns the answers; the auxiliary tasks stay on. The auxiliary heads are not
exported. A run continues from the last checkpoint in --work; everything random in a step follows from
(seed, step, process), so an interrupted run ends like an uninterrupted one on the same kind of machine.

Data parallel: each process computes its share of a batch on one thread, and gradients are averaged once a
step. On a busy host that loses far less than threads that wait for each other at every operation.
"""
from __future__ import annotations

import argparse
import csv
import os
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed
import torch.multiprocessing
import torch.nn.functional as F
from torch import nn

import lexicon
import prompts
import tokenizer
from auxiliary import Readers, character_targets
from data import SHARD_SIZE, TRAINING_SEED, VALIDATION_SEED, Shards, fields_of
from export_gguf import export
from image_input import IMAGE_SIZE, normalised
from losses import answer_inputs, answer_loss, text_loss
from model import MedInferTiny, Shape

HERE = Path(__file__).resolve().parent
SEED = 20261120
BATCH = 32
PEAK_RATE = 1.1e-3
DESCENT_SHARE = 0.235
"""Share of the steps at the end over which the learning rate falls to zero."""
WARM_UP = 200
SPEAK_WARM_UP = 60
WEIGHT_DECAY = 0.03
SHARDS = 32
SHIFT = 2
"""Random translation of a training image, in input pixels, on top of the generator's own."""
LAST_PLAIN_SHARE = 0.1
"""Share of the steps at the end that see the pages as drawn."""
HINT_STEPS = 400
"""Steps of the second stage over which the attention hint fades."""
VALIDATE_EVERY = 125
VALIDATION_PAGES = 256
SEEN_ROWS = (2, 12)
"""Patch rows that the first stage looks at: the heading and the signature hold nothing to read, and cost a quarter."""
COLUMNS = ("step", "stage", "pages", "seconds", "rate", "answer_loss", "field_loss", "character_loss", "head_accuracy",
           *(f"read_{name}" for name in lexicon.FIELDS))


def augmented(pixels: np.ndarray, glyphs: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Shift each page by up to SHIFT pixels and change its exposure; glyph positions follow."""
    padded = np.pad(pixels, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="edge")
    shifted, glyphs = np.empty_like(pixels), glyphs.copy()
    for index, (dx, dy) in enumerate(rng.integers(-SHIFT, SHIFT + 1, (len(pixels), 2))):
        shifted[index] = padded[index, SHIFT - dy: SHIFT - dy + IMAGE_SIZE, SHIFT - dx: SHIFT - dx + IMAGE_SIZE]
        glyphs[index, :, 1:] += np.array([dx, dy], np.int16)
    gains = rng.integers(88, 113, (len(pixels), 1, 1, 3)).astype(np.uint16)
    return np.minimum(shifted * gains // 100, 255).astype(np.uint8), glyphs


@torch.no_grad()
def validate(model: MedInferTiny, readers: Readers, shards: Shards, speak: bool) -> dict[str, float]:
    """Accuracy on held-out pages: of the auxiliary heads and, once it speaks, per field of the answer (right answer fed back)."""
    pixels, classes, _ = (part[:VALIDATION_PAGES] for part in shards.load(0))
    hits, read = [], {name: [] for name in lexicon.FIELDS}
    head, tail = prompts.image_prompt(lexicon.EXTRACT_PROMPT)
    for start in range(0, len(pixels), BATCH):
        part = slice(start, start + BATCH)
        tokens = model.embed_images(torch.from_numpy(normalised(pixels[part])))
        labels = torch.from_numpy(classes[part].astype(np.int64))
        hits.append(torch.stack([logits.argmax(1) == labels[:, index] for index, logits in enumerate(readers.fields(tokens))], 1))
        if not speak:
            continue
        fields = [fields_of(row) for row in classes[part]]
        inputs, targets = answer_inputs(model, tokens, head, tail, fields)
        logits = model.decoder.logits(model.decoder.hidden(inputs)[:, inputs.shape[1] - targets.shape[1]:])
        right = (logits.argmax(2) == targets).tolist()
        for row, ok in zip(fields, right):
            at = 0
            for name in lexicon.FIELDS:
                # a field's line: its key, its value, and the newline or </s> that ends it
                length = len(tokenizer.encode(f" {lexicon.ANSWER_KEYS[name]} {row[name]}")) + 1
                read[name].append(all(ok[at:at + length]))
                at += length
    result = {"head_accuracy": torch.cat(hits).float().mean().item()}
    return result | {f"read_{name}": float(np.mean(values)) for name, values in read.items() if values}


def rate_at(step: int, see: int, steps: int) -> float:
    """Learning rate: a warm-up at the start of each stage, a plateau, and a straight way down at the end.

    A plateau, because a run can then be made longer by continuing it before the descent begins.
    """
    warm = min(1.0, (step + 1) / WARM_UP, (step - see + 1) / SPEAK_WARM_UP if step >= see else 1.0)
    return PEAK_RATE * min(warm, (steps - step) / (steps * DESCENT_SHARE))


def batch_at(step: int, shards: Shards, plain: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, classes and glyphs of one step: each pass over a shard has its own order."""
    per_shard = SHARD_SIZE // BATCH
    visit = step // per_shard
    pixels, classes, glyphs = shards.load(visit % shards.count)
    order = np.random.Generator(np.random.PCG64([SEED, visit])).permutation(SHARD_SIZE)
    chosen = np.sort(order[step % per_shard * BATCH:][:BATCH])
    pixels, classes, glyphs = np.asarray(pixels[chosen]), classes[chosen], glyphs[chosen]
    if not plain:
        pixels, glyphs = augmented(pixels, glyphs, np.random.Generator(np.random.PCG64([SEED, 1, step])))
    return pixels, classes, glyphs


def average_gradients(parameters: list[nn.Parameter], processes: int) -> None:
    """Replace every gradient by its mean over the processes."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    torch.distributed.all_reduce(flat)
    flat /= processes
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
        gradient.copy_(mean.view_as(gradient))


def train(rank: int, options: argparse.Namespace) -> None:
    """Run or continue the recipe as process `rank`; process 0 validates, saves, and exports at the end."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=options.rendezvous, rank=rank, world_size=options.processes)
    torch.manual_seed(SEED)
    shape = Shape(vocab=len(tokenizer.vocabulary()))
    model, readers = MedInferTiny(shape), Readers(shape)
    parameters = [*model.parameters(), *readers.parameters()]
    optimizer = torch.optim.AdamW([
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ], betas=(0.9, 0.98), fused=True)
    checkpoint, step, seconds = options.work / "checkpoint.pt", 0, 0.0
    rows: list[dict[str, object]] = []
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        readers.load_state_dict(state["readers"])
        optimizer.load_state_dict(state["optimizer"])
        step, seconds, rows = state["step"], state["seconds"], state["rows"]
        print(f"process {rank} continues from step {step}", flush=True)
    torch.distributed.barrier()
    pages = Shards(options.work / "pages", TRAINING_SEED, options.shards)
    held_out = Shards(options.work / "pages", VALIDATION_SEED, 1)

    sums, since = np.zeros(3), 0
    while step < options.steps:
        began = time.monotonic()
        speak = step >= options.see
        side = IMAGE_SIZE // shape.patch
        first, last = (0, side) if speak else SEEN_ROWS
        band = slice(first * side, last * side)
        pixels, classes, glyphs = (part[rank::options.processes] for part in
                                   batch_at(step, pages, plain=step >= options.steps * (1 - LAST_PLAIN_SHARE)))
        rng = random.Random(f"{SEED} {step} {rank}")
        with torch.autocast("cpu", torch.bfloat16):
            images = torch.from_numpy(normalised(pixels[:, first * shape.patch:last * shape.patch]))
            features, early = model.vision(images, band.start)
            tokens = model.projector(features)
            labels = torch.from_numpy(classes.astype(np.int64))
            field_loss = torch.stack([F.cross_entropy(logits, labels[:, index])
                                      for index, logits in enumerate(readers.fields(tokens, band))]).mean()
            character_loss = F.binary_cross_entropy_with_logits(
                readers.characters(early).float(), character_targets(glyphs, shape)[:, band], reduction="sum") / glyphs.shape[0] / 60
            loss = field_loss + 0.5 * character_loss
            spoken = torch.zeros(())
            if speak:
                spoken, hint = answer_loss(model, tokens, classes, rng)
                hint_weight = max(0.0, 1.0 - (step - options.see) / HINT_STEPS)
                loss = loss + 2 * spoken + 0.4 * text_loss(model, rng) + hint_weight * hint
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, options.see, options.steps)
        loss.backward()
        average_gradients(parameters, options.processes)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        sums += (spoken.item(), field_loss.item(), character_loss.item())
        since += 1
        step += 1
        seconds += time.monotonic() - began
        if step % 25 == 0 and rank == 0:
            print(f"step {step} answer {sums[0] / since:.4f} fields {sums[1] / since:.4f} characters {sums[2] / since:.4f} "
                  f"{seconds / step:.2f} s/step", flush=True)
        if rank == 0 and (step % VALIDATE_EVERY == 0 or step == options.steps):
            means = (sums / since).round(4).tolist()
            measured = {key: round(value, 4) for key, value in validate(model, readers, held_out, speak).items()}
            rows.append({"step": step, "stage": "speak" if speak else "see", "pages": step * BATCH, "seconds": round(seconds),
                         "rate": f"{rate_at(step - 1, options.see, options.steps):.2e}",
                         "answer_loss": means[0], "field_loss": means[1], "character_loss": means[2], **measured})
            print(rows[-1], flush=True)
            sums, since = np.zeros(3), 0
            partial = checkpoint.with_suffix(".part")
            torch.save({"model": model.state_dict(), "readers": readers.state_dict(), "optimizer": optimizer.state_dict(),
                        "step": step, "seconds": seconds, "rows": rows}, partial)
            os.replace(partial, checkpoint)
            with open(options.work / "training-log.csv", "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    if rank == 0:
        for path in export(model, options.out):
            print(path.name, f"{path.stat().st_size / 1e6:.2f} MB")
    torch.distributed.destroy_process_group()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=HERE / "checkpoints", help="checkpoint and drawn pages (about 5 GB)")
    parser.add_argument("--out", type=Path, default=HERE, help="where the two GGUF files go")
    parser.add_argument("--steps", type=int, default=1800, help="all steps, of 32 pages each")
    parser.add_argument("--see", type=int, default=1000, help="steps of the first stage")
    parser.add_argument("--shards", type=int, default=SHARDS, help="training pages on disk, in shards of 1024")
    parser.add_argument("--processes", type=int, default=2, help="part of the recipe: another number gives other weights")
    options = parser.parse_args()
    for seed, count in ((TRAINING_SEED, options.shards), (VALIDATION_SEED, 1)):
        Shards(options.work / "pages", seed, count).draw(options.processes)
    rendezvous = options.work / "rendezvous"
    rendezvous.unlink(missing_ok=True)
    options.rendezvous = rendezvous.resolve().as_uri()
    torch.multiprocessing.spawn(train, (options,), nprocs=options.processes)


if __name__ == "__main__":
    main()
