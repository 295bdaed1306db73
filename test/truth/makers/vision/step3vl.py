from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from PIL import Image
from transformers import Step3p7Config, Step3p7ForConditionalGeneration, Step3p7ImageProcessor
from transformers.image_utils import SizeDict
from transformers.models.step3p7.modeling_step3p7 import Step3p7RMSNorm

from .. import vocabulary
from ..family import VisionFamily

_THETA = (10000.0, 1000.0)  # of a full and of a sliding layer


class _Float(Step3p7ImageProcessor):
    """As the published checkpoints' own code: the last resize, to what the tower takes, works on normalised floats, not on bytes."""

    def resize(self, image: torch.Tensor, size: SizeDict, *args: Any, **options: Any) -> torch.Tensor:
        last = size.height == size.width and size.height in (self.size["height"], self.patch_size)
        return super().resize(image.float() if last else image, size, *args, **options)


class Step3VL(VisionFamily):
    """Windows of a picture row by row, then the whole picture; rotary and learned positions, two strided convolutions.

    The sizes of the picture (728) and of a window (504) are the published ones, because libmtmd and the makers' remote code have the second
    one fixed. transformers resizes bytes, which rounds once more than the published checkpoints' code (processing_step3.py) does; that
    one step is done here as there. The converter takes no other tower than the published one, so that its check is left out.
    """

    name = kind = "step3vl"
    native, pictured = (728, 728), "huge"
    special = {"[": "<patch_start>", "]": "<patch_end>", "|": "<patch_newline>", "{": "<im_start>", "}": "<im_end>"}

    def build(self) -> Step3p7ForConditionalGeneration:
        config = Step3p7Config(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 8192,
                "layer_types": ["full_attention", "sliding_attention"], "mlp_layer_types": ["dense", "sparse"],
                "sliding_window": 32, "num_sliding_attention_heads": 4, "n_routed_experts": 4, "num_experts_per_tok": 2,
                "moe_intermediate_size": 32, "share_expert_dim": 32, "partial_rotary_factors": [0.5, 1.0], "rope_theta": list(_THETA),
                "moe_router_scaling_factor": 3.0, "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS,
            },
            vision_config={"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "mlp_ratio": 2.0},
            image_token_id=vocabulary.IMAGE,
        )  # fmt: skip
        return Step3p7ForConditionalGeneration(config)

    @torch.no_grad()
    def fill(self) -> None:
        super().fill()
        for module in self.model.model.language_model.modules():
            if isinstance(module, Step3p7RMSNorm):
                module.weight -= 1  # to which the text model's norms add one

    def build_processor(self) -> Step3p7ImageProcessor:
        return _Float()

    def save(self, folder: Path) -> None:
        super().save(folder)
        text = self.model.config.text_config
        config = json.loads((folder / "config.json").read_text())
        config["understand_projector_stride"] = 2
        # The layout of the published config.json, which the converter wants; transformers' AutoConfig, which the converter asks
        # first, would turn it into its own, so that it must not know the model.
        config["model_type"] = "step3p7_published"
        config["text_config"] |= {
            "num_attention_groups": text.num_key_value_heads, "moe_num_experts": text.n_routed_experts,
            "moe_top_k": text.num_experts_per_tok, "moe_layers_enum": "1", "partial_rotary_factors": [0.5, 1.0],
            "rope_theta": list(_THETA), "norm_expert_weight": True, "moe_every_n_layer": 1,
            "attention_other_setting": {"num_attention_heads": 4, "num_attention_groups": 2}, "swiglu_limits": None,
        }  # fmt: skip
        config["text_config"].pop("rope_parameters")
        (folder / "config.json").write_text(json.dumps(config))

    def write(self, out: Path, ftype: str) -> None:
        from conversion.base import MmprojModel, gguf
        from conversion.step3 import Step3VLVisionModel

        def parameters(model: Step3VLVisionModel) -> None:
            MmprojModel.set_gguf_parameters(model)
            model.gguf_writer.add_clip_projector_type(gguf.VisionProjectorType.STEP3VL)
            model.gguf_writer.add_vision_attention_layernorm_eps(1e-5)
            model.gguf_writer.add_vision_projector_scale_factor(4)
            model.gguf_writer.add_vision_preproc_image_size(3024)

        with mock.patch.object(Step3VLVisionModel, "set_gguf_parameters", parameters):
            super().write(out, ftype)

    def pixels(self, image: Image.Image) -> dict[str, torch.Tensor]:
        pixels = super().pixels(image)
        self.newlines = pixels.pop("patch_newline_masks", [[]])[0]
        return pixels

    def image_tokens(self, image: Image.Image) -> list[int]:
        pixels = self.pixels(image)
        tokens = []
        for newline in self.newlines:
            tokens += [*vocabulary.encode("["), *[vocabulary.IMAGE] * 81, *vocabulary.encode("]")]
            tokens += vocabulary.encode("|") if newline else []
        assert len(self.newlines) == int(pixels["num_local_patches"][0])
        return [*tokens, *vocabulary.encode("{"), *[vocabulary.IMAGE] * 169, *vocabulary.encode("}")]

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output)
