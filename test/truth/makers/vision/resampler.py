from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from PIL import Image
from torch import nn
from transformers import MiniCPMV4_6Config, MiniCPMV4_6ImageProcessorPil, Qwen2Config, Qwen2ForCausalLM
from transformers.models.minicpmv4_6.modeling_minicpmv4_6 import MiniCPMV4_6VisionModel

from .. import vocabulary
from ..converter import convert
from ..family import VisionFamily

_WIDTH, _TEXT_WIDTH, _LAYERS, _SIZE, _QUERIES = 64, 256, 3, 112, 64


class _ImageProcessor(MiniCPMV4_6ImageProcessorPil):
    # The earlier models merge no patches, so that sides are whole patches; else their processor does the same.
    def find_best_resize(
        self, image_size: Any, scale_resolution: int, patch_size: int, downsample_mode: str, allow_upscale: bool = False
    ) -> Any:
        return super().find_best_resize(image_size, scale_resolution, patch_size // 2, "4x", allow_upscale)


def _waves(positions: torch.Tensor, width: int) -> torch.Tensor:
    angles = positions.flatten()[:, None] * 10000 ** -(torch.arange(width // 2) / (width / 2))
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class _Resampler(nn.Module):
    """Queries that are learnt attend to the patches, whose keys know their column (first half) and row."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(_QUERIES, _TEXT_WIDTH))
        self.kv_proj = nn.Linear(_WIDTH, _TEXT_WIDTH, bias=False)
        self.attn = nn.MultiheadAttention(_TEXT_WIDTH, _TEXT_WIDTH // 128, batch_first=True)
        self.ln_q, self.ln_kv, self.ln_post = (nn.LayerNorm(_TEXT_WIDTH, eps=1e-6) for _ in range(3))
        self.proj = nn.Parameter(torch.zeros(_TEXT_WIDTH, _TEXT_WIDTH))

    def forward(self, patches: torch.Tensor, rows: int, cols: int) -> torch.Tensor:
        y, x = torch.meshgrid(torch.arange(rows).float(), torch.arange(cols).float(), indexing="ij")
        places = torch.cat([_waves(x, _TEXT_WIDTH // 2), _waves(y, _TEXT_WIDTH // 2)], dim=1)
        values = self.ln_kv(self.kv_proj(patches))
        attended, _ = self.attn(self.ln_q(self.query)[None], (values + places)[None], values[None])
        return self.ln_post(attended[0]) @ self.proj


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.llm = Qwen2ForCausalLM(
            Qwen2Config(
                vocab_size=vocabulary.SIZE, hidden_size=_TEXT_WIDTH, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, max_position_embeddings=8192, bos_token_id=vocabulary.BOS, eos_token_id=vocabulary.EOS,
            )
        )  # fmt: skip
        vision = {
            "hidden_size": _WIDTH, "intermediate_size": 96, "num_hidden_layers": _LAYERS, "num_attention_heads": 4, "image_size": 980,
            "patch_size": 14,
        }  # fmt: skip
        self.vpm = MiniCPMV4_6VisionModel(MiniCPMV4_6Config(text_config={"hidden_size": 64}, vision_config=vision).vision_config)
        self.resampler = _Resampler()


class MiniCPMV26(VisionFamily):
    """MiniCPM-V 2.6 (minicpmv_version 3): SigLIP for any size under a resampler; slices follow the whole picture.

    The makers' remote code is read by way of vLLM's minicpmv.py; tower and slicing are transformers' of MiniCPM-V 4.6, which are the
    same but for the mergers. The file is written here, with the names of llama.cpp's legacy script, which only reads whole checkpoints.
    """

    name = kind = "resampler"
    maker = "own reading of vLLM"
    special = {"~": "<image>", "`": "</image>", "{": "<slice>", "}": "</slice>"}
    native = (112, 112)

    def build(self) -> _Model:
        return _Model()

    def build_processor(self) -> Any:
        return _ImageProcessor(scale_resolution=_SIZE)

    def save(self, folder: Path) -> None:
        self.model.llm.save_pretrained(folder)

    def write(self, out: Path, ftype: str) -> None:
        self.save(out / "hf")
        convert(out / "hf", out / "model.gguf", mmproj=False, ftype=ftype, special=self.special)
        writer = gguf.GGUFWriter(out / "mmproj.gguf", arch="clip")
        writer.add_bool("clip.has_vision_encoder", True)
        writer.add_bool("clip.has_minicpmv_projector", True)
        writer.add_string("clip.projector_type", "resampler")
        writer.add_int32("clip.minicpmv_version", 3)
        writer.add_uint32("clip.minicpmv_query_num", _QUERIES)
        writer.add_bool("clip.use_gelu", True)
        for key, value in {
            "image_size": _SIZE, "patch_size": 14, "embedding_length": _WIDTH, "feed_forward_length": 96, "projection_dim": 0,
            "attention.head_count": 4, "block_count": _LAYERS,
        }.items():  # fmt: skip
            writer.add_uint32(f"clip.vision.{key}", value)
        writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
        writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
        writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
        for name, tensor in self._tensors().items():
            narrow = ftype == "f16" and tensor.ndim > 1 and name.endswith(".weight")
            writer.add_tensor(name, tensor.numpy().astype(np.float16 if narrow else np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def _tensors(self) -> dict[str, torch.Tensor]:
        tensors = {}
        for name, tensor in self.model.vpm.state_dict().items():
            for old, new in {
                "encoder.layers": "blk", "embeddings.": "", "_proj": "", "self_attn.": "attn_", "layer_norm": "ln",
                "layernorm": "ln", "mlp.fc1": "ffn_down", "mlp.fc2": "ffn_up", "embedding": "embd",
            }.items():  # fmt: skip
                name = name.replace(old, new)
            if "vit_merger" not in name:
                tensors[f"v.{name}"] = tensor
        for name, tensor in self.model.resampler.state_dict().items():
            if name.startswith("attn.in_proj_"):
                for part, rows in zip("qkv", tensor.chunk(3)):
                    tensors[f"resampler.attn.{part}.{name.removeprefix('attn.in_proj_')}"] = rows
            elif name == "proj":
                tensors["resampler.proj.weight"] = tensor.T.contiguous()
            else:
                tensors["resampler." + name.replace("_proj", "")] = tensor
        tensors["resampler.pos_embed_k"] = torch.zeros(1, _TEXT_WIDTH)  # libmtmd wants it, and computes its own
        return tensors

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        made = self.processor(images=[image], return_tensors="pt")
        sizes = made["target_sizes"]
        hidden = self.model.vpm(made["pixel_values"], target_sizes=sizes, use_vit_merger=False).last_hidden_state[0]
        parts = hidden.split(sizes.prod(-1).tolist())
        return torch.cat([self.model.resampler(part, *size) for part, size in zip(parts, sizes.tolist())])

    def image_tokens(self, image: Image.Image) -> list[int]:
        rows, cols = self.processor(images=[image], return_tensors="pt")["grids"][0]
        tokens = vocabulary.encode("<image_id>0</image_id>~") + [vocabulary.IMAGE] * _QUERIES + vocabulary.encode("`")
        for row in range(rows):
            tokens += (vocabulary.encode("{") + [vocabulary.IMAGE] * _QUERIES + vocabulary.encode("}")) * cols
            if row < rows - 1:
                tokens += vocabulary.encode("\n")
        return tokens

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        ids = torch.tensor([tokens])
        embeddings = self.model.llm.get_input_embeddings()(ids)
        embeddings[ids == vocabulary.IMAGE] = self.features(image)
        return self.model.llm(inputs_embeds=embeddings).logits[0].float()
