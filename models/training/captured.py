"""Forward and backward of a training step as CUDA graphs.

The network is so small that a GPU waits for its host: a step of some 2,400 kernels took 110 ms on an H200, of which it
computed for 12. A graph is launched at once. It knows one shape and one kind of step, so each has a graph of its own,
captured when it is met first; all share one pool of memory, because only their gradients outlive a replay.

What is captured may neither wait for the host nor depend on values: losses mask what is not to be learned instead of
selecting the rest, and lengths are padded to a few (Recipe.multiple).
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from training.steps import Batch, tensors_of

Gradients = Callable[[Batch, bool, bool], Tensor]
"""Gives every parameter that learns its gradient, and returns the parts of the loss: of a batch on the GPU, whether the
vision tower learns, and whether under a repeat penalty."""


@dataclass
class Graph:
    """One kind of step: where its batch is to be written, and where its results appear."""

    replay: Callable[[], None]
    batch: list[Tensor]
    gradients: list[Tensor | None]
    parts: Tensor


class Captured:
    """Computes what `gradients` computes, over the same parameters, from batches in the host's memory."""

    def __init__(self, gradients: Gradients, parameters: list[nn.Parameter]) -> None:
        self.compute, self.parameters = gradients, parameters
        self.graphs: dict[tuple[Any, ...], Graph] = {}
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, batch: Batch, learns: bool, penalised: bool) -> Tensor:
        kind = (*(tensor.shape for tensor in tensors_of(batch)), learns, penalised)
        if kind not in self.graphs:
            self.graphs[kind] = self.capture(batch.to("cuda"), learns, penalised)
        graph = self.graphs[kind]
        for place, tensor in zip(graph.batch, tensors_of(batch)):
            place.copy_(tensor)
        graph.replay()
        for parameter, gradient in zip(self.parameters, graph.gradients):
            parameter.grad = gradient
        return graph.parts.clone()

    def capture(self, batch: Batch, learns: bool, penalised: bool) -> Graph:
        """Run a step once outside of a graph, so that nothing is left to be initialised, and then into one."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self.compute(batch, learns, penalised)
        torch.cuda.current_stream().wait_stream(stream)
        forget_gradients(self.parameters)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool):
            parts = self.compute(batch, learns, penalised)
        gradients = [parameter.grad for parameter in self.parameters]
        forget_gradients(self.parameters)
        return Graph(graph.replay, tensors_of(batch), gradients, parts)


def forget_gradients(parameters: list[nn.Parameter]) -> None:
    """Let the parameters have none."""
    for parameter in parameters:
        parameter.grad = None
