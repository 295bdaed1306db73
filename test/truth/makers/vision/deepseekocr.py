from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL import Image
from torchvision.transforms.v2 import functional as tv
from transformers import (
    DeepseekOcr2Config,
    DeepseekOcr2ForConditionalGeneration,
    PreTrainedModel,
    UnlimitedOcrConfig,
    UnlimitedOcrForConditionalGeneration,
)
from transformers.image_utils import SizeDict
from transformers.models.deepseek_ocr2.image_processing_deepseek_ocr2 import DeepseekOcr2ImageProcessor
from transformers.models.unlimited_ocr.image_processing_unlimited_ocr import UnlimitedOcrImageProcessor

from .. import vocabulary
from ..family import VisionFamily


class _Pillow:
    """As the published checkpoints' own code: Pillow resizes, and ImageOps.pad, which rounds to even, splits what is left over."""

    def resize(self, image: torch.Tensor, size: SizeDict, *args: Any, **options: Any) -> torch.Tensor:
        resized = [tv.to_pil_image(each).resize((size.width, size.height), Image.Resampling.BICUBIC) for each in image]
        return torch.stack([tv.pil_to_tensor(each) for each in resized])

    def pad_to_square(self, images: torch.Tensor, background_color: Any = 0) -> torch.Tensor:
        height, width = images.shape[-2:]
        side = max(height, width)
        left, top = round((side - width) * 0.5), round((side - height) * 0.5)
        return tv.pad(images, [left, top, side - width - left, side - height - top], fill=background_color)


class _Published(_Pillow, UnlimitedOcrImageProcessor):
    pass


class _Published2(_Pillow, DeepseekOcr2ImageProcessor):
    pass


_TEXT = {
    "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 4, "max_position_embeddings": 8192, "n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2,
    "moe_intermediate_size": 32, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS,
}  # fmt: skip
_SAM = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "mlp_dim": 64, "output_channels": 32,
    "downsample_channels": [32, 64], "global_attn_indexes": [2],
}  # fmt: skip


class DeepseekOcr(VisionFamily):
    """SAM, whose features a CLIP then reads as its patches; tiles row by row with newlines, then the whole picture and a separator.

    DeepSeek-OCR's own code is not in transformers; Unlimited-OCR, which is, has the same tower and differs in the number of tiles
    (9, not 32) and in the text model's attention (full, not within a window). The sizes (1024, tiles of 640) are the published ones,
    because libmtmd has them fixed. The newline after a picture is that of the makers' prompts ("<image>\\nFree OCR.").
    """

    name = kind = "deepseekocr"
    after = "\n"
    native = (1024, 1024)
    pictured = "landscape"
    architecture: ClassVar[str] = "DeepseekOCRForCausalLM"
    tiles: ClassVar[int] = 9

    def build(self) -> PreTrainedModel:
        encoder = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 2}
        config = UnlimitedOcrConfig(
            text_config=_TEXT | {"layer_types": ["full_attention"] * 2, "first_k_dense_replace": 1},
            vision_config={"sam_config": _SAM, "encoder_config": encoder},
            image_token_id=vocabulary.IMAGE,
        )
        return UnlimitedOcrForConditionalGeneration(config)

    def build_processor(self) -> Any:
        return _Published(max_patches=self.tiles)

    def save(self, folder: Path) -> None:
        super().save(folder)
        config = self.model.config
        text, sam = config.text_config, config.vision_config.sam_config
        names = (
            "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
            "max_position_embeddings", "n_routed_experts", "n_shared_experts", "num_experts_per_tok", "moe_intermediate_size",
        )  # fmt: skip
        # The layout of the published config.json, which transformers' AutoConfig, asked first by the converter, must not know.
        vision = self.published_encoder()
        vision["width"]["sam_vit_b"] = {"heads": sam.num_attention_heads, "layers": sam.num_hidden_layers, "width": sam.hidden_size}
        published = {
            "architectures": [self.architecture], "model_type": "published",
            "language_config": {name: getattr(text, name) for name in names} | {
                "architectures": ["DeepseekV2ForCausalLM"], "first_k_dense_replace": 1, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
                "qk_rope_head_dim": text.head_dim, "qk_nope_head_dim": 0, "v_head_dim": text.head_dim, "kv_lora_rank": None,
                "topk_method": "greedy", "use_mla": False, "norm_topk_prob": False,
            },
            "vision_config": {"image_size": 1024, "mlp_ratio": 2.0, "model_type": "vision", **vision},
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(published))

    def published_encoder(self) -> dict[str, Any]:
        clip = self.model.config.vision_config.encoder_config
        sizes = {"heads": clip.num_attention_heads, "layers": clip.num_hidden_layers, "width": clip.hidden_size}
        return {"width": {"clip-l-14-224": {"image_size": 224, "patch_size": 14, **sizes}}}

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output)


class UnlimitedOcr(DeepseekOcr):
    """As DeepSeek-OCR, with up to 32 tiles and without a newline in the makers' prompts ("<image>document parsing.").

    The text model sees no more than the last 128 tokens of its answer, which is not reached here; llama.cpp ignores that window.
    """

    name = "deepseekocr-unlimited"
    after = ""
    pictured = "huge"
    architecture = "UnlimitedOCRForCausalLM"
    tiles = 32


class DeepseekOcr2(DeepseekOcr):
    """A Qwen2 reads SAM's features, both ways, and then learned queries, causally; what comes out for the queries is the picture."""

    name = kind = "deepseekocr2"
    architecture = "DeepseekOCR2ForCausalLM"
    pictured = "huge"
    tiles = 6

    def build(self) -> PreTrainedModel:
        encoder = {
            "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
        }  # fmt: skip
        config = DeepseekOcr2Config(
            text_config=_TEXT | {"mlp_layer_types": ["dense", "sparse"]},
            vision_config={"sam_config": _SAM, "encoder_config": encoder},
            image_token_id=vocabulary.IMAGE,
        )
        return DeepseekOcr2ForConditionalGeneration(config)

    def build_processor(self) -> Any:
        return _Published2(max_patches=self.tiles)

    def published_encoder(self) -> dict[str, Any]:
        encoder = self.model.config.vision_config.encoder_config
        return {
            "width": {"qwen2-0-5b": {"dim": encoder.hidden_size}},
            "layers": encoder.num_hidden_layers, "num_attention_heads": encoder.num_attention_heads,
            "intermediate_size": encoder.intermediate_size,
        }  # fmt: skip
