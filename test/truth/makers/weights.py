"""Random weights that compress well: fifteen values each, so that stored models take half a byte a weight."""

from __future__ import annotations

import hashlib

import torch

_LEVELS = 7


def _generator(name: str, seed: int) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))


def fill(model: torch.nn.Module, seed: int = 1, gain: float = 1.0) -> None:
    """Draws every floating-point parameter and buffer-like weight of `model` anew, each by its name and `seed`.

    Matrices get the scale that keeps activations of about one (`gain` / sqrt(inputs)); norms' weights lie around one; biases, embeddings
    and single vectors are large enough to matter, because a term that vanishes would hide that it was left out.
    """
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if not weight.is_floating_point():
                continue
            levels = torch.randint(-_LEVELS, _LEVELS + 1, weight.shape, generator=_generator(name, seed)).float() / 4
            is_norm = weight.ndim == 1 and name.endswith("weight")
            if is_norm:
                weight.copy_(1 + levels / 8)
            elif weight.ndim == 1:
                weight.copy_(levels / 8)
            elif "embed" in name or "position" in name or "class" in name:
                weight.copy_(levels / 4)
            else:
                inputs = weight.shape[-1] if "experts" in name and weight.ndim == 3 else weight[0].numel()
                weight.copy_(levels * gain * 2.0 ** round(-torch.log2(torch.tensor(float(inputs))).item() / 2))
