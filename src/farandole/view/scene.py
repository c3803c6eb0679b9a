"""A dance as pictures: bodies, the camera of every frame, what is behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from farandole.motion import names
from farandole.motion.edit import heading
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.view.background import Background
from farandole.view.camera import Camera
from farandole.view.figure import facing, figure
from farandole.view.palette import LIGHTS, linear
from farandole.view.raycast import Layer, cut_out, over
from farandole.view.shadows import Shadow
from farandole.view.shots import Shots, Subject, plan_shots
from farandole.view.title import Title

SPACING = 1.7
"""Distance between dancers shown together, m."""
_LOOKED_AT = 0.1  # s between the frames that the framing looks at


class Pose(Protocol):
    """Bodies at one moment."""

    def layer(self, camera: Camera) -> Layer:
        """The bodies alone."""
        ...

    def shadow(self, light: Array) -> Shadow:
        """Their shadow on the floor."""
        ...


class Body(Protocol):
    """A dancer of T frames: `figure.Figure` or `mesh_figure.MeshFigure`."""

    def __len__(self) -> int: ...

    def moved(self, shift: Array) -> Body:
        """The body elsewhere."""
        ...

    def outline(self, t: NDArray[np.intp]) -> tuple[Array, Array]:
        """Points [N, P, 3] m that stand for the body in frames `t`, and the reach around each, [P] m."""
        ...

    @staticmethod
    def together(figures: Sequence[Any], t: int) -> Pose:
        """Several bodies at frame `t`."""
        ...


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything a picture needs. All bodies are of one class."""

    bodies: Sequence[Body]
    shots: Shots
    background: Background
    title: Title | None = None

    def __len__(self) -> int:
        return len(self.shots)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.shots.size

    def frame(self, t: int) -> np.ndarray:
        """The picture of frame `t`, uint8 [H, W, 3]; [H, W, 4] where there is no background."""
        camera = self.shots.camera(t)
        pose = type(self.bodies[0]).together(self.bodies, t)
        layer = pose.layer(camera)
        if self.background.transparent:
            picture = cut_out(self.size, layer)
        else:
            light = LIGHTS.key_direction(camera.axes[2])
            picture = over(self.background.picture(camera, pose.shadow(light)), layer)
        if self.title is not None:
            self.title.paint(picture)
        return picture


def make_scene(
    motions: Sequence[Motion],
    *,
    size: tuple[int, int],
    fps: float,
    turn: float = 0.3,
    camera: str = "front",
    bars: Sequence[float] = (),
    background: Background | None = None,
    colour: str | None = None,
    bodies: Sequence[Body] | None = None,
    title: str | None = None,
) -> Scene:
    """Place dancers side by side and plan the camera's way.

    Args:
        motions: What to show, at any frame rate.
        size: Width and height in pixels.
        fps: Frames per second of the pictures.
        turn: Camera angle from where the dancers look, towards their left, rad.
        camera: One of `shots.MODES`.
        bars: Times at which the camera may change its place, s; none for one shot.
        background: What is behind them; the studio by default.
        colour: Of the mannequins, '#rrggbb'; by default each part has its own.
        bodies: What is seen of each motion, at `fps`; mannequins by default.
        title: Written over the pictures.
    """
    moved = [m.resample(fps) for m in motions]
    look = facing(max(moved, key=len))
    aside = np.array([np.cos(look), 0.0, -np.sin(look)])
    count = max(len(m) for m in moved)
    hold = lambda x: np.concatenate((x, np.repeat(x[-1:], count - len(x), 0)))  # noqa: E731
    roots, placed = np.zeros((count, 3)), []
    for i, m in enumerate(moved):
        shift = SPACING * (i - 0.5 * (len(moved) - 1)) * aside
        if bodies is not None:
            body: Body = bodies[i]
        else:
            mannequin = figure(m)
            body = mannequin if colour is None else mannequin.painted(linear(colour))
        placed.append(body.moved(shift))
        roots += (hold(m.positions[:, names.find_roles(m.skeleton).get("Hips", 0)]) + shift) / len(moved)
    frames = np.unique(np.linspace(0, count - 1, max(2, round(count / fps / _LOOKED_AT))).round().astype(np.intp))
    seen = [body.outline(np.minimum(frames, len(body) - 1)) for body in placed]
    subject = Subject(
        frames, np.concatenate([p for p, _ in seen], axis=1), np.concatenate([r for _, r in seen]), roots, look,
        hold(heading(moved[0])),
    )  # fmt: skip
    shots = plan_shots(subject, size, fps, mode=camera, turn=turn, bars=bars)
    return Scene(placed, shots, background or Background(), None if title is None else Title(title, size))
