"""What Qwen's families of pictures have in common, and those that took their tower and their processor from them."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from transformers import Qwen2VLImageProcessor

from .. import vocabulary
from ..family import VisionFamily

# What any of them may ask for; ids that lie within our vocabulary.
TOKENS = {
    "image_token_id": vocabulary.IMAGE, "video_token_id": vocabulary.UNKNOWN,
    "vision_start_token_id": vocabulary.encode(">")[0], "vision_end_token_id": vocabulary.encode("<")[0],
}  # fmt: skip


def text_config(rope: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
        "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "rope_parameters": rope, **more,
    }  # fmt: skip


class QwenVision(VisionFamily):
    before, after = "<|vision_start|>", "<|vision_end|>"
    # libmtmd's own limits, which its file cannot say; the makers' are in the preprocessor_config.json of each checkpoint.
    limits = (8, 4096)
    patch_size = 14
    mean: list[float] | None = None

    def build_processor(self) -> Any:
        area = (2 * self.patch_size) ** 2
        size = {"shortest_edge": self.limits[0] * area, "longest_edge": self.limits[1] * area}
        normal = {} if self.mean is None else {"image_mean": self.mean, "image_std": self.mean}
        return Qwen2VLImageProcessor(size=size, patch_size=self.patch_size, **normal)

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        features = self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output
        return torch.cat(list(features))

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        kinds = torch.tensor([[1 if t == vocabulary.IMAGE else 0 for t in tokens]])
        inputs = {**self.pixels(image), "mm_token_type_ids": kinds}
        return self.model(input_ids=torch.tensor([tokens]), **inputs).logits[0].float()
