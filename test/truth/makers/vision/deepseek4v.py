from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from .. import vocabulary
from ..converter import convert
from ..family import VisionFamily

_WIDTH, _HEADS, _INNER, _PATCH, _MERGE, _LAYERS = 32, 2, 48, 14, 3, 3
_TOKENS, _RATIO, _PIXELS = 384, 8, 384 * 384
_THETA = 10000.0


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(_WIDTH, eps=1e-6), nn.RMSNorm(_WIDTH, eps=1e-6)
        self.attn = nn.ModuleDict({"wqkv": nn.Linear(_WIDTH, 3 * _WIDTH), "wo": nn.Linear(_WIDTH, _WIDTH)})
        self.mlp = nn.ModuleDict({"w1": nn.Linear(_WIDTH, 2 * _INNER, bias=False), "w2": nn.Linear(_INNER, _WIDTH, bias=False)})

    def forward(self, x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        def turn(each: torch.Tensor) -> torch.Tensor:  # each: [heads, patches, size]; angles: [patches, size / 2]
            one, two = each.chunk(2, dim=-1)
            return torch.cat([one * angles.cos() - two * angles.sin(), two * angles.cos() + one * angles.sin()], dim=-1)

        query, key, value = (each.unflatten(-1, (_HEADS, -1)).transpose(0, 1) for each in self.attn["wqkv"](self.norm1(x)).chunk(3, dim=-1))
        seen = F.scaled_dot_product_attention(turn(query), turn(key), value)
        x = x + self.attn["wo"](seen.transpose(0, 1).flatten(1))
        gate, up = self.mlp["w1"](self.norm2(x)).chunk(2, dim=-1)
        return x + self.mlp["w2"](F.silu(gate) * up)


class _Tower(nn.Module):
    """Named as the published tensors are: vision.*, aligner.*, image_*."""

    def __init__(self, out: int) -> None:
        super().__init__()
        self.vision = nn.ModuleDict({
            "patch_embed": nn.ModuleDict({"proj": nn.Linear(3 * _PATCH**2, _WIDTH)}),
            "blocks": nn.ModuleList([_Block() for _ in range(_LAYERS)]),
            "norm": nn.RMSNorm(_WIDTH, eps=1e-6),
        })  # fmt: skip
        self.aligner = nn.ModuleDict({"w1": nn.Linear(_WIDTH * _MERGE**2, out), "w2": nn.Linear(out, out)})
        for name in ("start", "end", "newline", "pad"):
            self.register_parameter(f"image_{name}", nn.Parameter(torch.empty(out)))

    def forward(self, patches: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
        size = _WIDTH // _HEADS // 2
        frequencies = 1.0 / _THETA ** (torch.arange(0, size, 2).float() / size)
        down, across = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        angles = torch.cat([down.reshape(-1, 1) * frequencies, across.reshape(-1, 1) * frequencies], dim=-1)
        x = self.vision["patch_embed"]["proj"](patches.flatten(1))
        for block in self.vision["blocks"]:
            x = block(x, angles)
        x = self.vision["norm"](x).T.unflatten(1, (rows, columns))
        x = F.unfold(F.pad(x, (0, -columns % _MERGE, 0, -rows % _MERGE))[None], _MERGE, stride=_MERGE)[0].T
        return self.aligner["w2"](F.gelu(self.aligner["w1"](x)))

    def block(self, patches: torch.Tensor, rows: int, columns: int, position: int) -> torch.Tensor:
        """What stands for a picture from `position` on: pads up to the last place of four, start, two rows at a time by columns, end."""
        high, wide = math.ceil(rows / _MERGE), math.ceil(columns / _MERGE)
        grid = self(patches, rows, columns).unflatten(0, (high, wide))
        grid = torch.cat([grid, self.image_newline.expand(high, 1, -1)], dim=1)
        if high % 2:
            grid = torch.cat([grid, self.image_pad.expand(1, wide + 1, -1)])
        pairs = grid.unflatten(0, (-1, 2)).transpose(1, 2).flatten(0, 2)
        pads = [self.image_pad.expand(n, -1) for n in (3 - position % 4, 2 * (len(grid) // 2 * (wide + 1) % 2))]
        return torch.cat([pads[0], self.image_start[None], pairs, pads[1], self.image_end[None]])


def _grid(height: int, width: int) -> int:
    """How many tokens a picture of that size takes, but for the pads before it."""
    high, wide = math.ceil(height // _PATCH / _MERGE), math.ceil(width // _PATCH / _MERGE)
    rows = high + high % 2
    return rows * (wide + 1) + 2 + rows // 2 * (wide + 1) % 2 * 2


def _fit(height: int, width: int, tokens: int) -> tuple[int, int]:
    """The largest size of the same proportion whose grid has at most so many tokens."""
    side, ratio = _PATCH * _MERGE, height / width
    wide = math.sqrt((tokens - 2) / ratio + 0.25) - 0.5
    if wide < 1:
        return (tokens - 2) // 2 // 2 * 2 * side, side
    if wide * ratio < 2:
        return 2 * side, ((tokens - 2) // 2 - 1) * side
    scale = min(math.floor(wide) * side / width, math.floor(wide * ratio) // 2 * 2 * side / height)
    return math.floor(height * scale / _PATCH) * _PATCH, math.floor(width * scale / _PATCH) * _PATCH


class DeepSeek4V(VisionFamily):
    """A picture is pads, start, rows two by two, end, as the tower's own embeddings; it is seen both ways from its start to its end.

    The makers' code is neither in transformers nor on PyPI. The text model is a Llama in the place of DeepSeek-V4's, with the makers' mask:
    what stands before, between and behind the pictures' tokens does not depend on it. Limits (384 tokens, 384 x 384 pixels at least,
    a picture at most 8 times as wide as high) are the published ones, which libmtmd has fixed but for the pixels.
    """

    name = kind = "deepseek4v"
    maker = "own reading of deepseek-ai/DeepSeek-V4-Flash-Vision-Exp by way of SGLang (processors/deepseek_v4_vl.py) and NeMo Automodel"
    native, opening = (448, 448), "Look a: "  # so that there are pads

    def build(self) -> nn.Module:
        config = LlamaConfig(
            vocab_size=vocabulary.SIZE, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=8192, bos_token_id=vocabulary.BOS, eos_token_id=vocabulary.EOS,
        )  # fmt: skip
        return nn.ModuleDict({"text": LlamaForCausalLM(config), "tower": _Tower(64)})

    def build_processor(self) -> None:
        return None

    def write(self, out: Path, ftype: str) -> None:
        text, tower = out / "hf" / "text", out / "hf" / "tower"
        self.model["text"].save_pretrained(text)
        convert(text, out / "model.gguf", mmproj=False, ftype=ftype, special=self.special)
        tower.mkdir()
        config = {
            "architectures": ["DeepseekV4ForCausalLM"], "model_type": "published", "hidden_size": 64, "vision_n_layers": _LAYERS,
            "vision_dim": _WIDTH, "vision_n_heads": _HEADS, "vision_inter_dim": _INNER, "vision_patch_size": _PATCH,
            "vision_downsample_ratio": _MERGE, "vision_min_pixels": _PIXELS, "vision_rope_theta": _THETA,
            "vision_max_n_token": _TOKENS, "vision_max_wh_ratio": _RATIO,
        }  # fmt: skip
        (tower / "config.json").write_text(json.dumps(config))
        save_file(self.model["tower"].state_dict(), tower / "model.safetensors")
        convert(tower, out / "mmproj.gguf", mmproj=True, ftype=ftype)

    def pixels(self, image: Image.Image) -> dict[str, Any]:
        width, height = image.size
        width = min(width, _RATIO * height)
        if width * height < _PIXELS:
            scale = (_PIXELS / (width * height)) ** 0.5
            width, height = int(width * scale), int(height * scale)
        high, wide = math.ceil(height / _PATCH) * _PATCH, math.ceil(width / _PATCH) * _PATCH
        budget = _TOKENS - 3  # the most pads that may stand before it
        while _grid(high, wide) > _TOKENS - 3:
            high, wide = _fit(height, width, budget)
            budget -= 1
        if image.width >= _RATIO * image.height:
            image = image.resize((wide, high))
        else:
            image = ImageOps.pad(image, (wide, high), color=(127, 127, 127))
        values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(high, wide, 3).permute(2, 0, 1).float() / 127.5 - 1
        patches = values.unfold(1, _PATCH, _PATCH).unfold(2, _PATCH, _PATCH).permute(1, 2, 0, 3, 4).flatten(0, 1)
        return {"patches": patches, "rows": high // _PATCH, "columns": wide // _PATCH}

    @torch.inference_mode()
    def features(self, image: Image.Image, position: int = 1) -> torch.Tensor:  # 1: right behind BOS
        return self.model["tower"].block(**self.pixels(image), position=position)

    def image_tokens(self, image: Image.Image) -> list[int]:
        position = 1 + len(self.opening)
        return [vocabulary.IMAGE] * len(self.features(image, position))

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        ids = torch.tensor(tokens)
        places = (ids == vocabulary.IMAGE).nonzero().flatten()
        first = int(places[0])
        text = self.model["text"]
        inputs = text.get_input_embeddings()(ids)
        inputs[places] = self.features(image, first)
        seen = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
        start, end = first + 3 - first % 4, int(places[-1]) + 1
        seen[start:end, start:end] = True
        mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)[None, None]
        return text(inputs_embeds=inputs[None], attention_mask=mask).logits[0].float()
