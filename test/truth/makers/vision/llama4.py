from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from transformers import Llama4Config, Llama4ForConditionalGeneration, Llama4ImageProcessor
from transformers.image_processing_backends import TorchvisionBackend
from transformers.models.llama4 import image_processing_llama4 as makers

from .. import vocabulary
from ..family import VisionFamily

_best_fit = makers.get_best_fit


def _best_fit_in_integers(*args: Any, **kwargs: Any) -> tuple[int, ...]:
    return tuple(_best_fit(*args, **kwargs).tolist())


setattr(makers, "get_best_fit", _best_fit_in_integers)


class _InF32(Llama4ImageProcessor):
    # The makers' own rounds the pixels to bfloat16, as their model calculates in it.
    def rescale_and_normalize(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        return TorchvisionBackend.rescale_and_normalize(self, *args, **kwargs)


class Llama4(VisionFamily):
    """Tiles with separators, then the whole picture; 2D RoPE, a class token at the end, pixel shuffle; experts in the text model.

    The pixels are normalised in F32 instead of the makers' bfloat16. The best canvas is a pair of integers, as it is in Meta's own
    code (llama-models, llama4/preprocess.py); in transformers it is a tensor, whose quotients are rounded to F32 and so may lose
    the picture's last row.
    """

    name = kind = "llama4"
    special = {"{": "<|tile_x_separator|>", "}": "<|tile_y_separator|>", "^": "<|image|>"}
    native = (112, 112)

    def build(self) -> Llama4ForConditionalGeneration:
        config = Llama4Config(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "intermediate_size_mlp": 128,
                "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "num_local_experts": 4,
                "interleave_moe_layer_step": 2, "max_position_embeddings": 8192, "bos_token_id": vocabulary.BOS,
                "eos_token_id": vocabulary.EOS, "architectures": ["Llama4ForCausalLM"],
                "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
            },
            vision_config={
                "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 112,
                "patch_size": 14, "vision_output_dim": 64, "projector_input_dim": 64, "projector_output_dim": 64,
                "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
            },
            image_token_index=vocabulary.IMAGE, boi_token_index=vocabulary.encode(">")[0], eoi_token_index=vocabulary.encode("<")[0],
        )  # fmt: skip
        return Llama4ForConditionalGeneration(config)

    def build_processor(self) -> Llama4ImageProcessor:
        return _InF32(size={"height": 112, "width": 112})

    def pixels(self, image: Image.Image) -> dict[str, torch.Tensor]:
        return {"pixel_values": self.processor(images=[image], return_tensors="pt")["pixel_values"]}

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        hidden = self.model.get_image_features(**self.pixels(image), return_dict=True).last_hidden_state
        return self.model.multi_modal_projector(hidden).flatten(0, 1)

    def image_tokens(self, image: Image.Image) -> list[int]:
        rows, cols = self.processor(images=[image], return_tensors="pt")["aspect_ratios"][0].tolist()
        count = (112 // 14 // 2) ** 2
        tokens = vocabulary.encode("<|image_start|>")
        if rows * cols > 1:
            for _ in range(rows):
                for col in range(cols):
                    tokens += [vocabulary.IMAGE] * count + (vocabulary.encode("{") if col < cols - 1 else [])
                tokens += vocabulary.encode("}")
        return [*tokens, *vocabulary.encode("^"), *[vocabulary.IMAGE] * count, *vocabulary.encode("<|image_end|>")]

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        # What Llama4ForConditionalGeneration.forward does; that of transformers 5.24 raises an AttributeError.
        assert image is not None
        ids = torch.tensor([tokens])
        embeddings = self.model.get_input_embeddings()(ids)
        embeddings[ids == vocabulary.IMAGE] = self.features(image)
        return self.model.language_model(inputs_embeds=embeddings).logits[0].float()
