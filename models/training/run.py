"""A training run: the network, its optimizers, and how far it has come."""
from __future__ import annotations

import csv
import os
from pathlib import Path

import torch
import torch.distributed
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from language import tokenizer
from network.load_gguf import load_model
from network.model import MedInferTiny, Shape
from training.captured import Captured, forget_gradients
from training.losses import Reader, losses_of
from training.muon import adamw, optimizers
from training.recipe import WARM_UP, Recipe
from training.steps import Batch
from training.validate import HeldOut, validate

RATE, MATRIX_RATE = 2e-3, 0.012
"""Peak learning rates of AdamW and of Muon."""
READER_RATE = 0.01
"""Of the auxiliary head while all that it has to do is to catch up with the tower."""
VISION_SHARE = 0.5
"""Of the learning rate, for the vision tower after the first stage: with all of it, it forgets how to read."""
EYES_EVERY = 2
"""After the first stage the tower learns in each such step, windows among them, and only looks in the others."""
WEIGHT_DECAY = 0.02
PENALISED_EVERY = 3
"""After the first stage each such step learns its answers under a repeat penalty."""
COLUMNS = ("step", "stage", "seconds", "rate", "answer_loss", "pointing_loss", "character_loss", "characters", "tokens",
           "values", "unseen")


def average_gradients(parameters: list[nn.Parameter], processes: int) -> None:
    """Replace every gradient by its mean over the processes, and clip them."""
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    if processes > 1:
        flat = torch.cat([parameter.grad.flatten() for parameter in parameters])
        torch.distributed.all_reduce(flat)
        flat /= processes
        for parameter, mean in zip(parameters, flat.split([p.numel() for p in parameters])):
            parameter.grad = mean.view_as(parameter)
    nn.utils.clip_grad_norm_(parameters, 1.0)


class Run:
    """The state of a training run, as it lies in its checkpoint."""

    def __init__(self, recipe: Recipe, path: Path, start: Path | None) -> None:
        self.recipe, self.path = recipe, path
        torch.manual_seed(recipe.seed)
        shape = Shape(vocab=len(tokenizer.vocabulary()))
        # Made on the CPU, so that a seed begins with the same weights everywhere.
        self.model, self.reader = MedInferTiny(shape).to(recipe.device), Reader(shape).to(recipe.device)
        self.step, self.seconds = 0, 0.0
        if start and not path.exists():
            self.model.load_state_dict(load_model(start).state_dict())
            self.step = recipe.first
        self.mean = AveragedModel(self.model)
        self.eyes = optimizers([self.model.vision], RATE, MATRIX_RATE, WEIGHT_DECAY)
        self.voice = optimizers([self.model.projector, self.model.decoder], RATE, MATRIX_RATE, WEIGHT_DECAY)
        self.spelling = adamw(self.reader.parameters(), RATE)
        self.optimizers = (*self.eyes, *self.voice, self.spelling)
        self.parameters = [*self.model.parameters(), *self.reader.parameters()]
        self.captured = Captured(self.gradients, self.parameters) if recipe.device == "cuda" else None
        self.rows: list[dict[str, object]] = []
        if path.exists():
            state = torch.load(path, weights_only=True, map_location=recipe.device)
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
                    "step": self.step, "seconds": self.seconds, "rows": self.rows,
                    "recipe": self.recipe.stored()}, partial)
        os.replace(partial, self.path)
        self.log()

    def log(self) -> None:
        """Write training-log.csv."""
        with open(self.path.with_name("training-log.csv"), "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)

    def gradients(self, batch: Batch, learns: bool, penalised: bool) -> Tensor:
        """Give every parameter that learns its gradient; returns the parts of the loss."""
        loss, parts = losses_of(self.model, self.reader, batch, learns, penalised)
        loss.backward()
        return parts

    def advance(self, batch: Batch) -> Tensor:
        """One step; returns the parts of its loss."""
        recipe = self.recipe
        speaks = self.step >= recipe.see
        # Where the third stage begins from files, the auxiliary head is new: it learns first, and teaches after that.
        rests = 0 <= self.step - recipe.first < WARM_UP
        learns = not rests and (not speaks or batch.asked is None or self.step % EYES_EVERY == EYES_EVERY - 1)
        penalised = speaks and self.step % PENALISED_EVERY == 0
        parts = (self.captured or self.gradients)(batch, learns, penalised)
        average_gradients(self.parameters, recipe.processes)
        share = recipe.share_of_rate(self.step)
        due = [(self.spelling, READER_RATE if rests else RATE * share)]
        for now, of_rate, (matrices, others) in ((learns, share * (VISION_SHARE if speaks else 1.0), self.eyes),
                                                 (batch.asked is not None, share, self.voice)):
            if now:
                due += [(matrices, MATRIX_RATE * of_rate), (others, RATE * of_rate)]
        for optimizer, rate in due:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        forget_gradients(self.parameters)
        self.step += 1
        if self.step > recipe.first and recipe.descent(self.step)[0] == 0:
            self.mean.update_parameters(self.model)
        return parts

    def result(self) -> MedInferTiny:
        """The network to export: the mean, once a cycle of the third stage has ended."""
        return self.mean.module if self.mean.n_averaged else self.model

    def measure(self, stage: str, groups: list[HeldOut], model: MedInferTiny, losses: list[float]) -> None:
        """Add a row to the log, and print it."""
        measured = validate(model, self.reader, groups, self.step > self.recipe.see)
        self.rows.append({"step": self.step, "stage": stage, "seconds": round(self.seconds),
                          "rate": round(self.recipe.share_of_rate(self.step - 1), 4),
                          **dict(zip(("answer_loss", "pointing_loss", "character_loss"), losses)), **measured})
        print(self.rows[-1], flush=True)
