from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import HunYuanVLConfig, HunYuanVLForConditionalGeneration, HunYuanVLImageProcessor

from .. import vocabulary
from ..family import VisionFamily

LEAST, MOST = 64 * 64, 32 * 32 * 96
START, END = "<\uff5chy_place\u2581holder\u2581no\u2581100\uff5c>", "<\uff5chy_place\u2581holder\u2581no\u2581101\uff5c>"


def _recompose(rotary: Any, frequencies: torch.Tensor) -> torch.Tensor:
    """Each frequency turns by one axis: the list of sections is taken twice, as in apply_rotary_pos_emb_xdrope of Tencent's code.

    transformers 5.24 doubles the sections instead, so that the two halves of a pair turn by different axes.
    """
    axes = len(rotary.mrope_section)
    parts = torch.cat((frequencies, frequencies), dim=-1).split([*rotary.mrope_section] * 2, dim=-1)
    return torch.cat([part[i % axes] for i, part in enumerate(parts)], dim=-1)


def _interpolate(embed: Any, embeddings: torch.Tensor, height: Any, width: Any) -> torch.Tensor:
    """With the scale of a grid that is a tenth of a patch larger, as Tencent's code and vLLM; transformers 5.24 has the exact one."""
    edge = embed.position_edge
    grid = embed.position_embedding.weight[1:].view(1, edge, edge, -1).permute(0, 3, 1, 2)
    scale = ((int(height) + 0.1) / edge, (int(width) + 0.1) / edge)
    resized = torch.nn.functional.interpolate(grid, scale_factor=scale, mode=embed.config.interpolate_mode, align_corners=False)
    return resized.flatten(2).transpose(1, 2)


class HunyuanVL(VisionFamily):
    """Rows end with a learned newline, a picture begins and ends with learned rows; RoPE over position, x, y and picture.

    In two places Tencent's own code, which the published models were made with, is followed where transformers differs.
    """

    name = kind = "hunyuanvl"
    maker = "transformers, mended by Tencent's code"
    before, after = "~", "`"
    special = {"~": START, "`": END}
    native = (224, 160)

    def build(self) -> HunYuanVLForConditionalGeneration:
        config = HunYuanVLConfig(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "head_dim": 16,
                "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
                "rope_parameters": {
                    "rope_type": "xdrope", "rope_theta": 10000.0, "alpha": 1000.0, "factor": 1.0, "beta_fast": 32, "beta_slow": 1,
                    "mscale": 1.0, "mscale_all_dim": 1.0, "xdrope_section": [2, 2, 2, 2],
                },
                "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "eod_token_id": vocabulary.EOS,
                "pad_token_id": vocabulary.UNKNOWN, "sep_token_id": vocabulary.UNKNOWN,
            },
            vision_config={
                "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 16,
                "spatial_merge_size": 2, "max_image_size": 128, "text_hidden_size": 64, "out_hidden_size": 64,
            },
            image_token_id=vocabulary.IMAGE, im_start_id=vocabulary.encode("~")[0], im_end_id=vocabulary.encode("`")[0],
            im_newline_id=vocabulary.UNKNOWN, tie_word_embeddings=False,
        )  # fmt: skip
        model = HunYuanVLForConditionalGeneration(config)
        rotary, embed = model.model.language_model.rotary_emb, model.model.vision_tower.embeddings
        rotary.recomposition_frequencies = functools.partial(_recompose, rotary)
        embed.interpolate_pos_encoding = functools.partial(_interpolate, embed)
        return model

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
