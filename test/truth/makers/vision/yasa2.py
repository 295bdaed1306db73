from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from PIL import Image
from torch import nn
from transformers import ConvNextImageProcessorPil, ConvNextV2Config, ConvNextV2Model, LlamaConfig, LlamaForCausalLM

from .. import vocabulary
from ..converter import convert
from ..family import VisionFamily

_WIDTHS, _SIZE, _GRID = [16, 24, 32, 64], 512, 50


def _waves(positions: torch.Tensor, width: int) -> torch.Tensor:
    angles = positions.flatten()[:, None] * 10000 ** -(torch.arange(width // 2) / (width / 2))
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.language_model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=vocabulary.SIZE, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=vocabulary.BOS, eos_token_id=vocabulary.EOS,
            )
        )  # fmt: skip
        self.vision_model = ConvNextV2Model(ConvNextV2Config(hidden_sizes=_WIDTHS, depths=[1, 1, 2, 1], image_size=_SIZE))
        self.language_projection = nn.Sequential(nn.Linear(_WIDTHS[-1], 64), nn.GELU(), nn.Linear(64, 64))


class Yasa2(VisionFamily):
    """Reka Edge: ConvNeXt V2, waves for the places, 8 x 8 tokens by averages. A Llama stands for the text model.

    The makers' code for vLLM (github.com/reka-ai/vllm-reka, edge_model.py) is read, not run, with USE_IMAGE_PATCHING=0: by default it
    also cuts large pictures into up to four tiles, which libmtmd does not. The places are those of the first tokens of a table of 50 x 50,
    whatever the picture's own rows, as it is there (but in F32, where theirs are rounded to bfloat16). The file is written here, with the
    names of the makers' own converter.
    """

    name = kind = "yasa2"
    maker = "own reading of reka-ai/vllm-reka"
    before, after = "<image>", "</image>"
    native = (512, 512)

    def build(self) -> _Model:
        return _Model()

    def build_processor(self) -> Any:
        return ConvNextImageProcessorPil(
            size={"shortest_edge": _SIZE}, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225]
        )

    def _places(self) -> torch.Tensor:
        y, x = torch.meshgrid(torch.arange(_GRID).float(), torch.arange(_GRID).float(), indexing="ij")
        half = _WIDTHS[-1] // 2
        table = torch.cat([_waves(x, half), _waves(y, half)], dim=1)
        return table[: (_SIZE // 32) ** 2]

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        hidden = self.model.vision_model(**self.pixels(image)).last_hidden_state
        placed = hidden.flatten(2) + self._places().T
        pooled = nn.functional.adaptive_avg_pool2d(placed.reshape(hidden.shape), 8)
        return self.model.language_projection(pooled[0].flatten(1).T)

    def write(self, out: Path, ftype: str) -> None:
        self.model.language_model.save_pretrained(out / "hf")
        convert(out / "hf", out / "model.gguf", mmproj=False, ftype=ftype, special=self.special)
        writer = gguf.GGUFWriter(out / "mmproj.gguf", arch="clip")
        writer.add_bool("clip.has_vision_encoder", True)
        writer.add_string("clip.projector_type", "yasa2")
        for key, value in {
            "image_size": _SIZE, "patch_size": 4, "embedding_length": _WIDTHS[-1], "feed_forward_length": 4 * _WIDTHS[-1],
            "projection_dim": 64, "attention.head_count": 1, "block_count": 0,
        }.items():  # fmt: skip
            writer.add_uint32(f"clip.vision.{key}", value)
        writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
        writer.add_array("clip.vision.image_mean", [0.485, 0.456, 0.406])
        writer.add_array("clip.vision.image_std", [0.229, 0.224, 0.225])
        for name, tensor in self._tensors().items():
            narrow = ftype == "f16" and tensor.ndim > 1 and name.endswith(".weight")
            writer.add_tensor(name, tensor.contiguous().numpy().astype(np.float16 if narrow else np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def _tensors(self) -> dict[str, torch.Tensor]:
        tensors = {"v.vision_pos_embed": self._places()}
        for name, tensor in self.model.vision_model.state_dict().items():
            for old, new in {
                "embeddings.patch_embeddings": "v.patch_embd", "embeddings.layernorm": "v.patch_ln", "encoder.stages": "v.stage",
                "downsampling_layer.0": "down.ln", "downsampling_layer.1": "down.conv", "layers": "blk", "dwconv": "dw", "pwconv": "pw",
                ".layernorm": ".ln", "grn.bias": "grn.bias",
            }.items():  # fmt: skip
                name = name.replace(old, new)
            if name.startswith("v."):
                tensors[name] = tensor.flatten() if ".grn." in name else tensor
        for name, tensor in self.model.language_projection.state_dict().items():
            tensors[f"mm.{name}"] = tensor
        return tensors

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        ids = torch.tensor([tokens])
        embeddings = self.model.language_model.get_input_embeddings()(ids)
        embeddings[ids == vocabulary.IMAGE] = self.features(image)
        return self.model.language_model(inputs_embeds=embeddings).logits[0].float()
