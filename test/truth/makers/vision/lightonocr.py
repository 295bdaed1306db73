from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from transformers import LightOnOcrConfig, LightOnOcrForConditionalGeneration, PixtralImageProcessor

from .. import layout, vocabulary
from ..family import VisionFamily


class LightOnOcr(VisionFamily):
    """Mistral 3's tower without [IMG_BREAK] before a Qwen 3 text model; the picture stands in the prompt without anything around it.

    The converter wants the class's former name and the tensors' published names (model.vision_encoder, model.vision_projection).
    """

    name = kind = "lightonocr"
    native = (196, 168)

    def build(self) -> LightOnOcrForConditionalGeneration:
        config = LightOnOcrConfig(
            text_config={
                "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "vocab_size": vocabulary.SIZE,
                "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096,
                "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "tie_word_embeddings": True,
            },
            vision_config={
                "model_type": "pixtral", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 2,
                "hidden_act": "silu", "image_size": 280, "patch_size": 14,
            },
            image_token_id=vocabulary.IMAGE, spatial_merge_size=2, tie_word_embeddings=True,
        )  # fmt: skip
        return LightOnOcrForConditionalGeneration(config)

    def save(self, folder: Path) -> None:
        super().save(folder)
        layout.edit_json(folder / "config.json", lambda config: config.update(architectures=["LightOnOCRForConditionalGeneration"]))

    def build_processor(self) -> PixtralImageProcessor:
        return PixtralImageProcessor(size={"longest_edge": 280}, patch_size={"height": 28, "width": 28})

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        inputs = self.pixels(image)
        patches = self.model.model.vision_encoder(**inputs).last_hidden_state.squeeze(0)
        return self.model.model.vision_projection(patches, inputs["image_sizes"])
