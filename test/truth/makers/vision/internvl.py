from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import InternVLConfig, InternVLForConditionalGeneration
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

from .. import vocabulary
from ..converter import convert
from ..family import VisionFamily
from .mlp import write_text_model

SIDE, PATCH, TILES = 112, 14, 6


class InternVL(VisionFamily):
    """A class token, layer scale and pixel shuffle; tiles and a thumbnail behind them, in the grid whose shape is the picture's.

    The converter knows the checkpoints of OpenGVLab's own code; config.json is written in their layout, the tensors have the names of
    transformers' classes, which it takes, too (Intern-S1). Twelve tiles are the makers' default. Pillow resizes, as in
    OpenGVLab's code.
    """

    name: ClassVar[str] = "internvl"
    kind = "internvl"
    before, after = "<img>", "</img>"
    native = (SIDE, SIDE)
    tower: ClassVar[dict[str, Any]] = {"norm_type": "layer_norm", "attention_bias": True, "use_qk_norm": False}

    def build(self) -> InternVLForConditionalGeneration:
        config = InternVLConfig(
            text_config={
                "model_type": "qwen2", "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096, "use_sliding_window": False,
                "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS,
            },
            vision_config={
                "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 2, "hidden_act": "gelu",
                "image_size": [SIDE, SIDE], "patch_size": [PATCH, PATCH], **self.tower,
            },
            image_token_id=vocabulary.IMAGE, image_seq_length=(SIDE // PATCH // 2) ** 2, downsample_ratio=0.5, tie_word_embeddings=False,
        )  # fmt: skip
        return InternVLForConditionalGeneration(config)

    def build_processor(self) -> GotOcr2ImageProcessorPil:
        return GotOcr2ImageProcessorPil(
            crop_to_patches=True, min_patches=1, max_patches=TILES, size={"height": SIDE, "width": SIDE},
            image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225],
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        super().save(folder)
        file = folder / "config.json"
        config = json.loads(file.read_text())
        config |= {"architectures": ["InternVLChatModel"], "min_dynamic_patch": 1, "max_dynamic_patch": TILES}
        config["vision_config"]["architectures"] = ["InternVisionModel"]
        file.write_text(json.dumps(config))
        # save_pretrained gives the tensors names that the converter passes over.
        weights = {name: value.contiguous() for name, value in self.model.state_dict().items() if "language_model" not in name}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    def write(self, out: Path, ftype: str) -> None:
        write_text_model(self.model, out / "hf" / "text", out / "model.gguf", ftype)
        self.save(out / "hf")
        convert(out / "hf", out / "mmproj.gguf", mmproj=True, ftype=ftype)

    def pixels(self, image: Image.Image) -> dict[str, torch.Tensor]:
        return {"pixel_values": super().pixels(image)["pixel_values"]}

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output.flatten(0, 1)


class InternVL6B(InternVL):
    """The large tower: RMS norms, norms of queries and keys, no biases in the attention.

    libmtmd used to know it by its size (3200 wide, 45 layers) alone; the file tells by the norms' missing biases.
    """

    name = "internvl_6b"
    tower = {"norm_type": "rms_norm", "attention_bias": False, "use_qk_norm": True}
