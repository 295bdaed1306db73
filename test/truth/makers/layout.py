"""Brings what transformers saves today to the layout of the published checkpoints, which the converter reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file


def rename_tensors(folder: Path, *rules: tuple[str, str]) -> None:
    """Renames the tensors by regular expressions, of which each is tried in its turn."""
    for file in folder.glob("*.safetensors"):
        renamed = {}
        for name, tensor in load_file(file).items():
            for pattern, by in rules:
                name = re.sub(pattern, by, name)
            renamed[name] = tensor
        save_file(renamed, file, metadata={"format": "pt"})


def edit_json(file: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Lets `edit` change the file's content in its place."""
    content = json.loads(file.read_text()) if file.exists() else {}
    edit(content)
    file.write_text(json.dumps(content, indent=1) + "\n")


def drop_tensors(folder: Path, pattern: str) -> None:
    """Leaves out the tensors whose names the regular expression finds."""
    for file in folder.glob("*.safetensors"):
        kept = {name: tensor for name, tensor in load_file(file).items() if not re.search(pattern, name)}
        save_file(kept, file, metadata={"format": "pt"})
