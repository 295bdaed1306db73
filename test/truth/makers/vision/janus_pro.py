from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from transformers import JanusConfig, JanusForConditionalGeneration, JanusImageProcessorPil

from .. import vocabulary
from ..family import VisionFamily


class JanusPro(VisionFamily):
    """SigLIP under an MLP, pictures padded to a square with grey. The parts that draw pictures are left out.

    The processor with Pillow, because that is what DeepSeek's own code resizes with. That code cuts the shorter side's fraction
    off, where transformers rounds; transformers is followed, whose checkpoint the converter reads.
    """

    name = kind = "janus_pro"
    before, after = "<begin_of_image>", "<end_of_image>"
    native = (112, 112)

    def build(self) -> JanusForConditionalGeneration:
        config = JanusConfig(
            text_config={
                "model_type": "llama", "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
                "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS,
            },
            vision_config={
                "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 112, "patch_size": 16,
                "mlp_ratio": 1.5, "projection_dim": 64, "num_image_tokens": 49,
            },
            vq_config={
                "embed_dim": 8, "num_embeddings": 16, "latent_channels": 32, "base_channels": 32, "channel_multiplier": [1, 1],
                "num_res_blocks": 1, "projection_dim": 64, "image_token_embed_dim": 64,
            },
            image_token_id=vocabulary.IMAGE, tie_word_embeddings=False,
        )  # fmt: skip
        return JanusForConditionalGeneration(config)

    def build_processor(self) -> Any:
        half = [0.5, 0.5, 0.5]  # as the published checkpoints say, which makes the padding grey
        return JanusImageProcessorPil(size={"height": 112, "width": 112}, image_mean=half, image_std=half)

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return self.model.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output[0]
