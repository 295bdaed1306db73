from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torchvision.transforms.v2 import functional as pictures

from .. import standin
from ..family import VisionFamily
from ..gguf_file import write_projector

_WIDTH, _HEADS, _INNER, _OUT, _PATCH, _WINDOW = 32, 2, 64, 64, 16, 128
_DEPTH, _FULL = 4, [1, 3]


def _turn(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat([-second, first], dim=-1) * angles.sin()


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(_WIDTH, eps=1e-6), nn.LayerNorm(_WIDTH, eps=1e-6)
        self.attn_q, self.attn_k, self.attn_v = (nn.Linear(_WIDTH, _WIDTH) for _ in range(3))
        self.attn_out = nn.Linear(_WIDTH, _WIDTH)
        self.ffn_up, self.ffn_down = nn.Linear(_WIDTH, _INNER), nn.Linear(_INNER, _WIDTH)

    def forward(self, x: torch.Tensor, angles: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        y = self.ln1(x)
        q, k, v = (part(y).view(len(x), _HEADS, -1).transpose(0, 1) for part in (self.attn_q, self.attn_k, self.attn_v))
        attended = functional.scaled_dot_product_attention(_turn(q, angles), _turn(k, angles), v, attn_mask=mask)
        x = x + self.attn_out(attended.transpose(0, 1).flatten(1))
        return x + self.ffn_down(functional.gelu(self.ffn_up(self.ln2(x)), approximate="tanh"))


class _Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_embd = nn.Linear(3 * _PATCH**2, _WIDTH)
        self.blk = nn.ModuleList(_Block() for _ in range(_DEPTH))
        self.post_ln = nn.LayerNorm(_WIDTH, eps=1e-6)
        self.input_norm = nn.RMSNorm(_WIDTH, eps=1e-6)
        self.first, self.second = nn.Linear(4 * _WIDTH, 4 * _WIDTH), nn.Linear(4 * _WIDTH, _OUT)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        _, height, width = image.shape
        rows, columns = height // _PATCH, width // _PATCH
        # Patches in blocks of 2 x 2, and within one a pixel's three colours side by side.
        split = image.view(3, rows // 2, 2, _PATCH, columns // 2, 2, _PATCH)
        x = self.patch_embd(split.permute(1, 4, 2, 5, 3, 6, 0).reshape(rows * columns, -1))
        places = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).view(rows // 2, 2, columns // 2, 2, 2)
        places = places.transpose(1, 2).reshape(-1, 2)
        quarter = _WIDTH // _HEADS // 4
        angles = (places[:, :, None] * 10000.0 ** -(torch.arange(quarter) / quarter)).flatten(1).repeat(1, 2)
        window = places // (_WINDOW // _PATCH)
        mask = (window[:, None] == window).all(dim=-1)
        for i, block in enumerate(self.blk):
            x = block(x, angles, torch.ones_like(mask) if i in _FULL else mask)
        x = self.input_norm(self.post_ln(x)).view(-1, 4 * _WIDTH)
        return self.second(functional.gelu(self.first(x)))


class YoutuVL(VisionFamily):
    """SigLIP 2 without learned positions, windows of 256 pixels (here 128) but for some layers.

    Sizes (each side up to the next multiple of 32) and filter are llama.cpp's, whose authors name the checkpoint's own processor; that one
    was not to be had here, so these are not verified. Without an answer: Youtu's text model is not compared here.
    """

    name = kind = "youtuvl"
    maker = "own reading of mlx-vlm"
    before, after = "<|vision_start|>", "<|vision_end|>"
    native = (256, 192)
    answers = False

    def build(self) -> Any:
        return _Tower()

    def build_processor(self) -> Any:
        return None

    def write(self, out: Path, ftype: str) -> None:
        standin.write(out / "hf", out / "model.gguf", _OUT, ftype)
        names = {"input_norm": "mm.input_norm", "first": "mm.0", "second": "mm.2"}
        tensors = {}
        for name, tensor in self.model.state_dict().items():
            stem, _, rest = name.partition(".")
            tensors[f"{names.get(stem, 'v.' + stem)}.{rest}"] = tensor
        vision = {
            "projection_dim": _OUT, "image_size": 560, "patch_size": _PATCH, "embedding_length": _WIDTH,
            "feed_forward_length": _INNER, "block_count": _DEPTH, "attention.head_count": _HEADS,
            "attention.layer_norm_epsilon": 1e-6, "spatial_merge_size": 2, "window_size": _WINDOW, "wa_layer_indexes": _FULL,
            "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        }  # fmt: skip
        general = {"clip.use_gelu": True}
        write_projector(out / "mmproj.gguf", self.kind, vision=vision, tensors=tensors, ftype=ftype, general=general)

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        width, height = (math.ceil(side / 32) * 32 for side in image.size)
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        return self.model(pictures.pil_to_tensor(resized).float() / 127.5 - 1)
