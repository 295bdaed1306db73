"""All families, found by their files."""

from __future__ import annotations

import importlib
import pkgutil

from . import text, vision
from .family import Family, VisionFamily


def _leaves(base: type[Family]) -> list[type[Family]]:
    below = [leaf for each in base.__subclasses__() for leaf in _leaves(each)]
    return below if "name" not in vars(base) else [base, *below]


def find() -> dict[str, type[Family]]:
    """By folder: "text/llama", "vision/qwen2vl_merger"."""
    for package in (text, vision):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
    families = {("vision/" if issubclass(each, VisionFamily) else "text/") + each.name: each for each in _leaves(Family)}  # type: ignore[type-abstract]
    return dict(sorted(families.items()))
