"""What a training does in which step: its stages, their lengths, and the course of the learning rates."""
from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

WARM_UP = 100
DESCENT_SHARE = 0.5
"""Share of the first two stages' steps, at their end, over which the learning rates fall to zero."""
POLISH_SHARE = 0.25
"""Of the peak learning rates, where a cycle of the third stage begins."""


def told(what: str) -> Any:
    """A number of a recipe that the command line can change, and what it says of it."""
    return field(metadata={"told": what})


@dataclass(frozen=True)
class Recipe:
    """All that makes a difference to the weights beside the scripts themselves."""

    device: str
    seed: int = told("of the first weights and of the order of everything")
    processes: int = told("that share a step, of the CPU alone")
    batch: int = told("times as many pages a step as training/steps.py names")
    see: int = told("steps of the first stage")
    speak: int = told("steps of the second stage")
    polish: int = told("steps of a cycle of the third stage")
    cycles: int = told("cycles of the third stage")
    pages: int = told("shards of 512 training pages")
    sheets: int = told("shards of 512 dense sheets of text")

    @property
    def first(self) -> int:
        """Steps of the first two stages."""
        return self.see + self.speak

    @property
    def steps(self) -> int:
        """Of all stages."""
        return self.first + self.cycles * self.polish

    @property
    def share(self) -> Fraction:
        """Of the pages that training/steps.py names, what one process looks at in a step."""
        return Fraction(self.batch, self.processes)

    @property
    def multiple(self) -> int:
        """To a multiple of this the length of what is asked is padded: on a GPU a step of a new length costs a capture."""
        return 128 if self.device == "cuda" else 1

    @property
    def shards(self) -> dict[str, int]:
        """By kind, those that training and its validation need."""
        return {"page": self.pages, "sheet": self.sheets, "held-out": 1}

    def stage(self, step: int) -> str:
        """The name of the stage that a step belongs to."""
        return "see" if step < self.see else "speak" if step < self.first else "polish"

    def descent(self, step: int) -> tuple[int, int]:
        """Steps since the rates were last zero, and steps until they are: of the first two stages, or of a cycle of the
        third."""
        if step < self.first:
            return step, self.first - step
        done = (step - self.first) % self.polish
        return done, self.polish - done

    def share_of_rate(self, step: int) -> float:
        """Of the peak rates: a warm-up, a plateau and a straight way down; then cycles from POLISH_SHARE, without plateau."""
        done, left = self.descent(step)
        if step < self.first:
            return min(1.0, (done + 1) / WARM_UP, left / ((done + left) * DESCENT_SHARE))
        return POLISH_SHARE * min((done + 1) / WARM_UP, left / (done + left))

    def stored(self) -> dict[str, Any]:
        """What a checkpoint must agree on. The number of cycles may be another: whoever wants one more goes on."""
        return {name: value for name, value in asdict(self).items() if name != "cycles"}

    def continues(self, stored: dict[str, Any], path: Path) -> None:
        """Refuse a checkpoint at `path` of another recipe: going on would give what neither of them gives."""
        other = " ".join(f"--{name} {value}" for name, value in stored.items() if self.stored()[name] != value)
        if other:
            raise SystemExit(f"{path} was made with {other}: continue it with that, or name another folder with --work")


CHANGEABLE: dict[str, str] = {each.name: each.metadata["told"] for each in fields(Recipe) if each.metadata}
"""What the command line can change of a recipe, and what it says of it."""
SEED = 20261125
RECIPES = {
    "cpu": Recipe("cpu", SEED, processes=2, batch=1, see=1250, speak=4550, polish=3600, cycles=2, pages=40, sheets=24),
    "cuda": Recipe("cuda", SEED, processes=1, batch=4, see=1200, speak=3000, polish=1150, cycles=2, pages=64, sheets=24),
}
"""By device. A GPU takes larger steps in less time, so it sees more pages and each of them more often."""
