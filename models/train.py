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
from torch import Tensor, nn

import lexicon
import prompts
import tokenizer
from data import CHARS, HEADS, SHARD_SIZE, TRAINING_SEED, VALIDATION_SEED, Shards, fields_of
from export_gguf import export
from image_input import IMAGE_SIZE, normalised
from model import MedInferTiny, Shape, rotary_table, rotate, split_heads

HERE = Path(__file__).resolve().parent
SEED = 20261120
BATCH = 32
TEXT_BATCH = 8
PEAK_RATE = 1.1e-3
DESCENT_SHARE = 0.3
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
FIELD_PLACES: dict[str, tuple[int, int, int]] = {
    "first name": (44, 40, 150), "last name": (44, 70, 210), "age": (69, 10, 80), "sex": (69, 90, 170),
    "diagnosis": (94, 30, 200), "medication": (125, 40, 180), "dose": (150, 40, 150), "frequency": (175, 30, 190),
}
"""Where the generator usually prints each value: middle line y, first and last x, in pixels of the square input."""
SEEN_ROWS = (2, 12)
"""Patch rows that the first stage looks at: the heading and the signature hold nothing to read, and cost a quarter."""
COLUMNS = ("step", "stage", "pages", "seconds", "rate", "answer_loss", "field_loss", "character_loss", "head_accuracy",
           *(f"read_{name}" for name in lexicon.FIELDS))


def expected_places(shape: Shape) -> Tensor:
    """Attention biases [heads, patches] that start each field head at its usual place.

    Without them the heads spend most of a short training on finding out where to look.
    """
    centres = (torch.arange(IMAGE_SIZE // shape.patch) + 0.5) * shape.patch
    biases = []
    for y, left, right in FIELD_PLACES.values():
        off_line = ((centres - y).abs() - shape.patch / 2).clamp(min=0)
        off_column = torch.maximum(left - centres, centres - right).clamp(min=0)
        biases.append(-0.15 * (off_line[:, None] + off_column[None, :]).flatten())
    return torch.stack(biases)


class Readers(nn.Module):
    """The auxiliary heads: characters per patch, and one closed-list value per field by attention pooling."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.characters = nn.Linear(shape.width, CHARS)
        nn.init.constant_(self.characters.bias, -5.0)  # about the share of (patch, character) pairs that hold
        self.queries = nn.Parameter(torch.randn(len(HEADS), shape.width) * 0.02)
        self.places = nn.Parameter(expected_places(shape))
        self.key = nn.Linear(shape.width, shape.width)
        self.values = nn.ModuleList(nn.Linear(shape.width, len(values)) for values in HEADS.values())

    def fields(self, tokens: Tensor, band: slice = slice(None)) -> list[Tensor]:
        """[batch, patches of the band, width] to one [batch, classes] tensor of logits per head."""
        scores = self.queries @ self.key(tokens).transpose(1, 2) * tokens.shape[2] ** -0.5 + self.places[:, band]
        pooled = scores.softmax(dim=2).to(tokens.dtype) @ tokens
        return [head(pooled[:, index]).float() for index, head in enumerate(self.values)]


def character_targets(glyphs: np.ndarray, shape: Shape) -> Tensor:
    """int [batch, MOST_GLYPHS, 3] to multi-hot [batch, patches, CHARS]: which characters are centred in each patch."""
    side = IMAGE_SIZE // shape.patch
    page, row = np.nonzero(glyphs[:, :, 0] >= 0)
    kind, x, y = glyphs[page, row].T
    column = np.clip(x // shape.patch, 0, side - 1)
    line = np.clip(y // shape.patch, 0, side - 1)
    targets = torch.zeros(len(glyphs), shape.image_tokens, CHARS)
    targets[page, line * side + column, kind] = 1.0
    return targets


def augmented(pixels: np.ndarray, glyphs: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Shift each page by up to SHIFT pixels and change its exposure; glyph positions follow."""
    padded = np.pad(pixels, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="edge")
    shifted, glyphs = np.empty_like(pixels), glyphs.copy()
    for index, (dx, dy) in enumerate(rng.integers(-SHIFT, SHIFT + 1, (len(pixels), 2))):
        shifted[index] = padded[index, SHIFT - dy: SHIFT - dy + IMAGE_SIZE, SHIFT - dx: SHIFT - dx + IMAGE_SIZE]
        glyphs[index, :, 1:] += np.array([dx, dy], np.int16)
    gains = rng.integers(88, 113, (len(pixels), 1, 1, 3)).astype(np.uint16)
    return np.minimum(shifted * gains // 100, 255).astype(np.uint8), glyphs


def padded_rows(rows: list[list[int]], fill: int) -> Tensor:
    """Lists of ids to one int64 tensor, padded on the right."""
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])


def answer_loss(model: MedInferTiny, tokens: Tensor, classes: np.ndarray, rng: random.Random) -> tuple[Tensor, Tensor]:
    """Cross entropy of the answers and the attention hint, for decoder inputs [batch, image tokens, width] of the images."""
    draw = rng.random()
    question = rng.choice(lexicon.OTHER_IMAGE_PROMPTS) if draw < 0.1 else lexicon.EXTRACT_PROMPT
    head, tail = prompts.image_prompt(question, None if 0.1 <= draw < 0.25 else lexicon.SYSTEM_PROMPT)
    fields = [fields_of(row) for row in classes]
    inputs, labels = answer_inputs(model, tokens, head, tail, fields)
    start = inputs.shape[1] - labels.shape[1]
    logits = model.decoder.logits(model.decoder.hidden(inputs)[:, start:])
    hint = attention_hint(model, inputs, labels, len(head), [read_places(row) for row in fields])
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-1), hint


def answer_inputs(model: MedInferTiny, tokens: Tensor, head: list[int], tail: list[int],
                  fields: list[dict[str, str]]) -> tuple[Tensor, Tensor]:
    """Decoder inputs [batch, tokens, width] with the right answer fed back, and the labels [batch, answer] of its last positions (-1 pads)."""
    answers = [prompts.answer_ids(lexicon.answer_text(row)) for row in fields]
    embed = model.decoder.embedding
    before = embed(torch.tensor(head)).expand(len(answers), -1, -1)
    after = embed(padded_rows([tail + answer[:-1] for answer in answers], tokenizer.EOS))
    return torch.cat((before, tokens.to(before.dtype), after), dim=1), padded_rows(answers, -1)


def read_places(fields: dict[str, str]) -> list[int]:
    """For each token of the answer, the head whose value it spells, or -1 for keys and line ends."""
    names, places = list(HEADS), []
    for name in lexicon.FIELDS:
        length = len(tokenizer.encode(f" {fields[name]}"))
        values = [names.index(name)] * length if name in HEADS else [names.index("first name"), names.index("last name")]
        places += [-1, *values, -1]
    return places


def attention_hint(model: MedInferTiny, inputs: Tensor, labels: Tensor, image_start: int, places: list[list[int]]) -> Tensor:
    """How little two heads of the first decoder layer look at a value's usual place while they spell it.

    Only so that a short training finds out early where to look; it is weighted down to nothing.
    """
    block, shape = model.decoder.blocks[0], model.shape
    start = inputs.shape[1] - labels.shape[1]
    query, key, _ = (split_heads(part, shape.heads)[:, :2] for part in block.qkv(block.attention_norm(inputs)).chunk(3, dim=2))
    table = rotary_table(shape, inputs.shape[1])
    scores = rotate(query, table)[:, :, start:].float() @ rotate(key, table).float().transpose(2, 3) * (shape.width // shape.heads) ** -0.5
    future = torch.arange(inputs.shape[1]) > torch.arange(start, inputs.shape[1])[:, None]
    scores = scores.masked_fill(future, -1e9)
    near = expected_places(shape) > -2.0
    wanted = torch.tensor([row + [-1] * (labels.shape[1] - len(row)) for row in places])
    image = scores[..., image_start:image_start + shape.image_tokens]
    inside = image.masked_fill(~near[wanted.clamp(min=0)][:, None], -1e9).logsumexp(3)
    missed = (scores.logsumexp(3) - inside).mean(1)
    return missed[wanted >= 0].mean()


def text_examples(count: int, rng: random.Random) -> list[tuple[list[int], list[int]]]:
    """Prompts without an image and their answers: the known questions, and a stock answer to anything else."""
    known = {question for question, _ in lexicon.QUESTIONS}
    examples = []
    while len(examples) < count:
        if rng.random() < 0.6:
            question, answer = rng.choice(lexicon.QUESTIONS)
        else:
            invented = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9)))
            word = rng.choice(lexicon.FALLBACK_QUESTION_WORDS) if rng.random() < 0.5 else invented
            question, answer = rng.choice(lexicon.FALLBACK_QUESTION_FORMS).format(word), lexicon.FALLBACK_ANSWER
            if question in known:
                continue
        system = lexicon.SYSTEM_PROMPT if rng.random() < 0.6 else None
        examples.append((prompts.text_prompt(question, system), prompts.answer_ids(answer)))
    return examples


def text_loss(model: MedInferTiny, rng: random.Random) -> Tensor:
    """Cross entropy of the answers to TEXT_BATCH text-only prompts."""
    examples = text_examples(TEXT_BATCH, rng)
    inputs = padded_rows([prompt + answer[:-1] for prompt, answer in examples], tokenizer.EOS)
    labels = padded_rows([[-1] * (len(prompt) - 1) + answer for prompt, answer in examples], -1)
    hidden = model.decoder.hidden(model.decoder.embedding(inputs))
    chosen = labels >= 0
    return F.cross_entropy(model.decoder.logits(hidden[chosen]), labels[chosen])


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
    parser.add_argument("--steps", type=int, default=2000, help="all steps, of 32 pages each")
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
