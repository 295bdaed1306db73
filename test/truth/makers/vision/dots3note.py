from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import Dots3NoteConfig, Dots3NoteForConditionalGeneration, Qwen2VLImageProcessor

from .. import vocabulary
from ..family import VisionFamily
from .qwen import QwenVision

_TEXT = {
    "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 4, "moe_intermediate_size": 32, "n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2,
    "norm_topk_prob": True, "routed_scaling_factor": 1.5, "kv_lora_rank": 32, "q_lora_rank": 32, "qk_rope_head_dim": 16,
    "qk_nope_head_dim": 16, "v_head_dim": 16, "index_topk": 2048, "index_head_dim": 64, "index_n_heads": 2,
    "max_position_embeddings": 4096, "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "pad_token_id": vocabulary.UNKNOWN,
    "rms_norm_eps": 1e-5, "swa_num_attention_heads": 2, "swa_num_key_value_heads": 2, "swa_q_lora_rank": 32, "swa_kv_lora_rank": 48,
    "swa_head_dim": 32, "swa_qk_nope_head_dim": 16, "swa_qk_rope_head_dim": 16, "swa_v_head_dim": 16, "tie_word_embeddings": False,
    "hidden_act": "silu", "n_group": 1, "topk_group": 1,
}  # fmt: skip
_LAYERS = ["full_attention", "sliding_attention", "full_attention"]
_VISION = {
    "adapter_in_dim": 32, "adapter_out_dim": 64, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2,
    "moe_intermediate_size": 24, "pyramid_num_routed": [-1, 4, 6], "capacity_factor": 2, "patch_size": 14, "rms_norm_eps": 1e-5,
    "spatial_merge_size": 2,
}  # fmt: skip
_AUDIO = {"adapter_out_dim": 64, "downsample_hidden_size": 8}
_WHISPER = {
    "d_model": 32, "encoder_attention_heads": 2, "encoder_layers": 1, "encoder_ffn_dim": 48, "num_mel_bins": 128,
    "max_source_positions": 1500, "activation_function": "swiglu",
}  # fmt: skip


class Dots3Note(QwenVision):
    """Experts of layers growing in number, norms of queries and keys; the text model may look at more keys than there are here.

    The limits are in the file. Saved in the layout of the published checkpoints: the text model's configuration on the top level.
    """

    name = kind = "dots3note_v"
    before, after = "<|img|>", "<|endofimg|>"
    native = (224, 168)
    seed = 7  # one by which no two experts are nearly equal: rounded to F16, another would be chosen
    limits = (16, 500)

    def build(self) -> Dots3NoteForConditionalGeneration:
        config = Dots3NoteConfig(
            text_config={
                **_TEXT, "layer_types": list(_LAYERS), "use_dsa": True, "sliding_window_size": 64,
                "moe_shared_expert_intermediate_size": 32,
            },
            vision_config={**_VISION, "hidden_size": 32},
            audio_config={**_AUDIO, "whisper_config": _WHISPER, "whisper_adapter_in_dim": 32},
            image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN, audio_token_id=vocabulary.UNKNOWN,
        )  # fmt: skip
        return Dots3NoteForConditionalGeneration(config)

    def fill(self) -> None:
        super().fill()
        for name, buffer in self.model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                buffer.copy_(torch.arange(len(buffer)) * 0.05)

    def build_processor(self) -> Any:
        area = (2 * self.patch_size) ** 2
        size = {"shortest_edge": self.limits[0] * area, "longest_edge": self.limits[1] * area}
        return Qwen2VLImageProcessor(size=size, patch_size=self.patch_size, temporal_patch_size=1)

    def save(self, folder: Path) -> None:
        super().save(folder)
        area = (2 * self.patch_size) ** 2
        file = folder / "preprocessor_config.json"
        limits = {"min_pixels": self.limits[0] * area, "max_pixels": self.limits[1] * area}
        file.write_text(json.dumps({**json.loads(file.read_text()), **limits}))
        vision = {
            **_VISION, "embed_dim": 32, "hidden_size": 64, "adapter_type": "patch_merger", "pre_pixel_shuffle": True,
            "temporal_patch_size": 1, "use_bias": False, "use_qk_norm": True,
        }  # fmt: skip
        audio = {
            **_AUDIO, "whisper_config": _WHISPER, "use_conv2d_stem": True, "use_rope": True, "use_rms_norm": True, "use_causal": False,
            "chunk_seconds": 60, "rope_parameters": {"partial_rotary_factor": 0.5, "rope_theta": 10000.0},
        }  # fmt: skip
        config = {
            **_TEXT, "architectures": ["Dots3NoteForCausalLM"], "model_type": "dots3_note", "layer_types": _LAYERS,
            "use_dsa": True, "scoring_func": "sigmoid", "topk_method": "noaux_tc", "sliding_window_size": 64, "rope_theta": 80000000.0,
            "swa_rope_theta": 50000.0, "first_k_dense_replace": 1, "moe_layer_freq": 1, "moe_shared_expert_intermediate_size": 32,
            "apply_mla_qkv_lora_rescale": True, "vision_config": vision, "audio_config": audio,
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config))

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(list(self.model.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output))

    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        return VisionFamily.logits(self, tokens, image)
