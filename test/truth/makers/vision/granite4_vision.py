from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import Granite4VisionConfig, Granite4VisionForConditionalGeneration, LlavaNextImageProcessorPil

from .. import vocabulary
from ..family import VisionFamily
from ..layout import rename_tensors

_GRID = [[112, 224], [224, 112], [224, 224], [112, 336], [336, 112], [336, 224], [224, 336]]


class Granite4Vision(VisionFamily):
    """LLaVA-NeXT's tiles, packed into one row of tokens; several layers of SigLIP go through windowed Q-Formers into layers of the LLM.

    A token is as wide as all of those layers together, in the order in which the LLM takes them in. The newline behind an image is the
    chat template's.
    """

    name = kind = "granite4_vision"
    after = "\n"
    native = (112, 112)

    def build(self) -> Granite4VisionForConditionalGeneration:
        config = Granite4VisionConfig(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 8,
                "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 8192, "embedding_multiplier": 3.0,
                "logits_scaling": 2.0, "residual_multiplier": 0.5, "attention_multiplier": 0.25, "bos_token_id": vocabulary.BOS,
                "eos_token_id": vocabulary.EOS, "pad_token_id": vocabulary.UNKNOWN, "architectures": ["GraniteForCausalLM"],
            },
            vision_config={
                "model_type": "siglip_vision_model", "hidden_size": 128, "intermediate_size": 192, "num_hidden_layers": 6,
                "num_attention_heads": 2, "image_size": 112, "patch_size": 14,
            },
            qformer_config={"model_type": "blip_2_qformer", "num_hidden_layers": 1, "intermediate_size": 192,
                            "cross_attention_frequency": 1, "max_position_embeddings": 64, "use_qformer_text_input": False},
            image_grid_pinpoints=_GRID, downsample_rate="2/4", deepstack_layer_map=[[-3, 1], [-1, 0]], spatial_vision_layer=-1,
            spatial_target_layers=[2, 3, 4, 5], image_token_index=vocabulary.IMAGE, vision_feature_select_strategy="full",
        )  # fmt: skip
        return Granite4VisionForConditionalGeneration(config)

    def build_processor(self) -> Any:
        size, half = {"height": 112, "width": 112}, [0.5, 0.5, 0.5]
        return LlavaNextImageProcessorPil(
            size=size, crop_size=size, image_grid_pinpoints=_GRID, image_mean=half, image_std=half
        )

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        streams = self.model.model.get_image_features(**self.pixels(image), return_dict=True).deepstack_features
        return torch.cat([packed[0] for _, packed in sorted(streams, key=lambda stream: stream[0])], dim=1)

    def save(self, folder: Path) -> None:
        super().save(folder)
        rename_tensors(folder, (r"vision_tower\.", "vision_tower.vision_model."))
