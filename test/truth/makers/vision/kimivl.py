from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM

from .. import vocabulary
from ..family import VisionFamily
from .kimik25 import TEXT

WIDTH, HEADS, PATCH, SIDE, MERGE = 64, 2, 14, 64, 2


def _turn(states: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Turns each pair of neighbouring numbers by its angle."""
    pairs = torch.view_as_complex(states.reshape(*states.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm0, self.norm1 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.wqkv, self.wo = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.ModuleDict({"fc0": nn.Linear(WIDTH, 96), "fc1": nn.Linear(96, WIDTH)})

    def forward(self, states: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        query, key, value = self.wqkv(self.norm0(states)).view(-1, 3, HEADS, WIDTH // HEADS).permute(1, 2, 0, 3)
        attended = F.scaled_dot_product_attention(_turn(query, angles), _turn(key, angles), value)
        states = states + self.wo(attended.transpose(0, 1).flatten(1))
        return states + self.mlp["fc1"](F.gelu(self.mlp["fc0"](self.norm1(states)), approximate="tanh"))


class Tower(nn.Module):
    """MoonViT, with the names of the published checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed: Any = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.patch_embed.pos_emb = nn.Module()
        self.patch_embed.pos_emb.weight = nn.Parameter(torch.zeros(SIDE, SIDE, WIDTH))
        self.encoder: Any = nn.Module()
        self.encoder.blocks = nn.ModuleList(Block() for _ in range(3))
        self.encoder.final_layernorm = nn.LayerNorm(WIDTH)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """[tokens, MERGE * MERGE, WIDTH]"""
        states = self.patch_embed.proj(pixels)
        height, width = states.shape[2:]
        states = states + F.interpolate(self.patch_embed.pos_emb.weight.permute(2, 0, 1)[None], size=(height, width), mode="bicubic")
        states = states[0].flatten(1).T
        steps = 10000.0 ** -(torch.arange(0, WIDTH // HEADS, 4) / (WIDTH // HEADS))
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        # The pairs turn by x and by y in turns.
        angles = torch.stack([x.flatten()[:, None] * steps, y.flatten()[:, None] * steps], dim=-1).flatten(1)
        for block in self.encoder.blocks:
            states = block(states, angles)
        states = self.encoder.final_layernorm(states)
        blocks = states.view(height // MERGE, MERGE, width // MERGE, MERGE, WIDTH).transpose(1, 2)
        return blocks.reshape(-1, MERGE * MERGE, WIDTH)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.vision_tower = Tower()
        self.multi_modal_projector = nn.ModuleDict({
            "pre_norm": nn.LayerNorm(WIDTH),
            "linear_1": nn.Linear(MERGE * MERGE * WIDTH, MERGE * MERGE * WIDTH),
            "linear_2": nn.Linear(MERGE * MERGE * WIDTH, TEXT["hidden_size"]),
        })  # fmt: skip
        self.language_model = DeepseekV3ForCausalLM(DeepseekV3Config(**TEXT))

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        states = self.multi_modal_projector["pre_norm"](self.vision_tower(pixels)).flatten(1)
        return self.multi_modal_projector["linear_2"](F.gelu(self.multi_modal_projector["linear_1"](states)))


class Processor:
    """As rescale() of image_processing_kimi_vl.py beside the published checkpoint, with its limit of 4096 patches and with padding."""

    limit = 4096

    def __call__(self, image: Image.Image) -> torch.Tensor:
        width, height = image.size
        patches = (width // PATCH) * (height // PATCH)
        if patches > self.limit:
            scale = math.sqrt(self.limit / patches)
            width, height = int(width * scale), int(height * scale)
            image = image.resize((width, height), Image.Resampling.BICUBIC)
        step = PATCH * MERGE
        image = ImageOps.expand(image, (0, 0, -width % step, -height % step))
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(image.height, image.width, 3)
        return ((pixels.permute(2, 0, 1).float() / 255 - 0.5) / 0.5)[None]

    def save_pretrained(self, folder: Path) -> None:
        (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.5] * 3}))


class KimiVL(VisionFamily):
    """Kimi-VL: MoonViT, whose rotary positions alternate between x and y, before a DeepSeek V3 text model (transformers')."""

    name = kind = "kimivl"
    maker = "own reading of Kimi-VL in vLLM"
    before, after = "<|media_start|>image<|media_content|>", "<|media_end|>"
    native = (168, 140)

    def build(self) -> Any:
        return Model()

    def build_processor(self) -> Any:
        return Processor()

    def save(self, folder: Path) -> None:
        self.model.language_model.save_pretrained(folder / "text")
        tensors = {"language_model." + name: tensor for name, tensor in load_file(folder / "text" / "model.safetensors").items()}
        own = {name: tensor for name, tensor in self.model.state_dict().items() if not name.startswith("language_model.")}
        save_file({**tensors, **own}, folder / "model.safetensors")
        text = json.loads((folder / "text" / "config.json").read_text())
        tower = {
            "hidden_size": WIDTH, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": HEADS, "patch_size": PATCH,
            "init_pos_emb_height": SIDE, "init_pos_emb_width": SIDE, "merge_kernel_size": [MERGE, MERGE],
        }  # fmt: skip
        config = {
            "architectures": ["KimiVLForConditionalGeneration"], "model_type": "kimi_vl", "text_config": text, "vision_config": tower,
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config))
        self.processor.save_pretrained(folder)

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return self.model.features(self.processor(image))

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        ids = torch.tensor([tokens])
        states = self.model.language_model.get_input_embeddings()(ids)
        states[ids == vocabulary.IMAGE] = self.features(image)
        return self.model.language_model(inputs_embeds=states).logits[0].float()
