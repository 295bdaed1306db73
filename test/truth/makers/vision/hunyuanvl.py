from __future__ import annotations

import json
from pathlib import Path

import torch
from PIL import Image
from transformers import HunYuanVLConfig, HunYuanVLForConditionalGeneration, HunYuanVLImageProcessor

from .. import checkpoint, vocabulary
from ..family import VisionFamily

LEAST, MOST = 64 * 64, 32 * 32 * 96
START, END = "<\uff5chy_place\u2581holder\u2581no\u2581100\uff5c>", "<\uff5chy_place\u2581holder\u2581no\u2581101\uff5c>"


class HunyuanVL(VisionFamily):
    """Rows end with a learned newline, a picture begins and ends with learned rows; RoPE over position, x, y and picture."""

    name = kind = "hunyuanvl"
    before, after = "~", "`"
    special = {"~": START, "`": END}
    native = (224, 160)

    def build(self) -> HunYuanVLForConditionalGeneration:
        config = HunYuanVLConfig(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "head_dim": 16,
                "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
                "rope_parameters": {"rope_type": "xdrope", "rope_theta": 10000.0, "alpha": 1000.0, "xdrope_section": [2, 2, 2, 2]},
                "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "eod_token_id": vocabulary.EOS,
                "pad_token_id": vocabulary.UNKNOWN, "sep_token_id": vocabulary.UNKNOWN,
            },
            vision_config={
                "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 16,
                "spatial_merge_size": 2, "max_image_size": 128, "text_hidden_size": 64, "out_hidden_size": 64,
            },
            image_token_id=vocabulary.IMAGE, image_start_token_id=vocabulary.encode("~")[0], image_end_token_id=vocabulary.encode("`")[0],
            image_newline_token_id=vocabulary.UNKNOWN, tie_word_embeddings=False,
        )  # fmt: skip
        return HunYuanVLForConditionalGeneration(config)

    def build_processor(self) -> HunYuanVLImageProcessor:
        return HunYuanVLImageProcessor(size={"shortest_edge": LEAST, "longest_edge": MOST})

    def save(self, folder: Path) -> None:
        super().save(folder)
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
