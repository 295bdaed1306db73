from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from transformers import Dots3NoteVisionConfig, Qwen2Config, Qwen2ForCausalLM, Qwen2VLImageProcessor
from transformers.models.dots3_note.modeling_dots3_note import Dots3NoteVisionModel

from .. import vocabulary
from .qwen import QwenVision, text_config

# The tower's parts, and what they are called in the published checkpoint.
_NAMES = {
    "patch_embed.": "patch_embed.patchifier.", "norm.": "post_trunk_norm.", ".gate_proj.": ".fc1.", ".down_proj.": ".fc2.",
    ".up_proj.": ".fc3.",
}  # fmt: skip


class _DotsOcr(nn.Module):
    """The tower of transformers' dots3-note, which was taken from dots.ocr's, without experts and norms of queries and keys."""

    def __init__(self) -> None:
        super().__init__()
        config = Dots3NoteVisionConfig(
            hidden_size=32, adapter_in_dim=32, adapter_out_dim=64, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2,
            mlp_layer_types=["dense"] * 3, patch_size=14,
        )  # fmt: skip
        self.vision_tower = Dots3NoteVisionModel(config)
        for block in self.vision_tower.blocks:
            block.attn.q_norm = block.attn.k_norm = nn.Identity()
        rope = {"rope_type": "default", "rope_theta": 10000.0}
        self.text = Qwen2ForCausalLM(Qwen2Config(**text_config(rope), tie_word_embeddings=False))

    def forward(self, tokens: torch.Tensor, pixel_values: torch.Tensor, image_grid_thw: torch.Tensor) -> torch.Tensor:
        embedded = self.text.get_input_embeddings()(tokens)
        embedded[tokens == vocabulary.IMAGE] = self.vision_tower(pixel_values, image_grid_thw).pooler_output
        return self.text(inputs_embeds=embedded).logits


class DotsOcr(QwenVision):
    """Patches one after another in rows, RMS norms and one layer norm before the merge; a picture is one frame.

    The limits are in the file: published checkpoints have 3136 and 11289600 pixels.
    """

    name = kind = "dots_ocr"
    maker = "own reading of dots.ocr, from transformers' dots3-note and Qwen2"
    before, after = "<|img|>", "<|endofimg|>"
    native = (224, 168)
    limits = (16, 500)

    def build(self) -> Any:
        return _DotsOcr()

    def build_processor(self) -> Any:
        area = (2 * self.patch_size) ** 2
        size = {"shortest_edge": self.limits[0] * area, "longest_edge": self.limits[1] * area}
        return Qwen2VLImageProcessor(size=size, patch_size=self.patch_size, temporal_patch_size=1)

    def save(self, folder: Path) -> None:
        self.model.text.save_pretrained(folder)
        tensors = dict(self.model.text.state_dict())
        for name, tensor in self.model.vision_tower.state_dict().items():
            for ours, theirs in _NAMES.items():
                name = theirs + name.removeprefix(ours) if name.startswith(ours) else name.replace(ours, theirs) if ours[0] == "." else name
            tensors[f"vision_tower.{name}"] = tensor
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")
        file = folder / "config.json"
        vision = {
            "embed_dim": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2,
            "patch_size": 14, "spatial_merge_size": 2, "rms_norm_eps": 1e-5,
        }  # fmt: skip
        config = json.loads(file.read_text())
        config = {**config, "architectures": ["DotsOCRForCausalLM"], "model_type": "dots_ocr", "vision_config": vision}
        file.write_text(json.dumps(config))
        self.processor.save_pretrained(folder)
        area = (2 * self.patch_size) ** 2
        file = folder / "preprocessor_config.json"
        limits = {"min_pixels": self.limits[0] * area, "max_pixels": self.limits[1] * area}
        file.write_text(json.dumps({**json.loads(file.read_text()), **limits}))

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        pixels = self.pixels(image)
        return self.model.vision_tower(pixels["pixel_values"], pixels["image_grid_thw"]).pooler_output

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        return self.model(torch.tensor([tokens]), **self.pixels(image))[0].float()
