"""llama.cpp's own converter, with our vocabulary in the place of a tokeniser's files."""

from __future__ import annotations

import functools
import logging
import os
import sys
from pathlib import Path

import torch

_llama = Path(os.environ.get("MEDINFER_LLAMA_CPP") or Path(__file__).parents[3] / "native" / "llama.cpp")
sys.path[:0] = [str(_llama), str(_llama / "gguf-py")]

import gguf  # noqa: E402
from conversion import ModelBase, ModelType, get_model_architecture, get_model_class  # noqa: E402

from . import vocabulary  # noqa: E402

logging.getLogger("hf-to-gguf").setLevel(logging.WARNING)


def convert(folder: Path, out: Path, *, mmproj: bool, ftype: str = "f32", special: dict[str, str] | None = None) -> None:
    """Writes the model that was saved in `folder` (config.json, safetensors, preprocessor_config.json) as a GGUF file."""
    kind = ModelType.MMPROJ if mmproj else ModelType.TEXT
    file_type = {"f32": gguf.LlamaFileType.ALL_F32, "f16": gguf.LlamaFileType.MOSTLY_F16}[ftype]

    def write_vocabulary(self: ModelBase) -> None:
        vocabulary.write(self.gguf_writer, special)

    with torch.inference_mode():
        hparams = ModelBase.load_hparams(folder, False)
        known = get_model_class(get_model_architecture(hparams, kind), mmproj=mmproj)
        # Without the layers that predict further tokens: transformers has none of them.
        own = type(known.__name__, (known,), {"set_vocab": write_vocabulary, "model_arch": known.model_arch, "no_mtp": True})
        made = own(folder, file_type, out)
        if hasattr(made, "impl"):  # a converter that hands all over to another
            made.impl.set_vocab = functools.partial(write_vocabulary, made.impl)
        made.write()
