"""Towers and projectors that are in no library: written from their makers' code, beside a llama."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from .. import vocabulary
from ..converter import convert
from ..family import VisionFamily

WIDTH = 64


class WithLlama(nn.Module):
    """What becomes of a picture stands in the prompt as it is, in the place of tokens."""

    def __init__(self, vision: nn.Module) -> None:
        super().__init__()
        self.vision = vision
        self.text = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=vocabulary.SIZE, hidden_size=WIDTH, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=vocabulary.BOS, eos_token_id=vocabulary.EOS,
            )
        )  # fmt: skip


class BesideLlama(VisionFamily):
    def save(self, folder: Path) -> None:
        self.model.text.save_pretrained(folder)

    def write(self, out: Path, ftype: str) -> None:
        self.save(out / "hf")
        convert(out / "hf", out / "model.gguf", mmproj=False, ftype=ftype)
        self.write_projector(out / "mmproj.gguf", ftype)

    def write_projector(self, out: Path, ftype: str) -> None:
        raise NotImplementedError

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        features: Any = self.model.vision(self.pixels(image)["pixel_values"])
        return features.flatten(0, 1)

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        ids = torch.tensor([tokens])
        embeddings = self.model.text.get_input_embeddings()(ids)
        embeddings[ids == vocabulary.IMAGE] = self.features(image)
        return self.model.text(inputs_embeds=embeddings).logits[0].float()
