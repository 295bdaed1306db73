from __future__ import annotations

import json
from pathlib import Path

import torch
from PIL import Image
from transformers import PaddleOCRVLConfig, PaddleOCRVLForConditionalGeneration, PaddleOCRVLImageProcessor

from .. import layout, vocabulary
from ..family import VisionFamily

LEAST, MOST = 56 * 56, 28 * 28 * 120


class PaddleOcr(VisionFamily):
    """A siglip tower with both learned and rotary positions, 2 x 2 merges, M-RoPE in the text model."""

    name = kind = "paddleocr"
    before, after = "<|IMAGE_START|>", "<|IMAGE_END|>"
    native = (224, 168)

    def build(self) -> PaddleOCRVLForConditionalGeneration:
        config = PaddleOCRVLConfig(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "head_dim": 16,
                "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
                "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0, "mrope_section": [2, 3, 3]},
                "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "pad_token_id": vocabulary.UNKNOWN,
            },
            vision_config={
                "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": 112,
                "patch_size": 14, "spatial_merge_size": 2,
            },
            image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN, vision_start_token_id=vocabulary.encode(">")[0],
            vision_end_token_id=vocabulary.encode("<")[0], tie_word_embeddings=False,
        )  # fmt: skip
        return PaddleOCRVLForConditionalGeneration(config)

    def build_processor(self) -> PaddleOCRVLImageProcessor:
        return PaddleOCRVLImageProcessor(size={"shortest_edge": LEAST, "longest_edge": MOST})

    def save(self, folder: Path) -> None:
        super().save(folder)
        layout.edit_json(folder / "config.json", lambda config: config["vision_config"].update(architectures=["PaddleOCRVisionModel"]))
        file = folder / "preprocessor_config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "min_pixels": LEAST, "max_pixels": MOST}))

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(list(self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output))

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        kinds = torch.tensor([[1 if t == vocabulary.IMAGE else 0 for t in tokens]])
        return self.model(input_ids=torch.tensor([tokens]), mm_token_type_ids=kinds, **self.pixels(image)).logits[0].float()
