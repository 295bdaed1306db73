from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torchvision.transforms import functional

from .. import weights
from ..converter import convert
from .adapter import Gated, between
from .beside_llama import WIDTH, BesideLlama, WithLlama

SIDE, PATCH, TOWER, INNER, LAYERS, HEADS = 112, 14, 32, 48, 3, 2
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


class Embedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, TOWER, PATCH, PATCH)
        self.cls_embedding = nn.Parameter(torch.zeros(1, TOWER))
        self.position_embedding = nn.Embedding((SIDE // PATCH) ** 2 + 1, TOWER)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        tokens = self.proj(pixels).flatten(2).transpose(1, 2)
        return torch.cat([self.cls_embedding.expand(len(tokens), -1, -1), tokens], dim=1) + self.position_embedding.weight


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(TOWER, 3 * TOWER)
        self.dense = nn.Linear(TOWER, TOWER)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        query, key, value = self.query_key_value(tokens).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        return self.dense(nn.functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(TOWER, INNER)
        self.fc2 = nn.Linear(INNER, TOWER)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.fc2(nn.functional.gelu(self.fc1(tokens)))


class Layer(nn.Module):
    """The norms stand behind what they are named after."""

    def __init__(self) -> None:
        super().__init__()
        self.input_layernorm = nn.LayerNorm(TOWER, eps=1e-6)
        self.attention = Attention()
        self.mlp = Mlp()
        self.post_attention_layernorm = nn.LayerNorm(TOWER, eps=1e-6)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = tokens + self.input_layernorm(self.attention(tokens))
        return tokens + self.post_attention_layernorm(self.mlp(tokens))


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_embedding = Embedding()
        self.transformer = nn.ModuleDict({"layers": nn.Sequential(*(Layer() for _ in range(LAYERS)))})
        self.linear_proj = Gated(TOWER)
        self.boi = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.eoi = nn.Parameter(torch.zeros(1, 1, WIDTH))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        tokens = self.transformer["layers"](self.patch_embedding(pixels))
        return between(self.boi, self.linear_proj(tokens[:, 1:]), self.eoi)


class CogVLM(BesideLlama):
    """CogVLM (the first): EVA2-CLIP with a class token, norms behind attention and MLP, a gated projection, begin and end in the features.

    A picture is stretched (490 wide in the makers' checkpoints). Features alone are compared: the makers' text model has experts of
    its own for pictures, and one position for all of a picture's tokens.
    """

    name = kind = "cogvlm"
    maker = "own reading of THUDM/cogvlm-chat-hf"
    native = (SIDE, SIDE)
    answers = False

    def build(self) -> nn.Module:
        return WithLlama(Tower())

    def fill(self) -> None:
        # Halved: the norms behind each part amplify what is rounded to half precision (keys and values) to more than 1e-3 otherwise.
        weights.fill(self.model, self.seed, gain=0.5)

    def build_processor(self) -> Any:
        return None

    def pixels(self, image: Image.Image) -> dict[str, torch.Tensor]:
        resized = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        return {"pixel_values": functional.normalize(functional.to_tensor(resized), MEAN, STD)[None]}

    def write_projector(self, out: Path, ftype: str) -> None:
        folder = out.parent / "hf" / "vision"
        folder.mkdir()
        config = {
            "architectures": ["CogVLMForCausalLM"], "hidden_size": WIDTH, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4, "vocab_size": 100,
            "vision_config": {
                "hidden_size": TOWER, "intermediate_size": INNER, "num_hidden_layers": LAYERS, "num_heads": HEADS, "image_size": SIDE,
                "patch_size": PATCH, "hidden_act": "gelu", "layer_norm_eps": 1e-6, "in_channels": 3, "dropout_prob": 0.0,
                "num_positions": (SIDE // PATCH) ** 2 + 1,
            },
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": MEAN, "image_std": STD}))
        tensors = {f"model.vision.{name}": value.contiguous() for name, value in self.model.vision.state_dict().items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        convert(folder, out, mmproj=True, ftype=ftype)
