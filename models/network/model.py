"""The network in PyTorch: CLIP-style vision tower, two-layer projector, llama-architecture decoder.

Each part computes what llama.cpp computes for the exported tensors: tanh-approximated GELU, layer norm with eps 1e-5
and a final one after the last vision layer, RMS norm, interleaved rotary positions.

Patches and tokens carry their positions explicitly, so that training may leave out patches of a page: what a vision
layer or the decoder sees of the others does not depend on where they stand in memory.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from network.image_input import IMAGE_SIZE, MEAN, STD


@dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    vocab: int
    patch: int = 16
    width: int = 256
    heads: int = 4
    vision_layers: int = 6
    vision_feed_forward: int = 768
    projector_hidden: int = 512
    text_layers: int = 4
    text_feed_forward: int = 512
    context: int = 4096
    eps: float = 1e-5
    rope_base: float = 10000.0

    @property
    def side(self) -> int:
        """Patches along one side of the image."""
        return IMAGE_SIZE // self.patch

    @property
    def image_tokens(self) -> int:
        """Embeddings that one image takes in the context."""
        return self.side**2


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[batch, tokens, width] to [batch, heads, tokens, head width]."""
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """The inverse of split_heads()."""
    return x.transpose(1, 2).flatten(2)


def attention(query: Tensor, key: Tensor, value: Tensor, sees: Tensor | None = None) -> Tensor:
    """Attention over [batch, heads, tokens, head width]; where `sees` is given, only over what is true in it.

    Written out, because the fused kernel's backward pass is half as fast on a CPU at these lengths (8 pages of 384
    patches: 81 ms a layer, 43 ms like this).
    """
    scores = (query * query.shape[3] ** -0.5) @ key.transpose(2, 3)
    if sees is not None:
        scores = scores.masked_fill(~sees, -1e9)
    return scores.softmax(dim=3, dtype=scores.dtype) @ value


class VisionBlock(nn.Module):
    """One pre-norm transformer layer of the vision tower."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.ln1 = nn.LayerNorm(shape.width, eps=shape.eps)
        self.ln2 = nn.LayerNorm(shape.width, eps=shape.eps)
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.up = nn.Linear(shape.width, shape.vision_feed_forward)
        self.down = nn.Linear(shape.vision_feed_forward, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (split_heads(part, self.heads) for part in self.qkv(self.ln1(x)).chunk(3, dim=2))
        x = x + self.out(merge_heads(attention(query, key, value)))
        return x + self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh"))


class VisionTower(nn.Module):
    """Patches of an image to one embedding per patch."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.patches = nn.Linear(3 * shape.patch**2, shape.width, bias=False)
        self.positions = nn.Parameter(torch.zeros(shape.image_tokens, shape.width))
        self.blocks = nn.ModuleList(VisionBlock(shape) for _ in range(shape.vision_layers))
        self.post_norm = nn.LayerNorm(shape.width, eps=shape.eps)

    def forward(self, patches: Tensor, places: Tensor) -> Tensor:
        """uint8 [batch, n, 3 * patch²] pixels (see image_input.patches_of) and their places [batch, n] in the grid, row by
        row, to [batch, n, width]."""
        x = self.patches((patches.float() / 255.0 - MEAN) / STD) + self.positions[places]
        for block in self.blocks:
            x = block(x)
        return self.post_norm(x)


class Projector(nn.Module):
    """LLaVA's two-layer MLP from vision width to text width."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.inner = nn.Linear(shape.width, shape.projector_hidden)
        self.outer = nn.Linear(shape.projector_hidden, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(F.gelu(self.inner(x), approximate="tanh"))


class Normalise(torch.autograd.Function):
    """x / rms(x) * gain with a backward pass of few operations: PyTorch's own makes a dozen passes over x on a CPU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, eps: float) -> Tensor:  # type: ignore[override]
        rate = (x.square().mean(-1, keepdim=True) + eps).rsqrt()
        ctx.save_for_backward(x, gain, rate)
        return x * (rate * gain)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        x, gain, rate = ctx.saved_tensors
        scaled = gradient * x
        by_gain = (scaled * rate).flatten(0, -2).sum(0)
        inner = (scaled @ gain)[..., None] * (rate**3 / x.shape[-1])
        return gradient * (rate * gain) - x * inner, by_gain, None


class RmsNorm(nn.Module):
    """Root-mean-square norm with a gain, always in float32."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return Normalise.apply(x.float(), self.weight, self.eps)


def rotary_table(shape: Shape, positions: Tensor) -> Tensor:
    """The rotary turns of positions [batch or 1, tokens]: complex [batch or 1, 1, tokens, head width / 2]."""
    width = shape.width // shape.heads
    rates = shape.rope_base ** (-torch.arange(0, width, 2, dtype=torch.float64, device=positions.device) / width)
    angles = positions[:, None, :, None].double() * rates
    return torch.polar(torch.ones_like(angles), angles).to(torch.complex64)


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Turn neighbouring pairs (2i, 2i+1) of [batch, heads, tokens, head width], llama.cpp's 'normal' rotary layout."""
    pairs = torch.view_as_complex(x.float().unflatten(3, (-1, 2)))
    return torch.view_as_real(pairs * table).flatten(3).to(x.dtype)


@dataclass
class Keys:
    """Rotated keys and values [batch, heads, tokens, head width] of one layer."""

    key: Tensor
    value: Tensor


class TextBlock(nn.Module):
    """One llama layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attention_norm = RmsNorm(shape.width, shape.eps)
        self.feed_forward_norm = RmsNorm(shape.width, shape.eps)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.gate_up = nn.Linear(shape.width, 2 * shape.text_feed_forward, bias=False)
        self.down = nn.Linear(shape.text_feed_forward, shape.width, bias=False)

    def project(self, x: Tensor, table: Tensor) -> tuple[Tensor, Keys]:
        """Rotated queries and keys, and values, of inputs [batch, tokens, width]."""
        query, key, value = (split_heads(part, self.heads) for part in self.qkv(self.attention_norm(x)).chunk(3, dim=2))
        return rotate(query, table), Keys(rotate(key, table), value)

    def finish(self, x: Tensor, mixed: Tensor) -> Tensor:
        """The layer's output from its input and what attention mixed, [batch, heads, tokens, head width]."""
        x = x + self.out(merge_heads(mixed))
        gate, up = self.gate_up(self.feed_forward_norm(x)).chunk(2, dim=2)
        return x + self.down(F.silu(gate) * up)


class Decoder(nn.Module):
    """llama-architecture decoder with tied input and output embeddings."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(TextBlock(shape) for _ in range(shape.text_layers))
        self.norm = RmsNorm(shape.width, shape.eps)

    def nothing(self, count: int) -> list[Keys]:
        """The keys of no tokens, for `count` rows."""
        empty = torch.zeros(count, self.shape.heads, 0, self.shape.width // self.shape.heads, dtype=torch.bfloat16,
                            device=self.embedding.weight.device)
        return [Keys(empty, empty)] * self.shape.text_layers

    def prefill(self, x: Tensor, positions: Tensor) -> list[Keys]:
        """Keys of every layer for a prompt [batch, tokens, width] at increasing positions. Its last layer's output is
        not needed and not computed."""
        table = rotary_table(self.shape, positions)
        sees = torch.ones(1, 1, x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        kept: list[Keys] = []
        for block in self.blocks:
            query, keys = block.project(x, table)
            kept.append(keys)
            if len(kept) < len(self.blocks):
                x = block.finish(x, attention(query, keys.key, keys.value, sees))
        return kept

    def extend(self, x: Tensor, positions: Tensor, before: list[Keys], mask: Tensor) -> tuple[Tensor, list[Keys], list[Tensor]]:
        """Hidden states of tokens [batch, tokens, width] behind a prompt, normalised, with each layer's keys of prompt
        and tokens together, and its queries.

        `mask` [batch or 1, 1, tokens, prompt + tokens] is true where a token may look.
        """
        table = rotary_table(self.shape, positions)
        after: list[Keys] = []
        queries: list[Tensor] = []
        for block, old in zip(self.blocks, before):
            query, new = block.project(x, table)
            keys = Keys(torch.cat((old.key, new.key), dim=2), torch.cat((old.value, new.value), dim=2))
            x = block.finish(x, attention(query, keys.key, keys.value, mask))
            after.append(keys)
            queries.append(query)
        return self.norm(x), after, queries

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., width] hidden states to [..., vocab] float32 logits."""
        return F.linear(hidden, self.embedding.weight).float()


class MedInferTiny(nn.Module):
    """The whole vision-language model."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.vision = VisionTower(shape)
        self.projector = Projector(shape)
        self.decoder = Decoder(shape)
        self.apply(initialise)
        nn.init.normal_(self.vision.positions, std=0.02)


def initialise(module: nn.Module) -> None:
    """Small normal weights, zero biases."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5 * 0.7)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.05)
