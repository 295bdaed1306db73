"""Parameters of a pipeline for prescriptions, by the names of their setters."""

from __future__ import annotations

PROMPT = "Extract demografig, clinical disease and medication informations"

PARAMETERS: dict[str, object] = {
    "ChatTemplate": "vicuna",
    "BatchSize": 4,
    "NGpuLayers": 99,
    "NCtx": 4096,
    "MinKeep": 0,
    "MinP": 0.05,
    "NPredict": -1,
    "NProbs": 0,
    "PenalizeNl": False,
    "RepeatLastN": 256,
    "RepeatPenalty": 1.18,
    "StopStrings": ["</s>", "User:"],
    "Temperature": 0.05,
    "TfsZ": 1,
    "TypicalP": 1,
    "TopK": 40,
    "TopP": 0.95,
}
