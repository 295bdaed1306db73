"""The network in PyTorch: CLIP-style vision tower, two-layer projector, llama-architecture decoder.

Each part computes what llama.cpp computes for the exported tensors: tanh-approximated GELU, layer norm
with eps 1e-5 and a final one after the last vision layer, RMS norm, interleaved rotary positions.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from image_input import IMAGE_SIZE


@dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    vocab: int
    patch: int = 16
    width: int = 192
    vision_layers: int = 4
    text_layers: int = 2
    heads: int = 3
    vision_feed_forward: int = 768
    text_feed_forward: int = 512
    projector_hidden: int = 384
    context: int = 2048
    eps: float = 1e-5
    rope_base: float = 10000.0

    @property
    def image_tokens(self) -> int:
        """Embeddings that one image takes in the context."""
        return (IMAGE_SIZE // self.patch) ** 2


def attention(query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
    """Attention over [batch, heads, tokens, head width]; returns [batch, tokens, width]."""
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
    return mixed.transpose(1, 2).flatten(2)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[batch, tokens, width] to [batch, heads, tokens, head width]."""
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


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
        x = x + self.out(attention(query, key, value, causal=False))
        return x + self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh"))


class VisionTower(nn.Module):
    """Patches of a square image to one embedding per patch."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, shape.width, shape.patch, stride=shape.patch, bias=False)
        self.positions = nn.Parameter(torch.zeros(shape.image_tokens, shape.width))
        self.blocks = nn.ModuleList(VisionBlock(shape) for _ in range(shape.vision_layers))
        self.post_norm = nn.LayerNorm(shape.width, eps=shape.eps)

    def forward(self, images: Tensor, skipped: int = 0) -> tuple[Tensor, Tensor]:
        """[batch, 3, S, S] normalised pixels to ([batch, patches, width] output, same after the second layer).

        A band of whole patch rows is accepted too: `skipped` counts the patches above it.
        """
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = x + self.positions[skipped:skipped + x.shape[1]]
        early = x
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index == 1:
                early = x
        return self.post_norm(x), early


class Projector(nn.Module):
    """LLaVA's two-layer MLP from vision width to text width."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.inner = nn.Linear(shape.width, shape.projector_hidden)
        self.outer = nn.Linear(shape.projector_hidden, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(F.gelu(self.inner(x), approximate="tanh"))


class RmsNorm(nn.Module):
    """Root-mean-square norm with a gain, always in float32."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight, self.eps)


def rotary_table(shape: Shape, tokens: int) -> Tensor:
    """Cosine and sine of the rotary angles: [2, tokens, head width / 2]."""
    width = shape.width // shape.heads
    rates = shape.rope_base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(tokens, dtype=torch.float64)[:, None] * rates
    return torch.stack((angles.cos(), angles.sin())).float()


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Turn neighbouring pairs (2i, 2i+1) of [batch, heads, tokens, head width], llama.cpp's 'normal' rotary layout."""
    even, odd = x.float().unflatten(3, (-1, 2)).unbind(4)
    cos, sin = table[0, : x.shape[2]], table[1, : x.shape[2]]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=4).flatten(3).to(x.dtype)


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

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        query, key, value = (split_heads(part, self.heads) for part in self.qkv(self.attention_norm(x)).chunk(3, dim=2))
        x = x + self.out(attention(rotate(query, table), rotate(key, table), value, causal=True))
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

    def hidden(self, embeddings: Tensor) -> Tensor:
        """[batch, tokens, width] input embeddings to normalised hidden states of the same shape."""
        table = rotary_table(self.shape, embeddings.shape[1])
        for block in self.blocks:
            embeddings = block(embeddings, table)
        return self.norm(embeddings)

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

    def embed_images(self, images: Tensor) -> Tensor:
        """[batch, 3, S, S] normalised pixels to [batch, image tokens, width] decoder inputs."""
        return self.projector(self.vision(images)[0])


def initialise(module: nn.Module) -> None:
    """Small normal weights, zero biases."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features ** -0.5 * 0.7)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.05)
