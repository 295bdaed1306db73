from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from transformers import Gemma4UnifiedConfig, Gemma4UnifiedForConditionalGeneration, Gemma4UnifiedImageProcessor

from .. import layout, vocabulary
from .gemma4v import TEXT, Gemma4Base


class Gemma4Unified(Gemma4Base):
    """Gemma 4 12B: no tower; blocks of 48 x 48 pixels are normed and projected, and get a position for x and y.

    The masks are those that transformers 5.24 prepares for generate() with a static cache: as in Gemma 4, only sliding layers look
    ahead within a picture. Its forward(), left to itself, lets all layers do so, against what create_masks_for_vision_model says.
    """

    name = kind = "gemma4uv"
    text = {**TEXT, "attention_k_eq_v": True, "num_global_key_value_heads": 1}
    tower = {"mm_embed_dim": 64, "mm_posemb_size": 300, "output_proj_dims": 64}

    def build(self) -> Gemma4UnifiedForConditionalGeneration:
        config = Gemma4UnifiedConfig(
            text_config={key: value for key, value in self.text.items() if key != "hidden_size_per_layer_input"},
            vision_config=self.tower, audio_config={}, image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN,
            audio_token_id=vocabulary.UNKNOWN,
        )  # fmt: skip
        return Gemma4UnifiedForConditionalGeneration(config)

    def save(self, folder: Path) -> None:
        super().save(folder)
        # The converter asks for it.
        layout.edit_json(folder / "config.json", lambda config: config["text_config"].update(moe_intermediate_size=None))

    def build_processor(self) -> Gemma4UnifiedImageProcessor:
        return Gemma4UnifiedImageProcessor()

    def fill(self) -> None:
        super().fill()
        with torch.no_grad():
            for name, weight in self.model.named_parameters():
                if name.endswith("patch_dense.weight"):  # of normed pixels, which neighbours have alike
                    weight.mul_(4)

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        ids = torch.tensor([tokens])
        pixels = self.pixels(image)
        masks = self.model.create_masks_for_generate(
            self.model.config, self.model.get_input_embeddings()(ids), None, None, torch.arange(len(tokens))[None],
            mm_token_type_ids=(ids == vocabulary.IMAGE).int(),
        )  # fmt: skip
        pixels.pop("num_soft_tokens_per_image")
        return self.model(input_ids=ids, attention_mask=masks, **pixels).logits[0].float()
