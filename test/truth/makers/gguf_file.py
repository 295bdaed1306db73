"""A projector's file, written by hand where llama.cpp's converter asks for more than the tower."""

from __future__ import annotations

from pathlib import Path

import torch

from .converter import gguf


def projector(out: Path, kind: str, tensors: dict[str, torch.Tensor], ftype: str, activation: str, **keys: object) -> None:
    """Writes `tensors` by their names in GGUF; `keys` are those below "clip.vision.", with "__" for dots; `activation` is gelu or silu."""
    writer = gguf.GGUFWriter(out, "clip")
    writer.add_type("mmproj")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if ftype == "f16" else gguf.LlamaFileType.ALL_F32)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", kind)
    writer.add_bool(f"clip.use_{activation}", True)
    for name, value in keys.items():
        key = f"clip.vision.{name.replace('__', '.')}"
        if isinstance(value, float):
            writer.add_float32(key, value)
        elif isinstance(value, list):
            writer.add_array(key, value)
        else:
            writer.add_uint32(key, value)
    for name, tensor in tensors.items():
        half = ftype == "f16" and tensor.ndim > 1
        writer.add_tensor(name, (tensor.half() if half else tensor.float()).detach().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
