"""A line of text over the pictures of a video, in the hand-drawn capitals of `digits`."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from farandole.motion.filters import gaussian_filter1d
from farandole.motion.rotations import Array
from farandole.view.digits import label_mask

_HEIGHT = 0.038
"""Height of the letters as a share of the picture's shorter side."""


class Title:
    """A title at the lower left, dark letters with a light rim (seen on any background).

    Args:
        text: Letters, digits and some signs; other characters become spaces.
        size: Width and height of the pictures in pixels.
    """

    def __init__(self, text: str, size: tuple[int, int]) -> None:
        self.text, self.size = text, size

    @cached_property
    def _masks(self) -> tuple[Array, Array]:
        """Coverage of letters and of their rim, [h, w] in 0..1."""
        wide = 0.88 * self.size[0]
        fine = 4  # letters are drawn larger and shrunk: no stairs
        scale = max(2, round(_HEIGHT * min(self.size) / 7))
        pixels = label_mask(self.text, scale=1)
        scale = max(1, min(scale, int(wide / (pixels.shape[1] + 4))))
        large = np.pad(np.kron(pixels, np.ones((scale * fine, scale * fine))), 2 * scale * fine)
        soft = _blurred(large, 0.32 * scale * fine)
        letters = np.clip((soft - 0.5) * scale * fine * 0.8 + 0.5, 0.0, 1.0)
        rim = np.clip(1.6 * _blurred(large, 0.8 * scale * fine), 0.0, 1.0)
        return _shrunk(letters, fine), _shrunk(rim, fine)

    def paint(self, picture: np.ndarray) -> None:
        """Write the title into a picture, uint8 [H, W, 3 or 4]."""
        letters, rim = self._masks
        height, width = self.size[1], self.size[0]
        margin = round(0.04 * min(self.size))
        y, x = max(0, height - margin - letters.shape[0]), min(margin, max(0, width - letters.shape[1]))
        part = picture[y : y + letters.shape[0], x : x + letters.shape[1]]
        for cover, colour in ((0.55 * rim, 250.0), (0.92 * letters, 34.0)):
            cover = cover[: part.shape[0], : part.shape[1], None]
            if part.shape[2] == 4:
                alpha = part[..., 3:] / 255.0
                total = cover + alpha * (1.0 - cover)
                mixed = (cover * colour + alpha * (1.0 - cover) * part[..., :3]) / np.maximum(total, 1e-6)
                part[:] = np.rint(np.concatenate((mixed, 255.0 * total), axis=2))
            else:
                part[:] = np.rint(part * (1.0 - cover) + cover * colour)


def _blurred(mask: Array, sigma: float) -> Array:
    for axis in (0, 1):
        mask = gaussian_filter1d(mask, sigma, axis, mode="nearest", truncate=3.0)
    return mask


def _shrunk(mask: Array, by: int) -> Array:
    """Means over blocks of by x by."""
    height, width = mask.shape[0] // by, mask.shape[1] // by
    return mask[: height * by, : width * by].reshape(height, by, width, by).mean((1, 3))
