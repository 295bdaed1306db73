from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import Kimi_K25Config, Kimi_K25ForConditionalGeneration, Kimi_K25ImageProcessor

from .. import layout, vocabulary
from ..family import VisionFamily

LIMIT = 144  # patches of a picture

# Dense: between two experts that are nearly equal, what is left of rounding in the features of a picture can choose the other.

# fmt: off
TEXT: dict[str, Any] = {
    "model_type": "deepseek_v3", "architectures": ["DeepseekV3ForCausalLM"], "vocab_size": vocabulary.SIZE, "hidden_size": 64,
    "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 4096,
    "first_k_dense_replace": 2, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1, "n_shared_experts": 1,
    "moe_intermediate_size": 32, "kv_lora_rank": 32, "q_lora_rank": 24, "qk_rope_head_dim": 16, "qk_nope_head_dim": 16, "v_head_dim": 16,
    "routed_scaling_factor": 2.5, "norm_topk_prob": True, "rope_parameters": {"rope_type": "default", "rope_theta": 50000.0},
    "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "pad_token_id": None,
}
# fmt: on


class KimiK25(VisionFamily):
    """MoonViT-3d: pictures are shrunk to a number of patches, never enlarged, and filled up with black on the right and below.

    The limit is written into the file.
    """

    name = kind = "kimik25"
    before, after = "<|media_begin|>image<|media_content|>", "<|media_end|>"
    native = (168, 140)

    def build(self) -> Kimi_K25ForConditionalGeneration:
        config = Kimi_K25Config(
            text_config=TEXT,
            vision_config={
                "patch_size": 14, "pos_emb_height": 8, "pos_emb_width": 8, "num_attention_heads": 2, "num_hidden_layers": 3,
                "hidden_size": 64, "intermediate_size": 96,
            },
            projection_hidden_size=64, image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN,
            vision_start_token_id=vocabulary.encode("<")[0], vision_end_token_id=vocabulary.encode(">")[0], tie_word_embeddings=False,
        )  # fmt: skip
        return Kimi_K25ForConditionalGeneration(config)

    def build_processor(self) -> Kimi_K25ImageProcessor:
        return Kimi_K25ImageProcessor(max_patches=LIMIT)

    def save(self, folder: Path) -> None:
        super().save(folder)
        layout.edit_json(folder / "config.json", lambda config: config.update(architectures=["KimiK25ForConditionalGeneration"]))
        # save_pretrained() of transformers 5.24 goes only part of the way back to the published names.
        layout.rename_tensors(folder, (r"^language_model\.model\.blocks\.", "language_model.model.layers."))
        layout.rename_tensors(folder, (r"^model\.mm_projector\.", "mm_projector."))
        layout.rename_tensors(folder, (r"^vision_tower\.encoder\.patch_embed\.", "vision_tower.patch_embed."))
        file = folder / "preprocessor_config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "in_patch_limit": LIMIT}))

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(list(self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output))
