"""Train the default model: one command from nothing to the two GGUF files.

    python train.py                                    # everything, with the recipe below
    python train.py --start FOLDER                     # the last stage alone, from the two files that lie there
    python train.py --see 20 --speak 20 --polish 20    # a smoke run

Three stages. "See": the vision tower learns to name the characters in each patch, from dense windows; from LISTEN on the
decoder joins and writes the windows' text down. "Speak": whole pages, questions and answers, with rates that fall to
zero. "Polish": the same again in cycles, each from a quarter of the rates and falling all the way; the mean of the weights
at the ends of the cycles is exported, without the auxiliary head (stochastic weight averaging, Izmailov et al. 2018,
arXiv:1803.05407). A run continues from the last checkpoint in --work; everything random in a step follows from (seed,
step, process), so an interrupted run ends like an uninterrupted one on the same kind of machine.

Data parallel: each process computes its share of a batch on one thread, and gradients are averaged once a step. On a
busy host that loses far less than threads that wait for each other at every operation.
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
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from language import tokenizer
from network.export_gguf import export
from network.load_gguf import load_model
from network.model import MedInferTiny, Shape
from training.losses import Reader, answer_loss, character_loss, pointing_loss, speak, text_loss
from training.muon import adamw, optimizers
from training.shards import draw_shards
from training.steps import Batch, Pages, see_batch, speak_batch
from training.validate import validate

HERE = Path(__file__).resolve().parent
SEED = 20261125
RATE, MATRIX_RATE = 2e-3, 0.012
"""Peak learning rates of AdamW and of Muon."""
READER_RATE = 0.01
"""Of the auxiliary head while all that it has to do is to catch up with the tower."""
VISION_SHARE = 0.5
"""Of the learning rate, for the vision tower after the first stage: with all of it, it forgets how to read."""
EYES_EVERY = 2
"""After the first stage the tower learns in each such step, windows among them, and only looks in the others."""
WEIGHT_DECAY = 0.02
WARM_UP = 100
DESCENT_SHARE = 0.5
"""Share of the first two stages' steps, at their end, over which the learning rates fall to zero."""
POLISH_SHARE = 0.25
"""Of the peak learning rates, where a cycle of the third stage begins."""
LISTEN = 0.72
"""From this share of the first stage on, the decoder joins in every other step."""
POINTING_SHARE = 1.0
"""Of the pointing loss beside the answers'. It falls first: who knows where to read soon reads."""
WHOLE_EVERY = 5
"""Each such step looks at whole pages, blank patches and all; of the LAST steps before the rates are zero every other one."""
LAST = 800
PENALISED_EVERY = 3
"""After the first stage each such step learns its answers under a repeat penalty."""
WINDOWS_EVERY = 6
"""After the first stage each such step is one of the first, so that reading is not forgotten."""
VALIDATE_EVERY = 250
VALIDATION_PAGES = 64
COLUMNS = ("step", "stage", "seconds", "rate", "answer_loss", "pointing_loss", "character_loss", "characters", "tokens",
           "values", "unseen")


def descent(step: int, options: argparse.Namespace) -> tuple[int, int]:
    """Steps since the rates were last zero, and steps until they are: of the first two stages, or of a cycle of the third."""
    if step < options.first:
        return step, options.first - step
    done = (step - options.first) % options.polish
    return done, options.polish - done


def share_of_rate(step: int, options: argparse.Namespace) -> float:
    """Of the peak rates: a warm-up, a plateau and a straight way down; then cycles from POLISH_SHARE, without plateau."""
    done, left = descent(step, options)
    if step < options.first:
        return min(1.0, (done + 1) / WARM_UP, left / ((done + left) * DESCENT_SHARE))
    return POLISH_SHARE * min((done + 1) / WARM_UP, left / (done + left))


def stage_at(step: int, options: argparse.Namespace) -> str:
    """The name of the stage that a step belongs to."""
    return "see" if step < options.see else "speak" if step < options.first else "polish"


def batch_at(step: int, rank: int, options: argparse.Namespace, pages: Pages) -> Batch:
    """What process `rank` looks at in a step."""
    rng = np.random.Generator(np.random.PCG64([SEED, step, rank]))
    late = descent(step, options)[1] <= LAST
    whole = step % (2 if late else WHOLE_EVERY) == 0
    share = options.processes
    if step < options.see or step % WINDOWS_EVERY == 5:
        write = step >= options.see or (step >= options.see * LISTEN and step % 2 == 1)
        return see_batch(pages, rng, whole and step < options.see, write, share)
    # In runs of two: whole pages and JSON must not always meet.
    return speak_batch(pages, rng, whole, step // 2 % 2 == 1, share)


def losses_of(model: MedInferTiny, reader: Reader, batch: Batch, rng: random.Random, learns: bool,
              penalised: bool) -> tuple[Tensor, list[float]]:
    """What a step minimises, and its parts: answers, pointing, characters. `learns`: whether the vision tower does;
    `penalised`: see answer_loss()."""
    with torch.autocast("cpu", torch.bfloat16):
        with torch.set_grad_enabled(learns):
            features = model.vision(batch.patches, batch.places)
        characters = character_loss(reader(features), batch.characters)
        if batch.asked is None:
            return characters, [0.0, 0.0, characters.item()]
        spoken = speak(model, model.projector(features), batch.places, batch.head, batch.asked)
        answer = answer_loss(model.decoder, spoken, batch.asked, batch.head, penalised)
        pointing = pointing_loss(spoken, batch.asked.patches)
        loss = 2 * answer + POINTING_SHARE * pointing + 0.5 * characters + 0.2 * text_loss(model.decoder, rng)
    return loss, [answer.item(), pointing.item(), characters.item()]


def average_gradients(parameters: list[nn.Parameter], processes: int) -> None:
    """Replace every gradient by its mean over the processes."""
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([parameter.grad.flatten() for parameter in parameters])
    torch.distributed.all_reduce(flat)
    flat /= processes
    for parameter, mean in zip(parameters, flat.split([p.numel() for p in parameters])):
        parameter.grad = mean.view_as(parameter)
    nn.utils.clip_grad_norm_(parameters, 1.0)


class Run:
    """The state of a training run, as it lies in its checkpoint."""

    def __init__(self, options: argparse.Namespace) -> None:
        torch.manual_seed(SEED)
        shape = Shape(vocab=len(tokenizer.vocabulary()))
        self.model, self.reader = MedInferTiny(shape), Reader(shape)
        self.step, self.seconds = 0, 0.0
        self.path: Path = options.work / "checkpoint.pt"
        if options.start and not self.path.exists():
            self.model.load_state_dict(load_model(options.start).state_dict())
            self.step = options.first
        self.mean = AveragedModel(self.model)
        self.eyes = optimizers([self.model.vision], RATE, MATRIX_RATE, WEIGHT_DECAY)
        self.voice = optimizers([self.model.projector, self.model.decoder], RATE, MATRIX_RATE, WEIGHT_DECAY)
        self.spelling = adamw(self.reader.parameters(), RATE)
        self.optimizers = (*self.eyes, *self.voice, self.spelling)
        self.parameters = [*self.model.parameters(), *self.reader.parameters()]
        self.rows: list[dict[str, object]] = []
        if self.path.exists():
            state = torch.load(self.path, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.reader.load_state_dict(state["reader"])
            self.mean.load_state_dict(state["mean"])
            for optimizer, stored in zip(self.optimizers, state["optimizers"]):
                optimizer.load_state_dict(stored)
            self.step, self.seconds, self.rows = state["step"], state["seconds"], state["rows"]

    def save(self) -> None:
        """Write the checkpoint and the log."""
        partial = self.path.with_suffix(".part")
        torch.save({"model": self.model.state_dict(), "reader": self.reader.state_dict(), "mean": self.mean.state_dict(),
                    "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                    "step": self.step, "seconds": self.seconds, "rows": self.rows}, partial)
        os.replace(partial, self.path)
        self.log()

    def log(self) -> None:
        """Write training-log.csv."""
        with open(self.path.with_name("training-log.csv"), "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)

    def advance(self, batch: Batch, rng: random.Random, options: argparse.Namespace) -> list[float]:
        """One step; returns the parts of its loss."""
        speaks = self.step >= options.see
        # Where the third stage begins from files, the auxiliary head is new: it learns first, and teaches after that.
        rests = 0 <= self.step - options.first < WARM_UP
        learns = not rests and (not speaks or batch.asked is None or self.step % EYES_EVERY == EYES_EVERY - 1)
        penalised = speaks and self.step % PENALISED_EVERY == 0
        loss, parts = losses_of(self.model, self.reader, batch, rng, learns, penalised)
        loss.backward()
        average_gradients(self.parameters, options.processes)
        share = share_of_rate(self.step, options)
        due = [(self.spelling, READER_RATE if rests else RATE * share)]
        for now, of_rate, (matrices, others) in ((learns, share * (VISION_SHARE if speaks else 1.0), self.eyes),
                                                 (batch.asked is not None, share, self.voice)):
            if now:
                due += [(matrices, MATRIX_RATE * of_rate), (others, RATE * of_rate)]
        for optimizer, rate in due:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        for parameter in self.parameters:
            parameter.grad = None
        self.step += 1
        if self.step > options.first and descent(self.step, options)[0] == 0:
            self.mean.update_parameters(self.model)
        return parts

    def result(self) -> MedInferTiny:
        """The network to export: the mean, once a cycle of the third stage has ended."""
        return self.mean.module if self.mean.n_averaged else self.model

    def measure(self, stage: str, pages: Pages, model: MedInferTiny, options: argparse.Namespace, losses: list[float]) -> None:
        """Add a row to the log, and print it."""
        measured = validate(model, self.reader, pages, VALIDATION_PAGES, self.step > options.see)
        self.rows.append({"step": self.step, "stage": stage, "seconds": round(self.seconds),
                          "rate": round(share_of_rate(self.step - 1, options), 4),
                          **dict(zip(("answer_loss", "pointing_loss", "character_loss"), losses)), **measured})
        print(self.rows[-1], flush=True)


def train(rank: int, options: argparse.Namespace) -> None:
    """Run or continue the recipe as process `rank`; process 0 validates, saves, and exports at the end."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=options.rendezvous, rank=rank, world_size=options.processes)
    run = Run(options)
    if rank == 0 and run.step:
        print(f"continues from step {run.step}", flush=True)
    torch.distributed.barrier()
    pages = Pages(options.work / "pages", options.counts)
    sums = []
    while run.step < options.steps:
        began = time.monotonic()
        batch = batch_at(run.step, rank, options, pages)
        sums.append(run.advance(batch, random.Random(f"{SEED} {run.step} {rank}"), options))
        run.seconds += time.monotonic() - began
        if rank == 0 and run.step % 25 == 0:
            told = np.array(sums[-25:])
            answers = told[told[:, 0] > 0]
            print(f"step {run.step} answer {answers[:, 0].mean() if len(answers) else 0:.4f} pointing "
                  f"{answers[:, 1].mean() if len(answers) else 0:.3f} characters {told[:, 2].mean():.4f} "
                  f"{run.seconds:.0f} s", flush=True)
        if rank == 0 and (run.step % VALIDATE_EVERY == 0 or descent(run.step - 1, options)[1] == 1):
            run.measure(stage_at(run.step - 1, options), pages, run.model, options, np.mean(sums, 0).round(4).tolist())
            sums = []
            run.save()
    if rank == 0:
        if run.mean.n_averaged > 1:
            run.measure("mean", pages, run.result(), options, [])
            run.log()
        for folder, quantised in ((options.out, True), (options.work / "f16", False)):
            for path in export(run.result(), folder, quantised):
                print(path, f"{path.stat().st_size / 1e6:.2f} MB")
    torch.distributed.destroy_process_group()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=HERE / "checkpoints", help="checkpoint and drawn pages (about 20 GB)")
    parser.add_argument("--out", type=Path, default=HERE, help="where the two GGUF files go, in Q8_0; in F16 they go to --work/f16")
    parser.add_argument("--see", type=int, default=1250, help="steps of the first stage")
    parser.add_argument("--speak", type=int, default=4550, help="steps of the second stage")
    parser.add_argument("--polish", type=int, default=3600, help="steps of a cycle of the third stage")
    parser.add_argument("--cycles", type=int, default=2, help="cycles of the third stage")
    parser.add_argument("--start", type=Path, help="a folder with the two GGUF files: do the third stage alone, from them")
    parser.add_argument("--pages", type=int, default=40, help="shards of 512 training pages")
    parser.add_argument("--sheets", type=int, default=24, help="shards of 512 dense sheets of text")
    parser.add_argument("--processes", type=int, default=2, help="part of the recipe: another number gives other weights")
    options = parser.parse_args()
    options.first = options.see + options.speak
    options.steps = options.first + options.cycles * options.polish
    options.counts = {"page": options.pages, "sheet": options.sheets, "held-out": 1}
    draw_shards(options.work / "pages", options.counts, options.processes)
    rendezvous = options.work / "rendezvous"
    rendezvous.unlink(missing_ok=True)
    options.rendezvous = rendezvous.resolve().as_uri()
    torch.multiprocessing.spawn(train, (options,), nprocs=options.processes)


if __name__ == "__main__":
    main()
