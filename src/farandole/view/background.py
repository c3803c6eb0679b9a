"""What is behind the dancers of a video: the studio, one colour, a picture, or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from farandole.errors import FileFormatError, MotionError
from farandole.view.camera import Camera
from farandole.view.floor import backdrop
from farandole.view.palette import STUDIO, Studio, linear
from farandole.view.shadows import Shadow

NAMES = {"white": "#ffffff", "black": "#000000", "grey": "#808080", "green": "#00b140", "blue": "#0047bb"}
"""Colours that can be named; green and blue are those of studios."""
_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, eq=False)
class Background:
    """What is behind the dancers.

    Attributes:
        studio: Colours of room and floor; None for no background at all.
        photo: A picture that fills the video instead of the room, sRGB uint8 [H, W, 3]; None for the room.
    """

    studio: Studio | None = STUDIO
    photo: np.ndarray | None = None

    @property
    def transparent(self) -> bool:
        """Whether there is nothing."""
        return self.studio is None

    def picture(self, camera: Camera, shadow: Shadow) -> np.ndarray:
        """The background from a camera, with the dancers' shadow on the floor, uint8 [H, W, 3]."""
        assert self.studio is not None, "nothing has no picture"
        room = backdrop(camera, np.asarray(camera.target, float), self.studio)
        return room.picture(camera, shadow, self.photo)


def colour_code(text: str) -> str:
    """'#f80', '#ff8800' or a name of `NAMES` -> '#ff8800'.

    Raises:
        MotionError: If it is neither.
    """
    code = NAMES.get(text.lower(), text)
    short = re.fullmatch(r"#([0-9a-fA-F])([0-9a-fA-F])([0-9a-fA-F])", code)
    if short:
        code = "#" + "".join(2 * digit for digit in short.groups())
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", code):
        raise MotionError(f"'{text}' is no colour: give #rrggbb or one of {', '.join(NAMES)}")
    return code


def parse_background(text: str, size: tuple[int, int]) -> Background:
    """'studio', 'transparent', a colour, or the path of a picture.

    Args:
        text: What was asked for.
        size: Width and height of the video in pixels; a picture is scaled and cut to fill it.

    Raises:
        MotionError: If it is none of these.
        FileFormatError: If the picture cannot be read.
    """
    if text == "studio":
        return Background()
    if text == "transparent":
        return Background(None)
    if Path(text).suffix.lower() in _IMAGES:
        return Background(STUDIO, _photo(Path(text), size))
    try:
        base = linear(colour_code(text))
    except MotionError as error:
        raise MotionError(
            f"--background {text}: {error}; or a picture ({', '.join(_IMAGES[:4])}), studio, transparent"
        ) from None
    return Background(Studio(base, base, base, base, base * np.float32(0.35)))


def _photo(path: Path, size: tuple[int, int]) -> np.ndarray:
    import av
    import av.error

    if not path.is_file():
        raise FileFormatError(f"{path}: no such picture")
    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
    except (av.error.FFmpegError, StopIteration, IndexError) as error:
        raise FileFormatError(f"{path}: no picture that can be read ({error})") from error
    scale = max(size[0] / frame.width, size[1] / frame.height)
    width, height = max(size[0], round(frame.width * scale)), max(size[1], round(frame.height * scale))
    pixels = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    return np.ascontiguousarray(pixels[y : y + size[1], x : x + size[0]])
