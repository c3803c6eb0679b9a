"""Colours and lights of the studio: warm off-white room, charcoal body, teal on the dancer's left, coral on the right."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from farandole.motion.rotations import Array


def linear(colour: str) -> Array:
    """'#rrggbb' in sRGB -> linear red, green, blue in [0, 1], float32 [3] (IEC 61966-2-1)."""
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).astype(np.float32)


_STEPS = 4095
_TABLE = np.linspace(0.0, 1.0, _STEPS + 1)
_TABLE = np.where(_TABLE <= 0.0031308, 12.92 * _TABLE, 1.055 * _TABLE ** (1 / 2.4) - 0.055)
_TABLE = np.round(255.0 * _TABLE).astype(np.uint8)


def to_srgb(picture: Array) -> np.ndarray:
    """Linear colours [..., 3] -> sRGB uint8 of the same shape, by table."""
    scaled = np.clip(picture, 0.0, 1.0)
    scaled *= _STEPS
    return _TABLE.take(scaled.astype(np.int16))


PARTS = {
    "trunk": "#3d464f",
    "head": "#75808a",
    "left": "#1d8f8c",
    "left hand": "#57b5ae",
    "left foot": "#156b69",
    "right": "#d9694a",
    "right hand": "#ea9a7c",
    "right foot": "#a94a30",
}
"""sRGB colours of a body's parts, in the order that pages number them. Left and right are the dancer's."""

LEFT = linear(PARTS["left"])
RIGHT = linear(PARTS["right"])


@dataclass(frozen=True, eq=False)
class Studio:
    """Linear colours of the room: horizon, zenith, floor in the pool of light, grid lines, shadow."""

    horizon: Array = field(default_factory=lambda: linear("#ece7df"))
    zenith: Array = field(default_factory=lambda: linear("#e2ddd5"))
    pool: Array = field(default_factory=lambda: linear("#f8f5f0"))
    line: Array = field(default_factory=lambda: linear("#c9c1b4"))
    shadow: Array = field(default_factory=lambda: linear("#6d675f"))


@dataclass(frozen=True, eq=False)
class Lights:
    """Key light from the upper left of the front, sky from above, warm bounce from the floor; linear intensities."""

    key: Array = field(default_factory=lambda: np.array([1.02, 0.98, 0.92], np.float32))
    sky: Array = field(default_factory=lambda: np.array([0.42, 0.45, 0.5], np.float32))
    bounce: Array = field(default_factory=lambda: np.array([0.26, 0.23, 0.2], np.float32))
    wrap: float = 0.25
    gloss: float = 0.16
    rim: float = 0.2

    def key_direction(self, ahead: Array) -> Array:
        """Where the key light comes from, unit [3], for a camera looking along `ahead`: over the viewer's left shoulder."""
        x, z = np.array((ahead[0], ahead[2]), float) / max(float(np.hypot(ahead[0], ahead[2])), 1e-9)
        return _unit(0.62 * z - 0.4 * x, 0.8, -0.62 * x - 0.4 * z)


def _unit(*v: float) -> Array:
    a = np.array(v)
    return (a / np.linalg.norm(a)).astype(np.float32)


STUDIO = Studio()
LIGHTS = Lights()
