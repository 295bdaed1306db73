"""What families with DeepSeek's kind of routing share."""

from __future__ import annotations

import torch


def fill_corrections(model: torch.nn.Module) -> None:
    """Gives each router's correction of its scores (a buffer, so that `weights.fill` passes it by) values that matter."""
    for name, values in [*model.named_buffers(), *model.named_parameters()]:
        if name.endswith(("e_score_correction_bias", "expert_bias")):
            with torch.no_grad():
                values.copy_((torch.arange(values.numel()).float() * 5 % 7 / 16).reshape(values.shape))
