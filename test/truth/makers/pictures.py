"""Real pictures of every shape, as PNG files: what the makers' code and the engine are both given."""

from __future__ import annotations

from pathlib import Path

import skimage
from PIL import Image

_data = Path(skimage.__file__).parent / "data"


def _open(name: str) -> Image.Image:
    return Image.open(_data / name)


def _crop(name: str, width: int, height: int) -> Image.Image:
    image = _open(name).convert("RGB")
    x, y = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((x, y, x + width, y + height))


def native(width: int, height: int) -> Image.Image:
    """A picture of a size that a preprocessor leaves as it is: only the graph can differ there."""
    return _crop("astronaut.png" if max(width, height) <= 512 else "retina.jpg", width, height)


def draw() -> dict[str, Image.Image]:
    """Portrait, landscape, tiny, huge, odd, narrow, grey and transparent."""
    return {
        "landscape": _open("chelsea.png").convert("RGB"),  # 451 x 300
        "portrait": _open("coffee.png").convert("RGB").transpose(Image.Transpose.ROTATE_90),  # 400 x 600
        "tiny": _crop("ihc.png", 23, 17),
        "huge": _open("retina.jpg").convert("RGB").resize((1603, 1201), Image.Resampling.BICUBIC),
        "odd": _crop("astronaut.png", 333, 331),
        "narrow": _crop("coffee.png", 97, 391),
        "grey": _open("camera.png").convert("L").crop((60, 40, 440, 300)),  # 380 x 260
        "transparent": _open("logo.png").convert("RGBA"),  # 500 x 500
    }


def as_rgb(image: Image.Image) -> Image.Image:
    """What the engine's decoder makes of a picture: transparent parts lie on white, grey has three equal channels."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    red, green, blue, alpha = image.split()
    # Rounded to the nearest, as the decoder does it; Pillow's own compositing differs in the last bit.
    def blend(value: int, a: int) -> int:
        return (value * a + 255 * (255 - a) + 127) // 255
    width, height = image.size
    channels = []
    for channel in (red, green, blue):
        pairs = zip(channel.tobytes(), alpha.tobytes())
        channels.append(Image.frombytes("L", (width, height), bytes(blend(v, a) for v, a in pairs)))
    return Image.merge("RGB", channels)
