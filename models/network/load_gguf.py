"""The network from its two GGUF files, so that what is measured is what ships, quantisation included."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from torch import Tensor

from network.export_gguf import DECODER_FILE, PROJECTOR_FILE
from network.model import MedInferTiny, Shape


def read_tensors(reader: GGUFReader) -> dict[str, Tensor]:
    """All tensors as float32, in PyTorch's order of dimensions."""
    return {tensor.name: torch.from_numpy(np.array(dequantize(tensor.data, tensor.tensor_type), np.float32))
            for tensor in reader.tensors}


def read_number(reader: GGUFReader, key: str) -> int:
    """One integer of the metadata."""
    return int(reader.fields[key].contents())


def load_model(folder: Path) -> MedInferTiny:
    """Build the network from the files in `folder`."""
    text, vision = GGUFReader(folder / DECODER_FILE), GGUFReader(folder / PROJECTOR_FILE)
    tensors = read_tensors(text) | read_tensors(vision)
    shape = Shape(
        vocab=tensors["token_embd.weight"].shape[0],
        patch=read_number(vision, "clip.vision.patch_size"),
        width=read_number(text, "llama.embedding_length"),
        heads=read_number(text, "llama.attention.head_count"),
        vision_layers=read_number(vision, "clip.vision.block_count"),
        vision_feed_forward=read_number(vision, "clip.vision.feed_forward_length"),
        projector_hidden=tensors["mm.0.weight"].shape[0],
        text_layers=read_number(text, "llama.block_count"),
        text_feed_forward=read_number(text, "llama.feed_forward_length"),
        context=read_number(text, "llama.context_length"),
    )
    state = {
        "vision.patches.weight": tensors["v.patch_embd.weight"].flatten(1), "vision.positions": tensors["v.position_embd.weight"],
        "vision.post_norm.weight": tensors["v.post_ln.weight"], "vision.post_norm.bias": tensors["v.post_ln.bias"],
        "decoder.embedding.weight": tensors["token_embd.weight"], "decoder.norm.weight": tensors["output_norm.weight"],
    }
    for kind in ("weight", "bias"):
        for ours, theirs in (("inner", "mm.0"), ("outer", "mm.2")):
            state[f"projector.{ours}.{kind}"] = tensors[f"{theirs}.{kind}"]
        for index in range(shape.vision_layers):
            block, ours = f"v.blk.{index}.", f"vision.blocks.{index}."
            state[f"{ours}qkv.{kind}"] = torch.cat([tensors[f"{block}attn_{part}.{kind}"] for part in "qkv"])
            for mine, theirs in (("ln1", "ln1"), ("ln2", "ln2"), ("out", "attn_out"), ("up", "ffn_up"), ("down", "ffn_down")):
                state[f"{ours}{mine}.{kind}"] = tensors[f"{block}{theirs}.{kind}"]
    for index in range(shape.text_layers):
        block, ours = f"blk.{index}.", f"decoder.blocks.{index}."
        state[f"{ours}qkv.weight"] = torch.cat([tensors[f"{block}attn_{part}.weight"] for part in "qkv"])
        state[f"{ours}gate_up.weight"] = torch.cat([tensors[f"{block}ffn_{part}.weight"] for part in ("gate", "up")])
        names = {"attention_norm": "attn_norm", "feed_forward_norm": "ffn_norm", "out": "attn_output", "down": "ffn_down"}
        for mine, theirs in names.items():
            state[f"{ours}{mine}.weight"] = tensors[f"{block}{theirs}.weight"]
    model = MedInferTiny(shape)
    model.load_state_dict(state)
    return model.eval()
