"""A trained in-between model as a completer: it corrects curves between known frames, on its own skeleton and frame rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from farandole.checkpoints.session import check_finite
from farandole.errors import CheckpointError, FarandoleError, MotionError
from farandole.generation.bodies import fill_with
from farandole.generation.completer import Completer, Progress
from farandole.generation.curve_correction.trust import trusted_share
from farandole.models.abilities import CurveCorrection, InputWindow
from farandole.motion.gaps import GapCodec
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.checkpoints.checkpoint import Checkpoint
    from farandole.checkpoints.session import Session
    from farandole.generation.partial import PartialMotion
    from farandole.motion.motion import Motion

NETWORK = "model"


class CurveFiller(Completer[CurveCorrection]):
    """Gaps between known frames; it cannot go on where nothing follows.

    Attributes:
        codec: Windows to the network's features and back.
    """

    kind = "curve_correction"

    def __init__(self, checkpoint: Checkpoint, session: Session) -> None:
        super().__init__(checkpoint, session)
        facts = self.facts
        if any(not 0 <= joint < len(self.skeleton) for joint in facts.still):
            raise CheckpointError(
                f"{checkpoint.folder / 'config.json'}: completion: still names a joint that skeleton.json does not have"
            )
        settings = {"upright": facts.upright, "still": facts.still, "reach": facts.reach}
        try:
            self.codec = GapCodec.from_json(settings, self.skeleton, self.fps)
        except (FarandoleError, ValueError, IndexError) as error:
            raise CheckpointError(f"{checkpoint.folder / 'config.json'}: completion: {error}") from error

    @property
    def window(self) -> int:
        """Frames of the longest window it was trained on; longer ones are filled too, but are new to it."""
        return self.facts.window

    @property
    def reads(self) -> tuple[InputWindow, ...]:
        """See `Completer.reads`: nothing that a feature folder holds."""
        return ()

    def fill(
        self, baseline: Motion, partial: PartialMotion, *, takes: int = 1, progress: Progress | None = None
    ) -> list[Motion]:
        """See `Completer.fill`."""
        trust = self.facts.trust
        weigh = None if trust is None else lambda curves, made, kept: trusted_share(curves, made, kept, trust)
        return [fill_with(self, baseline, partial.frames, weigh=weigh, progress=progress)] * takes

    def fill_gaps(
        self, rotations: Array, root_positions: Array, known: np.ndarray, *, first: int = 0
    ) -> tuple[Array, Array]:
        """Windows with their missing frames filled; known frames come back as they are.

        Frames before the first and after the last known one are filled too, from what is known on one side.

        Args:
            rotations: Local unit quaternions (w, x, y, z) on `skeleton`, [T, J, 4] or [B, T, J, 4] (windows of equal length are
                filled together, which is faster); those of missing frames do not matter.
            root_positions: World positions of the root, [T, 3] or [B, T, 3] m.
            known: Which frames are given, [T] or [B, T] bool; at least one per window.
            first: Not looked at: the network hears no music.

        Returns:
            Local unit quaternions and root positions of the shapes given, float64.

        Raises:
            MotionError: If the arrays do not fit each other or the skeleton, or a window keeps no frame.
        """
        single = np.ndim(known) == 1
        q, p, kept = (np.asarray(x)[None] if single else np.asarray(x) for x in (rotations, root_positions, known))
        kept = kept.astype(bool)
        if q.shape != (*kept.shape, len(self.skeleton), 4) or p.shape != (*kept.shape, 3):
            raise MotionError(
                f"rotations {q.shape}, root positions {p.shape} and known frames {kept.shape} do not fit: need "
                f"[B, T, {len(self.skeleton)}, 4], [B, T, 3] and [B, T]"
            )
        if not kept.any(axis=1).all():
            raise MotionError("a window keeps no frame: there is nothing to go from")
        q, p = q.astype(float), p.astype(float)
        told = self.codec.encode(q, p, kept)
        turns, shift = self.session.run(NETWORK, {"features": told.features, "window": told.window})
        check_finite([turns, shift], self.checkpoint)
        local, roots = self.codec.decode(told, turns, shift)
        local[kept], roots[kept] = q[kept], p[kept]
        return (local[0], roots[0]) if single else (local, roots)
