"""Filling and continuing motion with a masked model, window after window, on feature arrays. Needs torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.data.feature_folder import Scaler
from farandole.errors import CheckpointError, DataError
from farandole.generation.checkpoint import Checkpoint, find_checkpoint
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from pathlib import Path

    from farandole.models.masked import MaskedMotionModel

MODELS = {"motionbert": "MotionBert", "threebert": "ThreeBert", "crossmodal": "CrossModal"}
"""Name in recipes and checkpoints -> class in the module of that name in farandole.models."""


def model_type(name: str) -> Any:
    """The class of a masked model. Raises DataError listing the names."""
    import importlib

    if name not in MODELS:
        raise DataError(f"recipe.model: {name!r} is not one of {', '.join(MODELS)}")
    return getattr(importlib.import_module(f"farandole.models.{name}"), MODELS[name])


class MaskedCheckpoint(Checkpoint):
    """A folder that `farandole train` makes from a recipe of the masked family.

    Raises:
        CheckpointError: If the folder is incomplete or holds another kind of model.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.config.get("model") not in MODELS:
            raise CheckpointError(
                f"{self.folder} holds no masked model ({', '.join(MODELS)}), but {self.config.get('model')!r}"
            )

    @cached_property
    def scalers(self) -> dict[str, Scaler]:
        """Modality -> statistics of its feature."""
        return {k: Scaler.from_json(v) for k, v in self._json("scalers.json").items()}

    @property
    def fps(self) -> float:
        """Frame rate of features."""
        return float(self.config["fps"])

    @property
    def canonical(self) -> bool:
        """Whether windows are to stand at the origin."""
        return self.config["windows"]["root"] == "canonical"

    def load(self) -> MaskedMotionModel:
        """The model with its weights, in evaluation mode.

        Raises:
            CheckpointError: If weights and configuration do not fit each other.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from farandole.models.settings import build

        kind = model_type(self.config["model"])
        model = kind(build(kind.Config, self.config["config"], f"{self.folder / 'config.yaml'}: config"))
        try:
            model.load_state_dict(load_file(self.weights))
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{self.weights} is missing or damaged: {error}") from error
        except RuntimeError as error:
            detail = " ".join(str(error).splitlines()[-1].split())
            raise CheckpointError(f"{self.weights} does not fit config.yaml beside it: {detail}") from error
        return model.eval()


def find_masked_checkpoint(run: str | Path) -> MaskedCheckpoint:
    """The checkpoint of a run's folder (or that folder itself). Raises CheckpointError."""
    return MaskedCheckpoint(find_checkpoint(run).folder)


def fill_window(
    model: MaskedMotionModel, motion: Array, hidden: Array, music: Array | None = None, *, canonical: bool = True
) -> Array:
    """One window with its hidden frames filled.

    Args:
        model: A masked model.
        motion: Features [T, 9 J + 3]; hidden frames are not looked at.
        hidden: Frames to fill, [T] bool.
        music: [T, A], scaled as in training.
        canonical: Move the window to the origin for the model, as it was trained, and back.

    Returns:
        [T, 9 J + 3]; visible frames are those of `motion`.

    Raises:
        DataError: If no frame is visible.
    """
    import torch

    from farandole.models.matrix_body import from_canonical, to_canonical

    if hidden.all():
        raise DataError("nothing is visible: at least one frame must be kept")
    weight = next(model.parameters())
    at = torch.as_tensor(hidden, device=weight.device)
    shown = torch.as_tensor(np.where(hidden[:, None], 0.0, motion), dtype=weight.dtype, device=weight.device)[None]
    heard = None if music is None else torch.as_tensor(music, dtype=weight.dtype, device=weight.device)[None]
    with torch.inference_mode():
        place = None
        if canonical:
            moved, place = to_canonical(shown, (~at).int().argmax()[None])
            shown = torch.where(at[:, None], 0.0, moved)
        filled = model(shown, at.to(weight.dtype)[None, :, None], None, heard)
        if place is not None:
            filled = from_canonical(filled, place)
    return np.where(hidden[:, None], filled[0].cpu().numpy(), motion)


def continue_motion(
    model: MaskedMotionModel,
    motion: Array,
    frames: int,
    music: Array | None = None,
    *,
    known: int = 120,
    block: int = 60,
    keep: int = 20,
    window: int | None = None,
    canonical: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Array:
    """The motion goes on: the last `known` frames are shown, `block` hidden ones filled, the first `keep` of these appended.

    Rotations are made rotations (nearest by SVD) and kept frames continue where the motion stands, so that errors do not grow
    from step to step by rounding; there is no chance in it.

    Args:
        model: A masked model, best fine-tuned on suffixes.
        motion: Features so far [T, 9 J + 3], T >= 1; frames before the last `known` are not looked at.
        frames: Frames to add.
        music: [T + frames, A], scaled as in training, from the same first frame; beyond its end the last frame is repeated.
        known, block, keep: Frames shown, filled and kept in every step.
        window: Length that the model wants, if fixed: what is left after `known` and `block` stays hidden too.
        canonical: See `fill_window`.
        progress: Called with frames done and frames in all.

    Returns:
        The frames added, [frames, 9 J + 3].

    Raises:
        DataError: If numbers of frames do not fit together, or the music is shorter than the motion.
    """
    if not (len(motion) > 0 and known > 0 and 0 < keep <= block and (window is None or known + block <= window)):
        raise DataError(
            f"cannot continue {len(motion)} frames with known {known}, block {block}, keep {keep}, window {window}: needed is "
            "keep <= block, known + block <= window, one frame at least"
        )
    if music is not None and len(music) < len(motion):
        raise DataError(f"music of {len(music)} frames is shorter than the motion of {len(motion)}")
    done = np.array(motion, dtype=np.float32)
    total = len(motion) + frames
    while len(done) < total:
        start = max(0, len(done) - known)
        shown = len(done) - start
        length = shown + block if window is None else window
        values = np.concatenate((done[start:], np.zeros((length - shown, done.shape[1]), np.float32)))
        heard = None if music is None else music[np.minimum(np.arange(start, start + length), len(music) - 1)]
        filled = fill_window(model, values, np.arange(length) >= shown, heard, canonical=canonical)
        done = np.concatenate((done, orthonormal(filled[shown : shown + keep])))
        if progress is not None:
            progress(min(len(done), total) - len(motion), frames)
    return done[len(motion) : total]


def orthonormal(features: Array) -> Array:
    """Features [T, 9 J + 3] with every matrix made the nearest rotation (SVD, determinant 1)."""
    u, _, vt = np.linalg.svd(features[:, :-3].reshape(len(features), -1, 3, 3))
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
    return np.concatenate(((u @ vt).reshape(len(features), -1), features[:, -3:]), axis=1).astype(np.float32)
