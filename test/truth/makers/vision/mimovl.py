from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from .. import standin
from ..gguf_file import write_projector
from .qwen import QwenVision

_WIDTH, _HEADS, _PAIRS, _HEAD, _INNER, _OUT = 32, 4, 2, 16, 64, 64
_WINDOW = 20  # patches to each side
_FULL, _ROWS, _COLUMNS = -1, 0, 1
_MODES = [_FULL, _ROWS, _COLUMNS, _COLUMNS, _ROWS, _COLUMNS]


def _turn(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat([-second, first], dim=-1) * angles.sin()


class _Block(nn.Module):
    def __init__(self, mode: int) -> None:
        super().__init__()
        self.mode = mode
        self.ln1, self.ln2 = nn.RMSNorm(_WIDTH, eps=1e-6), nn.RMSNorm(_WIDTH, eps=1e-6)
        self.attn_qkv = nn.Linear(_WIDTH, (_HEADS + 2 * _PAIRS) * _HEAD)
        self.attn_out = nn.Linear(_HEADS * _HEAD, _WIDTH)
        self.ffn_gate, self.ffn_up = nn.Linear(_WIDTH, _INNER), nn.Linear(_WIDTH, _INNER)
        self.ffn_down = nn.Linear(_INNER, _WIDTH)
        if mode != _FULL:
            self.attn_sinks = nn.Parameter(torch.zeros(_HEADS))

    def attend(self, x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        q, k, v = self.attn_qkv(x).view(len(x), -1, _HEAD).transpose(0, 1).split([_HEADS, _PAIRS, _PAIRS])
        q, k, v = _turn(q, angles), _turn(k, angles).repeat_interleave(2, dim=0), v.repeat_interleave(2, dim=0)
        scores = q @ k.transpose(1, 2) / _HEAD**0.5
        if self.mode == _FULL:
            return scores.softmax(dim=-1) @ v
        place = torch.arange(len(x))
        scores = scores.masked_fill((place[:, None] - place).abs() > _WINDOW, float("-inf"))
        # One more key, of no value, that takes its share.
        sinks = self.attn_sinks[:, None, None].expand(-1, len(x), 1)
        return torch.cat([scores, sinks], dim=-1).softmax(dim=-1)[..., :-1] @ v

    def forward(self, x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        x = x + self.attn_out(self.attend(self.ln1(x), angles).transpose(0, 1).flatten(1))
        y = self.ln2(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(y)) * self.ffn_up(y))


class _Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_embd = nn.Linear(3 * 2 * 16 * 16, _WIDTH, bias=False)
        self.blk = nn.ModuleList(_Block(mode) for mode in _MODES)
        self.post_ln = nn.LayerNorm(_WIDTH, eps=1e-6, bias=False)
        self.first, self.second = nn.Linear(4 * _WIDTH, 4 * _WIDTH, bias=False), nn.Linear(4 * _WIDTH, _OUT, bias=False)

    def forward(self, patches: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
        """Patches come in blocks of 2 x 2, these in rows."""
        places = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).view(rows // 2, 2, columns // 2, 2, 2)
        places = places.transpose(1, 2).reshape(-1, 2)
        frequencies = 10000.0 ** -(torch.arange(_HEAD // 4) / (_HEAD // 4))
        angles = (places[:, :, None] * frequencies).flatten(1).repeat(1, 2)
        blocks = torch.arange(rows * columns // 4).view(rows // 2, columns // 2)
        by_column = (blocks.T.reshape(-1, 1) * 4 + torch.arange(4)).flatten()
        x = self.patch_embd(patches)
        for block in self.blk:
            if block.mode == _COLUMNS:
                back = by_column.argsort()
                x = block(x[by_column], angles[by_column])[back]
            else:
                x = block(x, angles)
        return self.second(functional.gelu(self.first(self.post_ln(x).view(-1, 4 * _WIDTH))))


class MimoVL(QwenVision):
    """Windows along rows and along columns of 2 x 2 blocks, sinks in these, fewer heads for keys than for queries.

    The sinks are a further key, as in SGLang (whose code for this model the makers wrote) and in llama.cpp; the modelling code beside the
    checkpoint adds them to the first patch's score instead. The limits are in the file. Without an answer: the text model is not here.
    """

    name = kind = "mimovl"
    maker = "own reading of SGLang and vLLM"
    native = (256, 192)
    limits = (16, 500)
    patch_size = 16
    answers = False

    def build(self) -> Any:
        return _Tower()

    def write(self, out: Path, ftype: str) -> None:
        standin.write(out / "hf", out / "model.gguf", _OUT, ftype)
        tensors = {f"v.{name}": tensor for name, tensor in self.model.state_dict().items() if name.startswith(("blk", "post_ln"))}
        tensors["mm.0.weight"], tensors["mm.2.weight"] = self.model.first.weight, self.model.second.weight
        frames = self.model.patch_embd.weight.view(_WIDTH, 3, 2, 16, 16)
        tensors["v.patch_embd.weight"], tensors["v.patch_embd.weight.1"] = frames[:, :, 0], frames[:, :, 1]
        area = (2 * self.patch_size) ** 2
        vision = {
            "projection_dim": _OUT, "image_size": 560, "patch_size": 16, "embedding_length": _WIDTH,
            "feed_forward_length": _INNER, "block_count": len(_MODES), "attention.head_count": _HEADS,
            "attention.head_count_kv": _PAIRS, "attention.layer_norm_epsilon": 1e-6, "spatial_merge_size": 2,
            "window_size": _WINDOW, "wa_pattern_mode": _MODES, "image_min_pixels": self.limits[0] * area,
            "image_max_pixels": self.limits[1] * area, "image_mean": list(self.processor.image_mean),
            "image_std": list(self.processor.image_std),
        }  # fmt: skip
        general = {"clip.use_silu": True}
        write_projector(out / "mmproj.gguf", self.kind, vision=vision, tensors=tensors, ftype=ftype, general=general)

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        pixels = self.pixels(image)
        _, rows, columns = pixels["image_grid_thw"][0].tolist()
        return self.model(pixels["pixel_values"], rows, columns)
