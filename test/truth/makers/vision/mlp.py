from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL import Image
from transformers import AutoModelForCausalLM, CLIPVisionModel, LlavaConfig, LlavaForConditionalGeneration
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from .. import vocabulary
from ..converter import convert
from ..family import VisionFamily
from ..gguf_file import write_projector

SIDE, PATCH = 112, 14
TEXT = {
    "model_type": "llama", "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
    "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS,
}  # fmt: skip


def vision_config(layers: int) -> dict[str, Any]:
    return {
        "model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": layers,
        "num_attention_heads": 2, "image_size": SIDE, "patch_size": PATCH, "projection_dim": 64, "hidden_act": "quick_gelu",
    }  # fmt: skip


def tower_tensors(tower: CLIPVisionModel, layers: int) -> dict[str, torch.Tensor]:
    """The first `layers` layers of a CLIP tower, named as the LLaVA script of llama.cpp names them (no last norm, fc1 is "ffn_down")."""
    tower = getattr(tower, "vision_model", tower)
    tensors = {
        "v.class_embd": tower.embeddings.class_embedding,
        "v.patch_embd.weight": tower.embeddings.patch_embedding.weight,
        "v.position_embd.weight": tower.embeddings.position_embedding.weight,
        "v.pre_ln.weight": tower.pre_layrnorm.weight,
        "v.pre_ln.bias": tower.pre_layrnorm.bias,
    }
    parts = {
        "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_out": "self_attn.out_proj",
        "ln1": "layer_norm1", "ln2": "layer_norm2", "ffn_down": "mlp.fc1", "ffn_up": "mlp.fc2",
    }  # fmt: skip
    for i, layer in enumerate(tower.encoder.layers[:layers]):
        for name, part in parts.items():
            module = layer.get_submodule(part)
            tensors |= {f"v.blk.{i}.{name}.weight": module.weight, f"v.blk.{i}.{name}.bias": module.bias}
    return tensors


def tower_keys(config: Any, processor: Any, layers: int) -> dict[str, Any]:
    return {
        "image_size": config.image_size,
        "patch_size": config.patch_size,
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.intermediate_size,
        "projection_dim": config.projection_dim,
        "attention.head_count": config.num_attention_heads,
        "attention.layer_norm_epsilon": config.layer_norm_eps,
        "block_count": layers,
        "image_mean": processor.image_mean,
        "image_std": processor.image_std,
    }


def write_text_model(model: Any, folder: Path, out: Path, ftype: str) -> None:
    """The language model alone, as the surgery scripts of llama.cpp leave it."""
    text = AutoModelForCausalLM.from_config(model.config.text_config)
    weights = {f"model.{name}": value for name, value in model.model.language_model.state_dict().items()}
    text.load_state_dict({**weights, "lm_head.weight": model.lm_head.weight})
    text.save_pretrained(folder)
    convert(folder, out, mmproj=False, ftype=ftype)


class LlavaDropped(VisionFamily):
    """LLaVA 1.5 as its script writes it: the CLIP tower's last layer is left out of the file, and all that are in it are run.

    The picture is made square before it is resized, as LLaVA's own code does (`image_aspect_ratio: pad`, `expand2square`);
    transformers' checkpoints of LLaVA 1.5 name CLIP's processor, which cuts the middle out instead. Pillow resizes, as in LLaVA's code;
    torchvision rounds one value in a thousand otherwise, and the first norm makes much of that where patches are all padding. Twelve
    layers are a depth that real CLIP towers have.
    """

    name: ClassVar[str] = "mlp_dropped"
    kind = "mlp"
    native = (SIDE, SIDE)
    layers: ClassVar[int] = 12
    feature_layer: ClassVar[int] = -2

    def build(self) -> Any:
        config = LlavaConfig(
            text_config=TEXT, vision_config=vision_config(self.layers), image_token_index=vocabulary.IMAGE,
            vision_feature_layer=self.feature_layer, image_seq_length=(SIDE // PATCH) ** 2, tie_word_embeddings=False,
        )  # fmt: skip
        return LlavaForConditionalGeneration(config)

    def build_processor(self) -> Any:
        return LlavaImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, do_pad=True)

    def written(self) -> tuple[int, dict[str, Any]]:
        """How many layers the file holds, and what it says about the one that is taken."""
        return self.layers - 1, {}

    def more_tensors(self) -> dict[str, torch.Tensor]:
        return {}

    def write(self, out: Path, ftype: str) -> None:
        write_text_model(self.model, out / "hf", out / "model.gguf", ftype)
        layers, keys = self.written()
        projector = self.model.model.multi_modal_projector
        tensors = tower_tensors(self.model.model.vision_tower, layers) | self.more_tensors()
        for i, part in ((0, projector.linear_1), (2, projector.linear_2)):
            tensors |= {f"mm.{i}.weight": part.weight, f"mm.{i}.bias": part.bias}
        write_projector(
            out / "mmproj.gguf",
            "mlp",
            vision=tower_keys(self.model.config.vision_config, self.processor, layers) | keys,
            tensors=tensors,
            ftype=ftype,
            general={"clip.has_llava_projector": True, "clip.use_gelu": False, "general.description": "image encoder for LLaVA"},
        )

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(list(self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output))


class LlavaWhole(LlavaDropped):
    """LLaVA 1.5 with its CLIP tower written whole and no word about the layer that is taken: the last is not run."""

    name = "mlp_whole"

    def written(self) -> tuple[int, dict[str, Any]]:
        return self.layers, {}


class LlavaFeatureLayer(LlavaDropped):
    """LLaVA 1.5 with the layer that is taken named in the file, which ends with it."""

    name = "mlp"
    layers = 4

    def written(self) -> tuple[int, dict[str, Any]]:
        last = self.layers + 1 + self.feature_layer
        return last, {"feature_layer": [last]}
