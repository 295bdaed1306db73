from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import (
    LlavaConfig,
    LlavaForConditionalGeneration,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    PixtralImageProcessor,
)

from .. import vocabulary
from ..converter import convert
from ..family import Family, VisionFamily

BREAK = vocabulary.encode("|")[0]  # stands for [IMG_BREAK]: the converter asks for its id, whatever it is

# fmt: off
TEXT = {
    "model_type": "mistral", "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096, "sliding_window": None,
    "rms_norm_eps": 1e-5, "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS,
}
TOWER = {
    "model_type": "pixtral", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 2,
    "hidden_act": "silu",
}
# fmt: on


class _Rows(VisionFamily):
    """A line's patches end with [IMG_BREAK], the last line with [IMG_END]."""

    kind = "pixtral"
    after = "[IMG_END]"
    size: int  # of the longest edge
    step: int  # pixels along the edge of what becomes one token

    def write(self, out: Path, ftype: str) -> None:
        Family.write(self, out, ftype)
        # The converter takes [IMG_BREAK] from the embeddings, but passes over all that is named language_model.
        save_file({"embed_tokens.weight": self.model.get_input_embeddings().weight.detach()}, out / "hf" / "model-embeddings.safetensors")
        convert(out / "hf", out / "mmproj.gguf", mmproj=True, ftype=ftype)

    def save(self, folder: Path) -> None:
        super().save(folder)
        token = {str(BREAK): {"content": "[IMG_BREAK]"}}
        (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": token}))

    def build_processor(self) -> PixtralImageProcessor:
        return PixtralImageProcessor(size={"longest_edge": self.size}, patch_size={"height": self.step, "width": self.step})

    def _rows(self, image: Image.Image) -> tuple[int, int]:
        height, width = self.pixels(image)["image_sizes"][0].tolist()
        return height // self.step, width // self.step

    def image_tokens(self, image: Image.Image) -> list[int]:
        rows, columns = self._rows(image)
        return [*([*[vocabulary.IMAGE] * columns, BREAK] * rows)[:-1], *vocabulary.encode(self.after)]

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        rows, columns = self._rows(image)
        features = self._projected(self.pixels(image))
        line_break = self.model.get_input_embeddings().weight[BREAK].expand(rows, 1, -1)
        return torch.cat([features.view(rows, columns, -1), line_break], dim=1).flatten(0, 1)[:-1]


    def _projected(self, inputs: dict[str, Any]) -> torch.Tensor:
        return torch.cat(list(self.model.get_image_features(**inputs, return_dict=True).pooler_output))


class Pixtral(_Rows):
    """Pixtral 12B: axial RoPE in the tower. The longest edge is that of the file's image_size, as in the published checkpoints."""

    name = "pixtral"
    native = (208, 160)
    size, step = 224, 16

    def build(self) -> LlavaForConditionalGeneration:
        tower = {**TOWER, "image_size": self.size, "patch_size": 16}
        config = LlavaConfig(
            text_config=TEXT, vision_config=tower, image_token_index=vocabulary.IMAGE, vision_feature_layer=-1,
            vision_feature_select_strategy="full", tie_word_embeddings=False,
        )  # fmt: skip
        return LlavaForConditionalGeneration(config)


class Mistral3(_Rows):
    """Mistral Small 3.1: a norm and a merger of 2 x 2 patches before the projector, which has no bias."""

    name = "pixtral-mistral3"
    native = (196, 168)
    size, step = 280, 28

    def build(self) -> Mistral3ForConditionalGeneration:
        tower = {**TOWER, "image_size": self.size, "patch_size": 14}
        config = Mistral3Config(
            text_config=TEXT, vision_config=tower, image_token_index=vocabulary.IMAGE, spatial_merge_size=2, tie_word_embeddings=False,
        )  # fmt: skip
        return Mistral3ForConditionalGeneration(config)

    def _projected(self, inputs: dict[str, Any]) -> torch.Tensor:
        # Not get_image_features, whose squeeze(0) breaks where a picture is a single token.
        patches = self.model.model.vision_tower(**inputs).last_hidden_state.squeeze(0)
        return self.model.model.multi_modal_projector(patches, inputs["image_sizes"])
