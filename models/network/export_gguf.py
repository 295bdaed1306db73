"""Write the trained network as the two GGUF files llama.cpp loads: the decoder, and the projector with its vision tower."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType
from gguf.quants import quantize
from torch import Tensor

from language import prompts, tokenizer
from network import image_input
from network.model import MedInferTiny

DECODER_FILE = "medinfer-tiny.gguf"
PROJECTOR_FILE = "medinfer-tiny-mmproj.gguf"


class File(GGUFWriter):
    """One file being written, its matrices in Q8_0 or in F16."""

    def __init__(self, path: Path, architecture: str, quantised: bool) -> None:
        super().__init__(path, architecture)
        self.quantised = quantised


def describe(writer: File, name: str, description: str) -> None:
    """General metadata."""
    writer.add_name(name)
    writer.add_author("medinfer contributors")
    writer.add_version("2")
    writer.add_license("MIT")
    writer.add_description(description)
    writer.add_file_type(LlamaFileType.MOSTLY_Q8_0 if writer.quantised else LlamaFileType.MOSTLY_F16)


def add(writer: File, name: str, tensor: Tensor) -> None:
    """Add one tensor. Vectors and positions stay F32 (llama.cpp adds those in F32), the patch kernel F16."""
    values = np.ascontiguousarray(tensor.detach().float().cpu().numpy())
    if values.ndim < 2 or "position_embd" in name:
        writer.add_tensor(name, values)
    elif values.ndim > 2 or not writer.quantised:
        writer.add_tensor(name, values.astype(np.float16))
    else:
        kind = GGMLQuantizationType.Q8_0
        writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)


def finish(writer: File) -> None:
    """Write everything and close."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def export_decoder(model: MedInferTiny, path: Path, quantised: bool) -> None:
    """The llama-architecture half, with the vocabulary and the chat template."""
    shape, vocab = model.shape, tokenizer.vocabulary()
    writer = File(path, "llama", quantised)
    describe(writer, "medinfer-tiny", "Tiny demonstration model that reads synthetic medical documents. Not for clinical use.")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.text_layers)
    writer.add_feed_forward_length(shape.text_feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(shape.eps)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_vocab_size(shape.vocab)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(list(vocab.pieces))
    writer.add_token_scores(list(vocab.scores))
    writer.add_token_types(list(vocab.types))
    writer.add_bos_token_id(tokenizer.BOS)
    writer.add_eos_token_id(tokenizer.EOS)
    writer.add_unk_token_id(tokenizer.UNK)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(prompts.CHAT_TEMPLATE)

    # no output.weight: llama.cpp then reuses the token embedding, which is how it was trained
    add(writer, "token_embd.weight", model.decoder.embedding.weight)
    add(writer, "output_norm.weight", model.decoder.norm.weight)
    for index, block in enumerate(model.decoder.blocks):
        prefix = f"blk.{index}."
        add(writer, prefix + "attn_norm.weight", block.attention_norm.weight)
        add(writer, prefix + "ffn_norm.weight", block.feed_forward_norm.weight)
        for part, weight in zip("qkv", block.qkv.weight.chunk(3)):
            add(writer, f"{prefix}attn_{part}.weight", weight)
        add(writer, prefix + "attn_output.weight", block.out.weight)
        gate, up = block.gate_up.weight.chunk(2)
        add(writer, prefix + "ffn_gate.weight", gate)
        add(writer, prefix + "ffn_up.weight", up)
        add(writer, prefix + "ffn_down.weight", block.down.weight)
    finish(writer)


def export_projector(model: MedInferTiny, path: Path, quantised: bool) -> None:
    """The vision half."""
    shape, vision = model.shape, model.vision
    writer = File(path, "clip", quantised)
    describe(writer, "medinfer-tiny-mmproj", "Vision tower and projector of medinfer-tiny. Not for clinical use.")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    sizes = {
        "image_size": image_input.IMAGE_SIZE, "patch_size": shape.patch, "embedding_length": shape.width,
        "feed_forward_length": shape.vision_feed_forward, "block_count": shape.vision_layers,
        "projection_dim": shape.width, "attention.head_count": shape.heads,
    }
    for key, value in sizes.items():
        writer.add_uint32(f"clip.vision.{key}", value)
    # llama.cpp's LLaVA graph stops before the last layer unless it is told which layer to take
    writer.add_array("clip.vision.feature_layer", [shape.vision_layers])
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", shape.eps)
    writer.add_array("clip.vision.image_mean", [image_input.MEAN] * 3)
    writer.add_array("clip.vision.image_std", [image_input.STD] * 3)

    add(writer, "v.patch_embd.weight", vision.patches.weight.unflatten(1, (3, shape.patch, shape.patch)))
    add(writer, "v.position_embd.weight", vision.positions)
    add(writer, "v.post_ln.weight", vision.post_norm.weight)
    add(writer, "v.post_ln.bias", vision.post_norm.bias)
    for index, block in enumerate(vision.blocks):
        prefix = f"v.blk.{index}."
        for name, norm in (("ln1", block.ln1), ("ln2", block.ln2)):
            add(writer, f"{prefix}{name}.weight", norm.weight)
            add(writer, f"{prefix}{name}.bias", norm.bias)
        for part, weight, bias in zip("qkv", block.qkv.weight.chunk(3), block.qkv.bias.chunk(3)):
            add(writer, f"{prefix}attn_{part}.weight", weight)
            add(writer, f"{prefix}attn_{part}.bias", bias)
        for name, linear in (("attn_out", block.out), ("ffn_up", block.up), ("ffn_down", block.down)):
            add(writer, f"{prefix}{name}.weight", linear.weight)
            add(writer, f"{prefix}{name}.bias", linear.bias)
    for name, linear in (("mm.0", model.projector.inner), ("mm.2", model.projector.outer)):
        add(writer, f"{name}.weight", linear.weight)
        add(writer, f"{name}.bias", linear.bias)
    finish(writer)


def export(model: MedInferTiny, folder: Path, quantised: bool) -> tuple[Path, Path]:
    """Write both files into `folder`; returns their paths (decoder, projector)."""
    folder.mkdir(parents=True, exist_ok=True)
    decoder, projector = folder / DECODER_FILE, folder / PROJECTOR_FILE
    export_decoder(model, decoder, quantised)
    export_projector(model, projector, quantised)
    return decoder, projector
