from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ..gguf_file import write_projector
from .beside_llama import WIDTH
from .mlp import tower_keys, tower_tensors
from .mobilevlm import TOWER, MobileVLM


class Normed(nn.Sequential):
    """Yi-VL's: a norm behind each of two layers."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(TOWER, WIDTH), nn.LayerNorm(WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH))

    def tensors(self) -> dict[str, torch.Tensor]:
        return {f"mm.{name}": value for name, value in self.state_dict().items()}


class YiVL(MobileVLM):
    """Yi-VL: LLaVA 1.5 with norms in the projector. Its file says "mlp" and is known by its tensors; 448 pixels and 32 layers in truth."""

    name = kind = "mlp_norm"
    maker = "own reading of 01-ai/Yi (VL/llava/model/multimodal_projector)"
    projector = Normed  # type: ignore[assignment]

    def write_projector(self, out: Path, ftype: str) -> None:
        vision, layers = self.model.vision, self.layers - 1
        write_projector(
            out,
            "mlp",
            vision=tower_keys(vision.tower.config, self.processor, layers),
            tensors=tower_tensors(vision.tower, layers) | vision.projector.tensors(),
            ftype=ftype,
            general={"clip.has_llava_projector": True, "clip.use_gelu": False, "general.description": "image encoder for LLaVA"},
        )
