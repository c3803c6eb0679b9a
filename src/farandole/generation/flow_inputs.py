"""What a model of the flow family dances to: the features of a prepared sequence, or of a song."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.data.feature_folder import FeatureFolder
from farandole.errors import DataError, FrameRateError
from farandole.generation.motion_checkpoint import InputWindow, MotionCheckpoint
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.music.song import Song

STYLE = "style"


class TooShortError(DataError):
    """A sequence or song is shorter than the model's window."""


@dataclass(frozen=True)
class FlowInputs:
    """One dance to be made.

    Attributes:
        name: Of the sequence or song.
        arrays: Scaled features by modality, float32 [T, D], labels int64 [1]; of the motion the seed's window.
    """

    name: str
    arrays: Mapping[str, Any]


def sequence_inputs(
    checkpoint: MotionCheckpoint, folder: FeatureFolder, name: str, *, seed_sequence: str | None = None
) -> FlowInputs:
    """Inputs from a sequence of a feature folder.

    Args:
        checkpoint: The model.
        folder: Features, made as those of the training data.
        name: The sequence: its music and labels.
        seed_sequence: Whose beginning the dance begins from; by default the sequence's own.

    Raises:
        FrameRateError: If the folder has another frame rate than the model.
        DataError: If a feature is missing, has another number of columns or comes from another version of its codec, the
            sequence does not exist.
        TooShortError: If the sequence is shorter than the model's window.
    """
    for sequence in (name, seed_sequence or name):
        if sequence not in folder.sequences:
            raise DataError(f"{folder.folder} has no sequence '{sequence}'; farandole info {folder.folder} lists them")
    if abs(folder.fps - checkpoint.fps) > 1e-3:
        raise FrameRateError(
            f"{folder.folder} has {folder.fps:g} fps, but the model was trained on {checkpoint.fps:g}: prepare it with "
            f"--fps {checkpoint.fps:g}"
        )
    arrays = {}
    for window in checkpoint.generation_inputs:
        own = window.name == checkpoint.target.name
        arrays[window.name] = _feature(checkpoint, folder, (seed_sequence or name) if own else name, window)
    return FlowInputs(name, arrays)


def song_inputs(
    checkpoint: MotionCheckpoint, song: Song, seed: FlowInputs | None = None, *, style: str | None = None
) -> FlowInputs:
    """Inputs from a song: the music features that the model was trained on, computed here.

    Args:
        checkpoint: The model.
        song: The music.
        seed: Inputs whose motion and label to take; without them the dance begins from the mean of all poses.
        style: The label, by name, for models that want one.

    Raises:
        AudioError: If the model's music feature cannot be computed here.
        DataError: If a label is needed and not given or unknown.
        TooShortError: If the song is shorter than the model's window.
    """
    from farandole.music.features import features

    arrays: dict[str, Any] = {}
    for window in checkpoint.generation_inputs:
        if window.tokens and style is not None:
            arrays[window.name] = np.array([_label(checkpoint, style)])
        elif window.tokens or (window.name == checkpoint.target.name and seed is not None):
            if seed is None:
                raise DataError(f"the model wants a style: give --style, one of {', '.join(checkpoint.styles)}")
            arrays[window.name] = seed.arrays[window.name]
        elif window.name == checkpoint.target.name:
            arrays[window.name] = np.zeros((window.offset + window.frames, window.dim), np.float32)
        else:
            heard = features(song, checkpoint.features[window.name], checkpoint.fps)
            arrays[window.name] = _scaled(checkpoint, window, heard, song.name)
    return FlowInputs(song.name, arrays)


def _feature(checkpoint: MotionCheckpoint, folder: FeatureFolder, sequence: str, window: InputWindow) -> Any:
    feature = checkpoint.features[window.name]
    if window.tokens and feature == STYLE and feature not in folder.features:
        told = folder.sequences[sequence]
        if STYLE not in told:
            raise DataError(f"{sequence} has no style in {folder.folder / 'corpus.json'}, which the model reads")
        return np.array([_label(checkpoint, told[STYLE])])
    if feature not in folder.features:
        raise DataError(
            f"{folder.folder} has no {window.name} feature '{feature}', which the model reads; there are: "
            f"{', '.join(folder.features)}"
        )
    if window.tokens:
        labels = np.asarray(folder.load(sequence, feature)).reshape(-1)
        return labels[: 1 if window.fixed else None].astype(np.int64)
    codec, ours = folder.codecs.get(feature), checkpoint.config["codec"]
    if window.name == checkpoint.target.name and codec and ours and codec["version"] != ours["version"]:
        raise DataError(
            f"{folder.folder}: '{feature}' is of version {codec['version']} of that codec, the model was trained on version "
            f"{ours['version']}"
        )
    return _scaled(checkpoint, window, folder.load(sequence, feature), f"{folder.folder}: {sequence}")


def _scaled(checkpoint: MotionCheckpoint, window: InputWindow, values: Array, where: str) -> Array:
    feature = checkpoint.features[window.name]
    if values.ndim != 2 or values.shape[1] != window.dim:
        given = values.shape[1] if values.ndim == 2 else values.shape
        raise DataError(f"{where}: {feature} has {given} columns, but the model is made for {window.dim}")
    needed = window.offset + window.frames
    if len(values) < needed:
        raise TooShortError(
            f"{where}: {feature} has {len(values)} frames, but the model's window needs {needed} ({needed / checkpoint.fps:.1f} s)"
        )
    if window.name == checkpoint.target.name:
        values = values[:needed]  # the rest of a sequence's own motion is for nobody to see
    scaler = checkpoint.scalers[window.name]
    return ((values - scaler.mean) / scaler.std).astype(np.float32)


def _label(checkpoint: MotionCheckpoint, style: str) -> int:
    if style not in checkpoint.styles:
        raise DataError(f"no style '{style}': the model knows {', '.join(checkpoint.styles) or 'none'}")
    return checkpoint.styles.index(style)
