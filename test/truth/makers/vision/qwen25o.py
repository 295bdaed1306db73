from __future__ import annotations

import json
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import Qwen2_5OmniThinkerConfig, Qwen2_5OmniThinkerForConditionalGeneration, Qwen2VLImageProcessor

from .. import vocabulary
from ..family import VisionFamily


class Qwen25Omni(VisionFamily):
    """Qwen2.5-VL's tower beside one for sounds in the same file; pictures stand between <|vision_bos|> and <|vision_eos|>.

    libmtmd's limits, which the file cannot say: 8 to 4096 tokens. The makers' are those of the checkpoint's preprocessor_config.json.
    """

    name = kind = "qwen2.5o"
    before, after = "{", "}"
    native = (224, 168)
    special = {"{": "<|vision_bos|>", "}": "<|vision_eos|>"}

    def build(self) -> Qwen2_5OmniThinkerForConditionalGeneration:
        config = Qwen2_5OmniThinkerConfig(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
                "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
            },
            vision_config={
                "depth": 4, "hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 64, "num_heads": 2, "window_size": 112,
                "fullatt_block_indexes": [1, 3],
            },
            audio_config={
                "d_model": 32, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32, "output_dim": 64, "n_window": 10,
                "max_source_positions": 100, "num_mel_bins": 16,
            },
            image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN, audio_token_id=vocabulary.UNKNOWN,
            vision_start_token_id=vocabulary.encode("{")[0], vision_end_token_id=vocabulary.encode("}")[0],
        )  # fmt: skip
        return Qwen2_5OmniThinkerForConditionalGeneration(config)

    def build_processor(self) -> Qwen2VLImageProcessor:
        return Qwen2VLImageProcessor(size={"shortest_edge": 8 * 28 * 28, "longest_edge": 4096 * 28 * 28})

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.processor.save_pretrained(folder)
        # The thinker as a part of the whole model, with the names of the published files.
        renames = {"model.visual.": "visual.", "model.audio_tower.": "audio_tower.", "model.language_model.": "model."}
        weights = {}
        for name, weight in self.model.state_dict().items():
            old = next((old for old in renames if name.startswith(old)), "")
            weights[f"thinker.{renames.get(old, '')}{name.removeprefix(old)}"] = weight.contiguous()
        save_file(weights, folder / "model.safetensors")
        thinker = self.model.config.to_dict()
        (folder / "config.json").write_text(json.dumps({
            "architectures": ["Qwen2_5OmniModel"], "model_type": "qwen2_5_omni", "thinker_config": thinker, "enable_audio_output": False,
        }))  # fmt: skip

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(list(self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output))

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        ids = torch.tensor([tokens])
        # Without a mask the makers' code gives no positions in three dimensions.
        return self.model(input_ids=ids, attention_mask=torch.ones_like(ids), **self.pixels(image)).logits[0].float()
