from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from transformers import MiniCPMV4_6Config, MiniCPMV4_6ForConditionalGeneration, MiniCPMV4_6ImageProcessorPil

from .. import vocabulary
from ..family import VisionFamily


class MiniCPMV46(VisionFamily):
    """SigLIP for any size, with a merger of windows after an inner layer and another at its end; slices follow the whole picture.

    The processor with Pillow, which is what the makers' earlier ones resize with. Qwen 3.5's text model.
    """

    name = kind = "minicpmv4_6"
    special = {"~": "<image>", "`": "</image>", "{": "<slice>", "}": "</slice>"}
    native = (112, 112)
    mode = "16x"

    def build(self) -> MiniCPMV4_6ForConditionalGeneration:
        config = MiniCPMV4_6Config(
            text_config={
                "model_type": "qwen3_5_text", "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96,
                "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
                "linear_key_head_dim": 16, "linear_value_head_dim": 16, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
                "max_position_embeddings": 8192, "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS,
            },
            vision_config={
                "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4, "image_size": 980,
                "patch_size": 14,
            },
            insert_layer_id=1, image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN, downsample_mode=self.mode,
        )  # fmt: skip
        return MiniCPMV4_6ForConditionalGeneration(config)

    def build_processor(self) -> Any:
        return MiniCPMV4_6ImageProcessorPil(scale_resolution=112, downsample_mode=self.mode)

    def pixels(self, image: Image.Image) -> dict[str, torch.Tensor]:
        made = self.processor(images=[image], return_tensors="pt")
        return {"pixel_values": made["pixel_values"], "target_sizes": made["target_sizes"]}

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(self.model.model.get_image_features(**self.pixels(image)).pooler_output)

    def image_tokens(self, image: Image.Image) -> list[int]:
        made = self.processor(images=[image], return_tensors="pt")
        rows, cols = made["grids"][0]
        whole, *slices = (made["target_sizes"].prod(-1) // (4 if self.mode == "4x" else 16)).tolist()
        tokens = vocabulary.encode("<image_id>0</image_id>~") + [vocabulary.IMAGE] * whole + vocabulary.encode("`")
        for row in range(rows):
            for col in range(cols):
                tokens += vocabulary.encode("{") + [vocabulary.IMAGE] * slices[row * cols + col] + vocabulary.encode("}")
            if row < rows - 1:
                tokens += vocabulary.encode("\n")
        return tokens


class MiniCPMV46x4(MiniCPMV46):
    """With four times the tokens: without the inner merger."""

    name = "minicpmv4_6-4x"
    mode = "4x"
