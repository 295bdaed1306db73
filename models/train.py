"""Train the default model: one command from nothing to the two GGUF files.

    python train.py                                    # everything, on the CPU
    python train.py --device cuda                      # everything, on a GPU: more pages, more of them a step
    python train.py --start FOLDER                     # the last stage alone, from the two files that lie there
    python train.py --see 20 --speak 20 --polish 20    # a smoke run

Three stages. "See": the vision tower learns to name the characters in each patch, from dense windows; near the end the
decoder joins and writes the windows' text down. "Speak": whole pages, questions and answers, with rates that fall to
zero. "Polish": the same again in cycles, each from a quarter of the rates and falling all the way; the mean of the weights
at the ends of the cycles is exported, without the auxiliary head (stochastic weight averaging, Izmailov et al. 2018,
arXiv:1803.05407). A run continues from the last checkpoint in --work; everything random in a step follows from (seed,
step, process), so an interrupted run ends like an uninterrupted one on the same kind of machine.

Data parallel on a CPU: each process computes its share of a batch on one thread, and gradients are averaged once a step.
On a busy host that loses far less than threads that wait for each other at every operation. A GPU is used by one process;
the cores that the processes leave draw up the batches of the next steps.
"""
from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed
import torch.multiprocessing
from torch import Tensor
from torch.utils.data import DataLoader

from network.export_gguf import export
from training.recipe import CHANGEABLE, RECIPES, Recipe
from training.run import Run
from training.shards import draw_shards
from training.steps import Batches, Pages
from training.validate import held_out

HERE = Path(__file__).resolve().parent
VALIDATE_EVERY = 250
VALIDATION_PAGES = 64
CORES = len(os.sched_getaffinity(0))


def train(rank: int, recipe: Recipe, options: argparse.Namespace) -> None:
    """Run or continue the recipe as process `rank`; process 0 validates, saves, and exports at the end."""
    torch.set_num_threads(1)
    if recipe.device == "cuda":
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False
    rendezvous = rendezvous_of(options.work).resolve().as_uri()
    torch.distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=recipe.processes)
    run = Run(recipe, checkpoint_of(options.work), options.start)
    if rank == 0 and run.step:
        print(f"continues from step {run.step}", flush=True)
    torch.distributed.barrier()
    pages = Pages(options.work / "pages", recipe.shards)
    groups = held_out(pages, VALIDATION_PAGES, recipe.device) if rank == 0 else []
    batches = DataLoader(Batches(rank, recipe, pages), batch_size=None, sampler=range(run.step, recipe.steps),
                         num_workers=max(0, CORES // recipe.processes - 1))
    losses: list[Tensor] = []
    began = time.monotonic()
    for batch in batches:
        losses.append(run.advance(batch))
        run.seconds += time.monotonic() - began
        if rank == 0 and run.step % 25 == 0:
            told = torch.stack(losses[-25:]).cpu().numpy()
            answers = told[told[:, 0] > 0]
            print(f"step {run.step} answer {answers[:, 0].mean() if len(answers) else 0:.4f} pointing "
                  f"{answers[:, 1].mean() if len(answers) else 0:.3f} characters {told[:, 2].mean():.4f} "
                  f"{run.seconds:.0f} s", flush=True)
        if rank == 0 and (run.step % VALIDATE_EVERY == 0 or recipe.descent(run.step - 1)[1] == 1):
            mean = torch.stack(losses).mean(0).tolist()
            run.measure(recipe.stage(run.step - 1), groups, run.model, [round(loss, 4) for loss in mean])
            losses = []
            run.save()
        began = time.monotonic()
    if rank == 0:
        if run.mean.n_averaged > 1:
            run.measure("mean", groups, run.result(), [])
            run.log()
        for folder, quantised in ((options.out, True), (options.work / "f16", False)):
            for path in export(run.result(), folder, quantised):
                print(path, f"{path.stat().st_size / 1e6:.2f} MB")
    torch.distributed.destroy_process_group()


def checkpoint_of(work: Path) -> Path:
    """The file that a run continues from."""
    return work / "checkpoint.pt"


def rendezvous_of(work: Path) -> Path:
    """The file over which the processes of a run find one another."""
    return work / "rendezvous"


def asked() -> tuple[Recipe, argparse.Namespace]:
    """What the command line asks for: a device's recipe with what is changed of it, and the folders."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=HERE / "checkpoints", help="checkpoint and drawn pages (20 GB, 27 for a GPU)")
    parser.add_argument("--out", type=Path, default=HERE, help="where the two GGUF files go, in Q8_0; in F16 they go to --work/f16")
    parser.add_argument("--device", choices=tuple(RECIPES), default="cpu", help="where to train; each has a recipe of its own")
    parser.add_argument("--start", type=Path, help="a folder with the two GGUF files: do the third stage alone, from them")
    group = parser.add_argument_group("the recipe")
    for name, told in CHANGEABLE.items():
        defaults = ", ".join(f"{getattr(own, name)} on {device}" for device, own in RECIPES.items())
        group.add_argument(f"--{name}", type=int, help=f"{told} ({defaults})")
    options = parser.parse_args()
    changed = {name: value for name, value in vars(options).items() if name in CHANGEABLE and value is not None}
    recipe = replace(RECIPES[options.device], **changed)
    if recipe.device == "cuda" and recipe.processes > 1:
        parser.error("--processes is of the CPU: one process uses the whole GPU")
    if recipe.device == "cuda" and not torch.cuda.is_available():
        parser.error("PyTorch sees no CUDA device here: train with --device cpu, or install its CUDA build and the driver")
    return recipe, options


def main() -> None:
    """Command line."""
    recipe, options = asked()
    checkpoint = checkpoint_of(options.work)
    if checkpoint.exists():
        recipe.continues(torch.load(checkpoint, weights_only=True, mmap=True)["recipe"], checkpoint)
    draw_shards(options.work / "pages", recipe.shards, CORES)
    rendezvous_of(options.work).unlink(missing_ok=True)
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # without it cuBLAS does not repeat itself on a GPU
    torch.multiprocessing.spawn(train, (recipe, options), nprocs=recipe.processes)


if __name__ == "__main__":
    main()
