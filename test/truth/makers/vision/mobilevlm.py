from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from timm.layers import LayerNormAct2d
from torch import nn
from torchvision.models.mobilenetv3 import InvertedResidual, InvertedResidualConfig
from torchvision.ops.misc import SqueezeExcitation
from transformers import CLIPVisionConfig, CLIPVisionModel
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from ..gguf_file import write_projector
from .beside_llama import WIDTH, BesideLlama, WithLlama
from .mlp import tower_keys, tower_tensors

PATCH, PATCHES = 14, 24  # 24 x 24 is what libmtmd takes for granted
SIDE, TOWER = PATCH * PATCHES, 32


def as_picture(tokens: torch.Tensor) -> torch.Tensor:
    return tokens.transpose(1, 2).unflatten(2, (PATCHES, -1))


def as_tokens(picture: torch.Tensor) -> torch.Tensor:
    return picture.flatten(2).transpose(1, 2)


def stored(projector: nn.Module) -> dict[str, torch.Tensor]:
    """As the LLaVA script stores them: convolutions in half precision always, which our weights lose nothing by."""
    weights = projector.state_dict().items()
    return {f"mm.model.{name}": (value.half() if value.ndim == 4 else value).squeeze() for name, value in weights}


class Downsample(nn.Module):
    """MobileVLM's LDP: two layers, then two blocks of MobileNetV3, the second of which halves the sides."""

    def __init__(self) -> None:
        super().__init__()
        norm = partial(LayerNormAct2d, act_layer=None)
        squeeze = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)
        blocks = [InvertedResidual(InvertedResidualConfig(WIDTH, 3, WIDTH, WIDTH, True, "HS", s, 1, 1), norm, squeeze) for s in (1, 2)]
        self.mlp = nn.Sequential(nn.Identity(), nn.Linear(TOWER, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        self.mb_block = nn.Sequential(nn.Identity(), *blocks)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return as_tokens(self.mb_block(as_picture(self.mlp(tokens))))

    def tensors(self) -> dict[str, torch.Tensor]:
        return stored(self)


class DownsampleV2(nn.Module):
    """MobileVLM V2's LDP: two layers, the mean of 2 x 2, and a convolution that tells positions."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(TOWER, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        self.pool = nn.AdaptiveAvgPool2d((PATCHES // 2, PATCHES // 2))
        self.peg = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, 1, 1, groups=WIDTH))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        picture = self.pool(as_picture(self.mlp(tokens)))
        return as_tokens(self.peg(picture) + picture)

    def tensors(self) -> dict[str, torch.Tensor]:
        return stored(self)


class Tower(nn.Module):
    def __init__(self, layers: int, projector: Downsample | DownsampleV2) -> None:
        super().__init__()
        config = CLIPVisionConfig(
            hidden_size=TOWER, intermediate_size=48, num_hidden_layers=layers, num_attention_heads=2, image_size=SIDE, patch_size=PATCH,
            projection_dim=64,
        )  # fmt: skip
        self.tower = CLIPVisionModel(config)
        self.projector = projector

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.projector(self.tower(pixels, output_hidden_states=True).hidden_states[-2][:, 1:])


class MobileVLM(BesideLlama):
    """MobileVLM: LLaVA 1.5 with a projector of convolutions that leaves a quarter of the tokens.

    Its own repository's code is short and rests on timm and torchvision, which are used here. The file is as the LLaVA script writes it,
    without the tower's last layer.
    """

    name: ClassVar[str] = "ldp"
    kind: ClassVar[str] = "ldp"
    maker = "own reading of Meituan-AutoML/MobileVLM"
    native = (SIDE, SIDE)
    layers = 12
    projector: ClassVar[type[Downsample] | type[DownsampleV2]] = Downsample

    def build(self) -> nn.Module:
        return WithLlama(Tower(self.layers, self.projector()))

    def build_processor(self) -> Any:
        return LlavaImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, do_pad=True)

    def write_projector(self, out: Path, ftype: str) -> None:
        vision, layers = self.model.vision, self.layers - 1
        write_projector(
            out,
            self.kind,
            vision=tower_keys(vision.tower.config, self.processor, layers),
            tensors=tower_tensors(vision.tower, layers) | vision.projector.tensors(),
            ftype=ftype,
            general={"clip.has_llava_projector": True, "clip.use_gelu": False, "general.description": "image encoder for LLaVA"},
        )


class MobileVLMV2(MobileVLM):
    """MobileVLM V2: as MobileVLM, with a mean and one convolution."""

    name = kind = "ldpv2"
    projector = DownsampleV2
