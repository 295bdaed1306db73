from __future__ import annotations

import json
from pathlib import Path

import torch
from PIL import Image
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessor
from transformers.models.gemma3.modeling_gemma3 import Gemma3RMSNorm

from .. import vocabulary
from ..family import VisionFamily
from ..layout import rename_tensors


class Gemma3(VisionFamily):
    """SigLIP with average pooling and RMS norm; an image's tokens see each other in both directions. Five of six layers slide."""

    name = kind = "gemma3"
    before, after = "\n\n<start_of_image>", "<end_of_image>\n\n"
    native = (224, 224)

    def build(self) -> Gemma3ForConditionalGeneration:
        config = Gemma3Config(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 7,
                "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "query_pre_attn_scalar": 16,
                "max_position_embeddings": 4096, "sliding_window": 32,
                "rope_parameters": {
                    "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                },
            },
            vision_config={
                "model_type": "siglip_vision_model", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
                "num_attention_heads": 4, "image_size": 224, "patch_size": 14, "vision_use_head": False,
            },
            mm_tokens_per_image=16, image_token_id=vocabulary.IMAGE,
            boi_token_id=vocabulary.encode(">")[0], eoi_token_id=vocabulary.encode("<")[0], pad_token_id=vocabulary.UNKNOWN,
        )  # fmt: skip
        return Gemma3ForConditionalGeneration(config)

    def fill(self) -> None:
        super().fill()
        for module in self.model.modules():
            if isinstance(module, Gemma3RMSNorm):  # multiplies by one more than its weight
                module.weight.data -= 1

    def build_processor(self) -> Gemma3ImageProcessor:
        return Gemma3ImageProcessor(size={"height": 224, "width": 224}, image_seq_length=16)

    def save(self, folder: Path) -> None:
        super().save(folder)
        rename_tensors(folder, (r"vision_tower\.", "vision_tower.vision_model."))
        # The converter counts the tokens, to cut the embeddings that stand for none.
        (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": dict.fromkeys(vocabulary.TOKENS)}, "added_tokens": []}))

    def pixels(self, image: Image.Image) -> dict[str, torch.Tensor]:
        return {"pixel_values": self.processor(images=[image], return_tensors="pt")["pixel_values"]}

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output[0]

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        kinds = torch.tensor([[1 if t == vocabulary.IMAGE else 0 for t in tokens]])
        return self.model(input_ids=torch.tensor([tokens]), token_type_ids=kinds, **self.pixels(image)).logits[0].float()
