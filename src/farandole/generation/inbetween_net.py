"""Filling gaps with a trained in-between model, run by ONNX Runtime: arrays in, arrays out, no torch."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from farandole.errors import CheckpointError, MotionError
from farandole.generation.checkpoint import Checkpoint, find_checkpoint
from farandole.motion.gaps import GapCodec
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

MODEL = "inbetweener"
"""What config.yaml of such a checkpoint calls its model."""

SHIPPED = "inbetween"
"""Name of the checkpoint that comes with the package."""

NETWORK = "model"


class InbetweenNet:
    """An in-between model on its own skeleton and frame rate.

    Attributes:
        checkpoint: Where it comes from.
        skeleton: The body it fills.
        fps: Its frame rate.
        window: Frames of the longest window it was trained on; longer ones are filled too, but are new to it.
        gap: Longest run of missing frames it was trained on.

    Args:
        model: A shipped name or a checkpoint folder (a run's folder works too).
        threads: CPU threads.

    Raises:
        CheckpointError: If there is no such checkpoint, or it is one of another kind of model.
    """

    def __init__(self, model: str | Path | Checkpoint = SHIPPED, *, threads: int = 2) -> None:
        self.checkpoint = model if isinstance(model, Checkpoint) else find_checkpoint(model)
        facts = self.checkpoint.config
        if facts.get("model") != MODEL:
            raise CheckpointError(f"{self.checkpoint.folder} is no in-between model: it cannot fill gaps")
        self.skeleton: Skeleton = self.checkpoint.skeleton
        self.fps: float = facts["fps"]
        self.window: int = facts["window"]
        self.gap: int = facts["gap"]
        self.codec = GapCodec.from_json(facts["codec"], self.skeleton, self.fps)
        self._threads = threads

    def fill(self, rotations: Array, root_positions: Array, keep: np.ndarray) -> tuple[Array, Array]:
        """Windows with their missing frames filled; kept frames come back as they are.

        Frames before the first and after the last kept one are filled too, from what is known on one side.

        Args:
            rotations: Local unit quaternions (w, x, y, z) on `skeleton`, [T, J, 4] or [B, T, J, 4] (windows of equal length are
                filled together, which is faster); those of missing frames do not matter.
            root_positions: World positions of the root, [T, 3] or [B, T, 3] m.
            keep: Which frames are given, [T] or [B, T] bool; at least one per window.

        Returns:
            Local unit quaternions and root positions of the shapes given, float64.

        Raises:
            MotionError: If the arrays do not fit each other or the skeleton, or a window keeps no frame.
        """
        single = np.ndim(keep) == 1
        q, p, kept = (np.asarray(x)[None] if single else np.asarray(x) for x in (rotations, root_positions, keep))
        kept = kept.astype(bool)
        if q.shape != (*kept.shape, len(self.skeleton), 4) or p.shape != (*kept.shape, 3):
            raise MotionError(
                f"rotations {q.shape}, root positions {p.shape} and kept frames {kept.shape} do not fit: need "
                f"[B, T, {len(self.skeleton)}, 4], [B, T, 3] and [B, T]"
            )
        if not kept.any(axis=1).all():
            raise MotionError("a window keeps no frame: there is nothing to go from")
        q, p = q.astype(float), p.astype(float)
        told = self.codec.encode(q, p, kept)
        turns, shift = self._session.run(None, {"features": told.features, "window": told.window})
        local, roots = self.codec.decode(told, turns, shift)
        local[kept], roots[kept] = q[kept], p[kept]
        return (local[0], roots[0]) if single else (local, roots)

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        path = self.checkpoint.onnx(NETWORK)
        if not path.is_file():
            raise CheckpointError(f"{self.checkpoint.folder} has no {path.name}: train it again")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = self._threads
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
