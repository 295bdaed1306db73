"""Tiny models in their makers' own code, and what they give: the truth that the engine is compared with."""
