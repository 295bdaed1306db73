"""Projector files that llama.cpp's converter does not write, in the layout in which such files are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from . import converter

gguf = converter.gguf


def _tensor(name: str, data: torch.Tensor, ftype: str) -> Any:
    # What is added to activations, and not multiplied by them, stays in F32, as llama.cpp's converter has it.
    half = data.dtype == torch.float16 or (ftype == "f16" and data.ndim > 1 and "position_embd" not in name)
    return data.detach().float().contiguous().numpy().astype("float16" if half else "float32")


def write_projector(
    out: Path,
    projector: str,
    *,
    vision: dict[str, Any],
    tensors: dict[str, torch.Tensor],
    ftype: str,
    general: dict[str, Any] | None = None,
) -> None:
    """Writes a file of the architecture "clip": `vision` are keys below "clip.vision.", `general` whole keys. Tensors in half
    precision stay so.
    """
    writer = gguf.GGUFWriter(out, "clip")
    keys: dict[str, Any] = {"clip.has_vision_encoder": True, "clip.projector_type": projector}
    keys |= {f"clip.vision.{key}": value for key, value in vision.items()} | (general or {})
    for key, value in keys.items():
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
        else:
            writer.add_array(key, list(value))
    for name, data in tensors.items():
        writer.add_tensor(name, _tensor(name, data, ftype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
