from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from PIL import Image
from torchvision.transforms.v2 import functional as tv
from transformers import CLIPImageProcessor, NemotronHConfig
from transformers.models.nemotron_h_omni import NemotronH_Omni_Reasoning_V3, NemotronH_Omni_Reasoning_V3_Config

from .. import vocabulary
from ..family import VisionFamily

_SIDE, _TILES = 64, 12
_MOE = ("moe_", "num_experts", "mtp_", "n_routed", "n_shared", "topk_group", "layers_block_type")


def _grid(width: int, height: int) -> tuple[int, int]:
    """Columns and rows of tiles: the proportion that is nearest, and of two as near the larger where the picture has half its pixels."""
    grids = [(x, y) for x in range(1, _TILES + 1) for y in range(1, _TILES + 1) if x * y <= _TILES]
    nearest, best = math.inf, (1, 1)
    for x, y in sorted(grids, key=lambda grid: grid[0] * grid[1]):
        off = abs(width / height - x / y)
        if off < nearest or (off == nearest and width * height > 0.5 * _SIDE * _SIDE * x * y):
            nearest, best = off, (x, y)
    return best


class NemotronV2VL(VisionFamily):
    """C-RADIO's tower with ten tokens before the patches, tiles row by row and then the whole picture, all between one <img> and </img>.

    The makers' model is transformers' Nemotron-H Omni, which has the same tower, projector and text model; its preprocessor is another
    one, so that the published NemotronNanoVLV2ImageProcessor's is written anew here: bicubic with antialias on floats, which are not
    clamped. Tiles of 64 pixels in the place of 512. The position table has the tile's size, because the converter shrinks it by itself.
    """

    name = kind = "nemotron_v2_vl"
    maker = "transformers; own reading of nvidia/NVIDIA-Nemotron-Nano-12B-v2-VL-BF16 (image_processing.py)"
    before, after = "<img>", "</img>"
    native = (_SIDE, _SIDE)

    def build(self) -> NemotronH_Omni_Reasoning_V3:
        text = NemotronHConfig(
            vocab_size=vocabulary.SIZE, hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
            hybrid_override_pattern="M-*-", ssm_state_size=16, mamba_num_heads=4, mamba_head_dim=16, n_groups=2, chunk_size=64,
            max_position_embeddings=8192, bos_token_id=vocabulary.BOS, eos_token_id=vocabulary.EOS,
        )  # fmt: skip
        vision = {
            "model_type": "radio", "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "mlp_ratio": 2.0,
            "max_img_size": _SIDE, "video_temporal_patch_size": 2,
        }  # fmt: skip
        config = NemotronH_Omni_Reasoning_V3_Config(
            text_config=text, vision_config=vision, audio_config=None, vision_hidden_size=64, projector_hidden_size=96,
            image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN, audio_token_id=vocabulary.UNKNOWN,
        )  # fmt: skip
        return NemotronH_Omni_Reasoning_V3(config)

    def fill(self) -> None:
        super().fill()
        for name, weight in self.model.named_parameters():
            if "layer_scale" in name:
                torch.nn.init.ones_(weight)  # which the published tower has not

    def build_processor(self) -> CLIPImageProcessor:
        return CLIPImageProcessor()  # for its mean and deviation alone

    def save(self, folder: Path) -> None:
        state = {name: weight for name, weight in self.model.state_dict().items() if "layer_scale" not in name}  # as the published files
        self.model.save_pretrained(folder, state_dict=state)
        statistics = {"norm_mean": self.processor.image_mean, "norm_std": self.processor.image_std}
        (folder / "preprocessor_config.json").write_text(json.dumps(statistics))  # the published names
        config = json.loads((folder / "config.json").read_text())
        text = config["text_config"]
        # The layout of the published config.json, which transformers' AutoConfig, asked first by the converter, must not know.
        published = {
            "architectures": ["NemotronH_Nano_VL_V2"], "model_type": "published", "force_image_size": _SIDE, "downsample_ratio": 0.5,
            "vision_config": {"patch_size": 16}, "llm_config": text,
        }  # fmt: skip
        for name in [name for name in text if name.startswith(_MOE) or name == "n_group"]:
            del text[name]
        text |= {"architectures": ["NemotronHForCausalLM"], "hybrid_override_pattern": "M-*-", "num_hidden_layers": 4}
        (folder / "config.json").write_text(json.dumps(published))

    def write(self, out: Path, ftype: str) -> None:
        from conversion.nemotron import NemotronNanoV2VLModel

        sizes: Any = {"_vit_hidden_size": 64, "_vit_intermediate_size": 128, "_vit_num_layers": 4, "_vit_num_heads": 4}
        with mock.patch.multiple(NemotronNanoV2VLModel, **sizes):
            super().write(out, ftype)

    def pixels(self, image: Image.Image) -> dict[str, Any]:
        picture = tv.to_dtype(tv.pil_to_tensor(image), torch.float32, scale=True)
        columns, rows = _grid(*image.size)

        def resize(width: int, height: int) -> torch.Tensor:
            return tv.resize(picture, [height, width], interpolation=tv.InterpolationMode.BICUBIC, antialias=True)

        whole = resize(columns * _SIDE, rows * _SIDE)
        tiles = [tile for row in whole.split(_SIDE, dim=1) for tile in row.split(_SIDE, dim=2)]
        if len(tiles) > 1:
            tiles.append(resize(_SIDE, _SIDE))
        mean, deviation = self.processor.image_mean, self.processor.image_std
        patches = tv.normalize(torch.stack(tiles), mean, deviation).unfold(2, 16, 16).unfold(3, 16, 16).permute(0, 2, 3, 1, 4, 5)
        grid = torch.tensor([[_SIDE // 16, _SIDE // 16]] * len(tiles))
        return {"pixel_values": patches.reshape(-1, 3 * 16 * 16), "image_grid_hw": grid}

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output)
