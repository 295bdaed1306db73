from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL import Image
from transformers import Gemma4Config, Gemma4ForConditionalGeneration, Gemma4ImageProcessor

from .. import vocabulary
from ..family import VisionFamily

# fmt: off
TEXT: dict[str, Any] = {
    "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "global_head_dim": 32, "max_position_embeddings": 8192,
    "sliding_window": 512, "final_logit_softcapping": 30.0, "hidden_size_per_layer_input": 0,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
    "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "pad_token_id": vocabulary.UNKNOWN,
}
TOWER: dict[str, Any] = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 2, "num_key_value_heads": 2,
    "head_dim": 32, "patch_size": 16, "pooling_kernel_size": 3, "position_embedding_size": 1024,
}
# fmt: on


class Gemma4Base(VisionFamily):
    kind = "gemma4v"
    before, after = "<|image>", "<image|>"
    native = (960, 672)  # 20 x 14 tokens, all of the 280
    text: ClassVar[dict[str, Any]]
    tower: ClassVar[dict[str, Any]]

    def build(self) -> Any:
        config = Gemma4Config(
            text_config=self.text, vision_config=self.tower, image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN,
            audio_token_id=vocabulary.UNKNOWN, audio_config=None,
        )  # fmt: skip
        return Gemma4ForConditionalGeneration(config)

    def save(self, folder: Path) -> None:
        super().save(folder)
        tokens = {token: i for i, token in enumerate(vocabulary.TOKENS)}  # only counted
        (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": tokens}, "added_tokens": []}))

    def build_processor(self) -> Any:
        return Gemma4ImageProcessor()

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        pixels = self.pixels(image)
        features = self.model.get_image_features(pixels["pixel_values"], pixels["image_position_ids"], return_dict=True)
        return torch.cat(list(features.pooler_output))

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        kinds = torch.tensor([[1 if t == vocabulary.IMAGE else 0 for t in tokens]])
        pixels = self.pixels(image)
        del pixels["num_soft_tokens_per_image"]
        return self.model(input_ids=torch.tensor([tokens]), mm_token_type_ids=kinds, **pixels).logits[0].float()


class Gemma4(Gemma4Base):
    """Gemma 4 31B: every picture is scaled to as many of 280 tokens as fit, up or down; within it the sliding layers look ahead.

    280 is the makers' default; their processor takes 70, 140, 560 and 1120 too.
    """

    name = "gemma4v"
    text = {**TEXT, "attention_k_eq_v": True, "num_global_key_value_heads": 1, "use_bidirectional_attention": "vision"}
    tower = {**TOWER, "standardize": True}

    def fill(self) -> None:
        super().fill()
        tower = self.model.model.vision_tower
        steps = torch.arange(len(tower.std_bias))
        tower.std_bias.copy_((steps % 7 - 3) / 4)
        tower.std_scale.copy_(1 + (steps % 5 - 2) / 8)


class Gemma4E2B(Gemma4Base):
    """Gemma 4 E2B: clipped linear layers in the tower; per-layer embeddings and shared keys and values in the text model, all causal.

    libmtmd tells it by the width of the text model, which is the real one here.
    """

    name = "gemma4v-e2b"
    text = {
        **TEXT, "hidden_size": 1536, "intermediate_size": 32, "head_dim": 16, "hidden_size_per_layer_input": 16,
        "vocab_size_per_layer_input": vocabulary.SIZE, "num_kv_shared_layers": 2, "use_double_wide_mlp": True,
    }  # fmt: skip
    tower = {**TOWER, "use_clipped_linears": True}

    def fill(self) -> None:
        super().fill()
        for name, buffer in self.model.model.vision_tower.named_buffers():
            bound = 1.5 if "input" in name else 2.0
            if name.endswith("_min"):
                buffer.fill_(-bound)
            elif name.endswith("_max"):
                buffer.fill_(bound)
