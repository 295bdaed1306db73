from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from timm.layers import RmsNorm2d
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.mobilenetv5 import MobileNetV5MultiScaleFusionAdapter
from transformers import Gemma3nConfig, Gemma3nForConditionalGeneration, SiglipImageProcessor

from .. import vocabulary
from ..family import VisionFamily
from ..layout import drop_tensors

_BLOCKS = [
    ["er_r1_k3_s2_e4_c16", "er_r1_k3_s1_e4_c16"],
    ["uir_r1_a3_k5_s2_e6_c24", "uir_r1_a5_k0_s1_e4_c24", "uir_r1_a3_k0_s1_e4_c24"],
    ["uir_r1_a5_k5_s2_e6_c32", "uir_r1_a5_k0_s1_e4_c32", "uir_r1_a0_k0_s1_e1_c32", "mqa_r1_k3_h4_v2_s1_d16_c32", "uir_r1_a0_k0_s1_e2_c32"],
    ["uir_r1_a5_k5_s2_e6_c48", "mqa_r1_k3_h4_s1_d16_c48", "uir_r1_a0_k0_s1_e2_c48", "mqa_r1_k3_h4_s1_d16_c48", "uir_r1_a0_k0_s1_e2_c48"],
]


class Gemma3n(VisionFamily):
    """MobileNetV5 of timm, with each kind of its blocks, under a projector with norms. An image's tokens are seen causally.

    In the makers' vocabulary they lie behind those that have embeddings for every layer, and so take the first token's there.
    """

    name = kind = "gemma3nv"
    maker = "transformers and timm"
    native = (512, 512)
    before, after = "\n\n<start_of_image>", "<end_of_image>\n\n"

    def build(self) -> Gemma3nForConditionalGeneration:
        config = Gemma3nConfig(
            text_config={
                "vocab_size": vocabulary.SIZE, "vocab_size_per_layer_input": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96,
                "hidden_size_per_layer_input": 256, "num_hidden_layers": 5, "num_attention_heads": 4, "num_key_value_heads": 2,
                "head_dim": 16, "num_kv_shared_layers": 0, "laurel_rank": 64, "max_position_embeddings": 4096, "sliding_window": 32,
                "activation_sparsity_pattern": [0.95] * 5,
            },
            vision_config={
                "architecture": "mobilenetv5_300m_enc", "hidden_size": 64, "vocab_size": 8, "vocab_offset": vocabulary.SIZE,
                "model_args": {"block_args": decode_arch_def(_BLOCKS), "stem_size": 16},
            },
            audio_config={
                "vocab_size": 8, "vocab_offset": vocabulary.SIZE + 8, "hidden_size": 32, "conf_num_hidden_layers": 1,
                "conf_num_attention_heads": 2, "sscp_conv_channel_size": [8, 4], "input_feat_size": 32,
            },
            image_token_id=vocabulary.IMAGE,
        )  # fmt: skip
        model = Gemma3nForConditionalGeneration(config)
        # The encoder's class makes 2048 channels of any blocks; here as many as the text model is wide, which libmtmd takes for granted.
        tower = model.model.vision_tower.timm_model
        tower.msfa = MobileNetV5MultiScaleFusionAdapter([32, 48], 64, output_resolution=16, norm_layer=RmsNorm2d)
        return model

    def fill(self) -> None:
        super().fill()
        every_layer = self.model.model.language_model.embed_tokens_per_layer.weight.data
        every_layer[vocabulary.IMAGE] = every_layer[0]
        for name, weight in self.model.named_parameters():
            if name.endswith(("q_norm.weight", "k_norm.weight")):
                weight.data /= 2  # nothing else scales the attention's scores

    def build_processor(self) -> Any:
        return SiglipImageProcessor(size={"height": 512, "width": 512}, resample=2, do_normalize=False)

    def save(self, folder: Path) -> None:
        self.model.config.vision_config.model_args = None  # holds functions, which no file does
        super().save(folder)
        drop_tensors(folder, "audio")
        # The converter counts the tokens, to cut the embeddings that stand for none.
        (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": dict.fromkeys(vocabulary.TOKENS)}, "added_tokens": []}))

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output[0]
