"""A character's surface in motion, in metres, looking where the dancer looks; and its shadow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farandole.errors import FileFormatError
from farandole.motion import rotations as rot
from farandole.motion.characters import Character
from farandole.motion.characters.surface import Material
from farandole.motion.filters import gaussian_filter1d
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.view.camera import Camera
from farandole.view.mesh_raster import Look, Mesh, mesh_layer
from farandole.view.raycast import Layer
from farandole.view.shadows import CELL, Shadow

_OWN_SIZE = (0.4, 4.0)
"""Heights that are taken for a character's own, m; others are shown as tall as a person."""
_PERSON = 1.7
_OUTLINE = 240


@dataclass(frozen=True, eq=False)
class MeshFigure:
    """A surface of T frames.

    Attributes:
        mesh: What is the same in all frames.
        matrices: From the vertices' own spaces to the world, m, [T, M, 3, 4].
    """

    mesh: Mesh
    matrices: Array

    def __len__(self) -> int:
        return len(self.matrices)

    def moved(self, shift: Array) -> MeshFigure:
        """The figure elsewhere, by [3] m."""
        matrices = self.matrices.copy()
        matrices[..., 3] += shift
        return MeshFigure(self.mesh, matrices)

    def outline(self, t: NDArray[np.intp]) -> tuple[Array, Array]:
        """Points [N, P, 3] m that stand for the figure in frames `t` [N], and how far it reaches around each, [P] m."""
        some = np.arange(0, len(self.mesh.positions), max(1, len(self.mesh.positions) // _OUTLINE))
        points = np.stack([self.mesh.posed(self.matrices[k], some)[0] for k in t])
        return points, np.full(len(some), 0.01)

    def frame(self, t: int) -> tuple[Array, Array]:
        """Vertices and normals [V, 3] at frame `t`."""
        return self.mesh.posed(self.matrices[t])

    @staticmethod
    def together(figures: Sequence[MeshFigure], t: int) -> MeshPose:
        """All figures at frame `t`; one whose motion is over keeps its last pose."""
        return MeshPose([(f.mesh, *f.frame(min(t, len(f) - 1))) for f in figures])


@dataclass(frozen=True, eq=False)
class MeshPose:
    """Surfaces in one pose: each with its vertices and normals, [V, 3]."""

    parts: list[tuple[Mesh, Array, Array]]

    def layer(self, camera: Camera) -> Layer:
        """The surfaces alone."""
        return mesh_layer(self.parts, camera)

    def shadow(self, light: Array) -> Shadow:
        """Their shadow on the floor, for a key light from `light`, unit [3]."""
        places, areas, heights = [], [], []
        lean = -light[[0, 2]] / light[1]
        for mesh, vertices, _ in self.parts:
            a, b, c = (vertices[mesh.triangles[:, k]] for k in range(3))
            flat = [p[:, [0, 2]] + np.maximum(p[:, 1:2], 0.0) * lean for p in (a, b, c)]
            u, v = flat[1] - flat[0], flat[2] - flat[0]
            area = 0.5 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
            places.append((flat[0] + flat[1] + flat[2]) / 3.0)
            areas.append(0.5 * np.abs(area))  # front and back both fall on a place
            heights.append((a[:, 1] + b[:, 1] + c[:, 1]) / 3.0)
        place, area, height = np.concatenate(places), np.concatenate(areas), np.concatenate(heights)
        low = np.floor((place.min(0) - 0.5) / CELL) * CELL
        size = np.minimum(np.ceil((place.max(0) + 0.5 - low) / CELL), 800).astype(int)
        cell = np.minimum(((place - low) / CELL).astype(int), size - 1)
        number = cell[:, 1] * size[0] + cell[:, 0]
        dark = np.zeros((size[1], size[0]))
        # Edges soften with the height of what casts them: three layers, each with its blur.
        for bottom, top, blur, strength in ((-1.0, 0.3, 1.3, 0.6), (0.3, 1.0, 4.0, 0.42), (1.0, 1e9, 8.0, 0.36)):
            part = (height >= bottom) & (height < top)
            cover = np.bincount(number[part], area[part], size[0] * size[1]).reshape(size[1], size[0]) / CELL**2
            cover = np.minimum(cover, 1.0)
            for axis in (0, 1):
                cover = gaussian_filter1d(cover, blur, axis, mode="nearest", truncate=2.5)
            dark = 1.0 - (1.0 - dark) * (1.0 - strength * cover)
        return Shadow(dark.astype(np.float32), (float(low[0]), float(low[1])), CELL).cropped()


def mesh_figure(character: Character, motion: Motion, *, root: str = "auto") -> MeshFigure:
    """A motion on a character, as it is seen.

    Raises:
        FileFormatError: If there is nothing to be seen, or it is compressed or damaged.
        RetargetError: If the character cannot be moved like this.
    """
    surface = character.surface()
    body = character.bodies[0]
    matrices = character.matrices(motion, surface, root=root)
    tall = float(np.ptp(body.positions[1:, 1])) * 1.08
    scale = 1.0 if _OWN_SIZE[0] <= tall <= _OWN_SIZE[1] else _PERSON / tall
    turn = rot.to_matrix(rot.inverse(body.facing)) * scale
    matrices = np.concatenate((turn @ matrices[..., :3, :3], (turn @ matrices[..., :3, 3:])), axis=-1)
    mesh = Mesh(
        surface.positions.astype(np.float32), surface.normals.astype(np.float32), surface.uv.astype(np.float32),
        surface.colours.astype(np.float32), surface.matrices, surface.weights.astype(np.float32), surface.triangles,
        surface.materials, tuple(_look(material, character) for material in surface.looks),
    )  # fmt: skip
    return MeshFigure(mesh, matrices.astype(np.float32))


def _look(material: Material, character: Character) -> Look:
    colour = material.colour.astype(np.float32)
    if material.texture is None:
        return Look(colour, None, material.cut if colour[3] < 1.0 else 0.0, material.two_sided)
    return Look(colour, _pixels(material.texture, character), material.cut, material.two_sided)


def _pixels(data: bytes, character: Character) -> Array:
    """An image as sRGB red, green, blue and opacity, uint8 [H, W, 4]; at most 1024 pixels wide."""
    import av
    import av.error

    try:
        with av.open(io.BytesIO(data)) as container:
            frame = next(container.decode(video=0))
            width = min(frame.width, 1024)
            height = max(1, round(frame.height * width / frame.width))
            return frame.reformat(width=width, height=height, format="rgba").to_ndarray()
    except (av.error.FFmpegError, StopIteration, IndexError) as error:
        raise FileFormatError(f"{character.path}: a texture cannot be read ({error})") from error
