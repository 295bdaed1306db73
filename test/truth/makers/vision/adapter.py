from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import SiglipVisionConfig, SiglipVisionModel
from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

from ..gguf_file import write_projector
from .beside_llama import WIDTH, BesideLlama, WithLlama

SIDE, PATCH, TOWER, INNER = 112, 14, 32, 96


class Gated(nn.Module):
    """The gated projection that THUDM's vision models have in common."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.linear_proj = nn.Linear(inputs, WIDTH, bias=False)
        self.norm1 = nn.LayerNorm(WIDTH)
        self.gate_proj = nn.Linear(WIDTH, INNER, bias=False)
        self.dense_h_to_4h = nn.Linear(WIDTH, INNER, bias=False)
        self.dense_4h_to_h = nn.Linear(INNER, WIDTH, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = nn.functional.gelu(self.norm1(self.linear_proj(tokens)))
        return self.dense_4h_to_h(nn.functional.silu(self.gate_proj(tokens)) * self.dense_h_to_4h(tokens))


def between(begin: torch.Tensor, tokens: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    return torch.cat([begin.expand(len(tokens), -1, -1), tokens, end.expand(len(tokens), -1, -1)], dim=1)


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        config = SiglipVisionConfig(
            hidden_size=TOWER, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2, image_size=SIDE, patch_size=PATCH,
            vision_use_head=False,
        )  # fmt: skip
        self.tower = SiglipVisionModel(config)
        self.boi_embedding = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.eoi_embedding = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.conv = nn.Conv2d(TOWER, WIDTH, 2, 2)
        self.linear_proj = Gated(WIDTH)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        tokens = self.tower(pixels).last_hidden_state
        side = SIDE // PATCH
        picture = self.conv(tokens.transpose(1, 2).unflatten(2, (side, side)))
        return between(self.boi_embedding, self.linear_proj(picture.flatten(2).transpose(1, 2)), self.eoi_embedding)


class GlmEdgeV(BesideLlama):
    """GLM-Edge-V: a SigLIP tower with its last norm, a convolution over 2 x 2, a gated projection, begin and end in the features.

    A picture is fitted into the upper left corner (Mllama's processor with one tile, as OpenVINO GenAI's port says; 672 wide in the
    makers' checkpoints). A llama stands for the makers' text model. The file is as llama.cpp's GLM-Edge scripts write it.
    """

    name = kind = "adapter"
    maker = "own reading of THUDM/glm-edge-v and openvinotoolkit/openvino.genai"
    native = (SIDE, SIDE)

    def build(self) -> nn.Module:
        return WithLlama(Tower())

    def build_processor(self) -> Any:
        return MllamaImageProcessorPil(
            max_image_tiles=1, size={"height": SIDE, "width": SIDE}, resample=3, image_mean=[0.5] * 3, image_std=[0.5] * 3
        )

    def pixels(self, image: Any) -> dict[str, torch.Tensor]:
        pixels = super().pixels(image)["pixel_values"]
        return {"pixel_values": torch.as_tensor(pixels).reshape(1, 3, SIDE, SIDE)}

    def write_projector(self, out: Path, ftype: str) -> None:
        vision = self.model.vision
        tower = getattr(vision.tower, "vision_model", vision.tower)
        tensors = {
            "adapter.boi": vision.boi_embedding.squeeze(), "adapter.eoi": vision.eoi_embedding.squeeze(),
            "adapter.conv.weight": vision.conv.weight, "adapter.conv.bias": vision.conv.bias,
            "adapter.linear.linear.weight": vision.linear_proj.linear_proj.weight,
            "adapter.linear.norm1.weight": vision.linear_proj.norm1.weight, "adapter.linear.norm1.bias": vision.linear_proj.norm1.bias,
            "adapter.linear.dense_h_to_4h.weight": vision.linear_proj.dense_h_to_4h.weight,
            "adapter.linear.gate.weight": vision.linear_proj.gate_proj.weight,
            "adapter.linear.dense_4h_to_h.weight": vision.linear_proj.dense_4h_to_h.weight,
            "v.patch_embd.weight": tower.embeddings.patch_embedding.weight, "v.patch_embd.bias": tower.embeddings.patch_embedding.bias,
            "v.position_embd.weight": tower.embeddings.position_embedding.weight,
            "v.post_ln.weight": tower.post_layernorm.weight, "v.post_ln.bias": tower.post_layernorm.bias,
        }  # fmt: skip
        parts = {
            "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_out": "self_attn.out_proj",
            "ln1": "layer_norm1", "ln2": "layer_norm2", "ffn_down": "mlp.fc1", "ffn_up": "mlp.fc2",
        }  # fmt: skip
        for i, layer in enumerate(tower.encoder.layers):
            for name, part in parts.items():
                module = layer.get_submodule(part)
                tensors |= {f"v.blk.{i}.{name}.weight": module.weight, f"v.blk.{i}.{name}.bias": module.bias}
        config = vision.tower.config
        write_projector(
            out,
            self.kind,
            vision={
                "image_size": SIDE, "patch_size": PATCH, "embedding_length": TOWER, "feed_forward_length": config.intermediate_size,
                "projection_dim": 0, "attention.head_count": config.num_attention_heads, "attention.layer_norm_epsilon": 1e-6,
                "block_count": config.num_hidden_layers, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
            },
            tensors=tensors,
            ftype=ftype,
            general={"clip.has_glm_projector": True, "clip.use_gelu": True, "general.description": "image encoder for glm4v"},
        )  # fmt: skip
