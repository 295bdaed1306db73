from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import Phi3Config, Phi3ForCausalLM, Siglip2ImageProcessorPil, Siglip2VisionConfig, Siglip2VisionModel

from .. import vocabulary
from ..family import VisionFamily
from ..layout import edit_json

_PATCH, _LEAST, _MOST = 16, 16, 100


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.language_model = Phi3ForCausalLM(
            Phi3Config(
                vocab_size=vocabulary.SIZE, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, max_position_embeddings=4096, original_max_position_embeddings=4096,
                bos_token_id=vocabulary.BOS, eos_token_id=vocabulary.EOS, pad_token_id=vocabulary.UNKNOWN,
            )
        )  # fmt: skip
        self.vision_tower = Siglip2VisionModel(
            Siglip2VisionConfig(
                hidden_size=64, intermediate_size=96, num_hidden_layers=4, num_attention_heads=4, patch_size=_PATCH, num_patches=64
            )
        )
        self.mm_projector = nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 64))


class Phi4(VisionFamily):
    """Phi-4-reasoning-vision: SigLIP 2 for any size, without its last layer, under an MLP; the text model is Phi-3's.

    The makers' remote code (github.com/microsoft/Phi-4-reasoning-vision-15B, Siglip2ImageProcessorNoUpscale) is read, not run: it
    clamps the picture's own number of patches and leaves the rest to transformers' classes, as is done here. It resizes with Pillow.
    """

    name = kind = "phi4"
    maker = "own reading of microsoft/Phi-4-reasoning-vision-15B"
    native = (128, 128)

    def build(self) -> _Model:
        return _Model()

    def build_processor(self) -> Any:
        return Siglip2ImageProcessorPil(patch_size=_PATCH)

    def save(self, folder: Path) -> None:
        self.model.language_model.save_pretrained(folder)
        self.processor.save_pretrained(folder)
        tensors = {f"model.vision_tower.vision_tower.vision_model.{k}": v for k, v in self.model.vision_tower.state_dict().items()}
        tensors.update({f"model.mm_projector.{k}": v for k, v in self.model.mm_projector.state_dict().items()})
        file = folder / "model.safetensors"
        save_file({**load_file(file), **tensors}, file, metadata={"format": "pt"})
        limits = {"min_num_patches": _LEAST, "max_num_patches": _MOST}
        edit_json(folder / "preprocessor_config.json", lambda content: content.update(limits))
        vision = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4}
        about = {"architectures": ["Phi4ForCausalLMV"], "vision_config": vision, **limits}
        edit_json(folder / "config.json", lambda content: content.update(about))

    def pixels(self, image: Image.Image) -> dict[str, torch.Tensor]:
        patches = max((image.width // _PATCH) * (image.height // _PATCH), 1)
        return dict(self.processor(images=[image], max_num_patches=min(max(patches, _LEAST), _MOST), return_tensors="pt"))

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        inputs = self.pixels(image)
        hidden = self.model.vision_tower(**inputs, output_hidden_states=True).hidden_states[-2]
        return self.model.mm_projector(hidden[inputs["pixel_attention_mask"].bool()])

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        ids = torch.tensor([tokens])
        embeddings = self.model.language_model.get_input_embeddings()(ids)
        embeddings[ids == vocabulary.IMAGE] = self.features(image)
        return self.model.language_model(inputs_embeds=embeddings).logits[0].float()
