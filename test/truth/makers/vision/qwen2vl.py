from __future__ import annotations

import torch
from PIL import Image
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLImageProcessor

from .. import vocabulary
from ..family import VisionFamily


class Qwen2VL(VisionFamily):
    """M-RoPE in the tower and in the text model, 2 x 2 merges, a picture stands for two frames."""

    name = kind = "qwen2vl_merger"
    before, after = "<|vision_start|>", "<|vision_end|>"
    native = (224, 168)

    def build(self) -> Qwen2VLForConditionalGeneration:
        config = Qwen2VLConfig(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
                "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
            },
            vision_config={"depth": 3, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2, "patch_size": 14},
            image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN,
            vision_start_token_id=vocabulary.encode(">")[0], vision_end_token_id=vocabulary.encode("<")[0],
            tie_word_embeddings=False,
        )  # fmt: skip
        return Qwen2VLForConditionalGeneration(config)

    def build_processor(self) -> Qwen2VLImageProcessor:
        return Qwen2VLImageProcessor(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 256})

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
