"""Puts what transformers saved today into the layout of published checkpoints, which the converter reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = folder / "config.json"
    config = json.loads(file.read_text())
    change(config)
    file.write_text(json.dumps(config))


def rename(folder: Path, old: str, new: str) -> None:
    """Tensors whose names begin with `old` begin with `new` then."""
    file = folder / "model.safetensors"
    tensors = load_file(file)
    save_file({new + name.removeprefix(old) if name.startswith(old) else name: tensor for name, tensor in tensors.items()}, file)
