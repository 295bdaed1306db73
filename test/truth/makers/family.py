"""What a family of models is to this suite: a tiny one in the makers' code, and what it must give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL import Image

from . import vocabulary, weights
from .converter import convert


class Family(ABC):
    """One class a family, in a file of its own under vision/ or text/; its docstring says what is special about it."""

    name: ClassVar[str]  # of the folder and in the table
    maker: ClassVar[str] = "transformers"  # whose code the truth is
    kind: ClassVar[str]  # the GGUF architecture, or the projector kind of libmtmd
    seed: ClassVar[int] = 1
    # Special tokens that libmtmd looks up by their text, by the characters whose places they take in the vocabulary.
    special: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        torch.manual_seed(self.seed)
        self.model = self.build().eval().float()
        self.fill()

    @abstractmethod
    def build(self) -> Any:
        """The tiny model, as the makers' own class: two layers or so, a vocabulary of `vocabulary.SIZE`."""

    def fill(self) -> None:
        weights.fill(self.model, self.seed)

    def save(self, folder: Path) -> None:
        """Puts the files into `folder` that the converter reads."""
        self.model.save_pretrained(folder)

    def write(self, out: Path, ftype: str) -> None:
        """Writes `out`/model.gguf, and for a vision family `out`/mmproj.gguf."""
        self.save(out / "hf")
        convert(out / "hf", out / "model.gguf", mmproj=False, ftype=ftype, special=self.special)

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        """[len(tokens), vocabulary.SIZE]: row i is what follows tokens[: i + 1]."""
        return self.model(input_ids=torch.tensor([tokens])).logits[0].float()


class VisionFamily(Family):
    # What the makers' processor puts around an image, as text; the engine has to do so by itself.
    before: ClassVar[str] = ""
    after: ClassVar[str] = ""
    # A size that the preprocessor leaves as it is: where the features of such a picture differ, the graph is wrong.
    native: ClassVar[tuple[int, int]]
    # The prompt's text before the picture.
    opening: ClassVar[str] = "Look: "
    # The picture of the prompt that is answered: one that the makers cut up, where they cut any.
    pictured: ClassVar[str] = "portrait"
    # Pictures that this family's makers refuse, with the reason.
    refuses: ClassVar[dict[str, str]] = {}
    # False where no text model of the family stands beside the tower, with the reason in the docstring: features alone are compared.
    answers: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.processor = self.build_processor()

    @abstractmethod
    def build_processor(self) -> Any:
        """The makers' image processor, with small limits."""

    def save(self, folder: Path) -> None:
        super().save(folder)
        self.processor.save_pretrained(folder)

    def write(self, out: Path, ftype: str) -> None:
        super().write(out, ftype)
        convert(out / "hf", out / "mmproj.gguf", mmproj=True, ftype=ftype)

    def pixels(self, image: Image.Image) -> dict[str, torch.Tensor]:
        """What the makers' preprocessor makes of a picture, as their model takes it."""
        return dict(self.processor(images=[image], return_tensors="pt"))

    @torch.inference_mode()
    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        assert image is not None
        return self.model(input_ids=torch.tensor([tokens]), **self.pixels(image)).logits[0].float()

    def image_tokens(self, image: Image.Image) -> list[int]:
        """What stands for a picture in a prompt, as the makers' processor and chat template would write it."""
        count = len(self.features(image))
        return [*vocabulary.encode(self.before), *[vocabulary.IMAGE] * count, *vocabulary.encode(self.after)]

    @abstractmethod
    def features(self, image: Image.Image) -> torch.Tensor:
        """[tokens, width]: what the language model is given for the picture, in the order in which it reads it."""
