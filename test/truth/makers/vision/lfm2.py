from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from transformers import Lfm2VlConfig, Lfm2VlForConditionalGeneration, Lfm2VlImageProcessor

from .. import layout, vocabulary
from ..family import VisionFamily


class Lfm2Vl(VisionFamily):
    """A picture above twice 256 tokens is cut into 2 to 10 tiles of 512 x 512, and seen once more as a thumbnail; siglip2's tower.

    The limits are the makers' defaults, which libmtmd has as constants. Tiles are said by their row and column, in text.
    """

    name = kind = "lfm2"
    before, after = "<|image_start|>", "<|image_end|>"
    special = {"~": "<|img_thumbnail|>"}
    native = (512, 384)
    pictured = "huge"

    def build(self) -> Lfm2VlForConditionalGeneration:
        config = Lfm2VlConfig(
            text_config={
                "model_type": "lfm2", "architectures": ["Lfm2ForCausalLM"], "vocab_size": vocabulary.SIZE,
                "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
                "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 8192, "block_auto_adjust_ff_dim": False,
                "layer_types": ["conv", "full_attention", "conv"], "conv_L_cache": 3,
                "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "pad_token_id": vocabulary.UNKNOWN,
            },
            vision_config={
                "model_type": "siglip2_vision_model", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
                "num_attention_heads": 2, "patch_size": 16, "num_patches": 256, "vision_use_head": False,
            },
            image_token_id=vocabulary.IMAGE, projector_hidden_size=96, downsample_factor=2, tie_word_embeddings=True,
        )  # fmt: skip
        return Lfm2VlForConditionalGeneration(config)

    def save(self, folder: Path) -> None:
        super().save(folder)
        layout.rename_tensors(folder, (r"^model\.vision_tower\.", "model.vision_tower.vision_model."))

    def build_processor(self) -> Lfm2VlImageProcessor:
        return Lfm2VlImageProcessor()

    def _tiles(self, image: Image.Image) -> list[torch.Tensor]:
        return list(self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output)

    def image_tokens(self, image: Image.Image) -> list[int]:
        given = self.processor(images=[image], return_tensors="pt", return_row_col_info=True)
        rows, columns = given["image_rows"][0], given["image_cols"][0]
        tiles = [[vocabulary.IMAGE] * len(tile) for tile in self._tiles(image)]
        tokens = vocabulary.encode(self.before)
        if len(tiles) > 1:
            for i, tile in enumerate(tiles[:-1]):
                tokens += [*vocabulary.encode(f"<|img_row_{i // columns + 1}_col_{i % columns + 1}|>"), *tile]
            assert len(tiles) == rows * columns + 1
            tokens += vocabulary.encode("~")
        return [*tokens, *tiles[-1], *vocabulary.encode(self.after)]

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(self._tiles(image))
