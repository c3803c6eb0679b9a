"""What a model goes by: the features of a prepared sequence, or of a song."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.errors import DataError, FrameRateError
from farandole.generation.bodies import end_of
from farandole.generation.completer import MOTION, Completer, FeatureJob
from farandole.generation.required_abilities import require
from farandole.motion.files import load_motion
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.models.abilities import InputWindow
    from farandole.motion.motion import Motion
    from farandole.music.song import Song

STYLE = "style"


class TooShortError(DataError):
    """A sequence or song is shorter than the model's window."""


def sequence_job(
    completer: Completer, folder: FeatureFolder, name: str, *, seed_sequence: str | None = None
) -> FeatureJob:
    """Inputs from a sequence of a feature folder.

    Args:
        completer: The model.
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
    if folder.frame_rate is not None and abs(folder.fps - completer.fps) > 1e-3:  # plain arrays do not tell theirs
        raise FrameRateError(
            f"{folder.folder} has {folder.fps:g} fps, but the model was trained on {completer.fps:g}: prepare it with "
            f"--fps {completer.fps:g}"
        )
    arrays = {}
    for window in completer.reads:
        source = (seed_sequence or name) if window.name == MOTION else name
        arrays[window.name] = _feature(completer, folder, source, window)
    return FeatureJob(name, arrays)


def song_job(
    completer: Completer, song: Song, begin: FeatureJob | None = None, *, style: str | None = None
) -> FeatureJob:
    """Inputs from a song: the music features that the model was trained on, computed here.

    Args:
        completer: The model.
        song: The music.
        begin: Inputs whose motion and label to take; without them the dance begins from the mean of all poses.
        style: The label, by name, for models that want one.

    Raises:
        AudioError: If the model's music feature cannot be computed here.
        DataError: If a label is needed and not given or unknown.
        TooShortError: If the song is shorter than the model's window.
    """
    from farandole.music.features import features

    checkpoint = completer.checkpoint
    arrays: dict[str, Any] = {}
    for window in completer.reads:
        if window.tokens and style is not None:
            arrays[window.name] = np.array([completer.label(style)])
        elif window.tokens or (window.name == MOTION and begin is not None):
            if begin is None:
                raise DataError(f"the model wants a style: give --style, one of {', '.join(checkpoint.config.labels)}")
            arrays[window.name] = begin.arrays[window.name]
        elif window.name == MOTION:
            arrays[window.name] = np.zeros((window.offset + window.frames, window.dim), np.float32)
        else:
            rows = features(song, checkpoint.feature(window.name), completer.fps)
            arrays[window.name] = scaled(completer, window, rows, song.name)
    return FeatureJob(song.name, arrays)


def begun_by(completer: Completer, job: FeatureJob, start: Motion | str | Path) -> FeatureJob:
    """The same inputs with the end of a motion for what the model goes on from.

    Args:
        completer: The model.
        job: Music and labels.
        start: Any humanoid motion, or the path of a motion file; where it is shorter than the window, its first frame is held.

    Raises:
        AbilityError: If the model looks at no past.
        CheckpointError: If its features are no motion.
        RetargetError: If a skeleton is not humanoid.
    """
    require(completer.checkpoint, ["past"], "going on from a motion")
    window = next(w for w in completer.reads if w.name == MOTION)
    motion = load_motion(start) if isinstance(start, str | Path) else start
    codec, frames = completer.checkpoint.codec, window.offset + window.frames
    rows = codec.encode(end_of(motion, completer.skeleton, completer.fps, frames))
    return replace(job, arrays={**job.arrays, MOTION: scaled(completer, window, rows, motion.name)})


def _feature(completer: Completer, folder: FeatureFolder, sequence: str, window: InputWindow) -> Any:
    feature = completer.checkpoint.feature(window.name)
    if window.tokens and feature == STYLE and feature not in folder.features:
        facts = folder.sequences[sequence]
        if STYLE not in facts:
            raise DataError(f"{sequence} has no style in {folder.folder / 'corpus.json'}, which the model reads")
        return np.array([completer.label(facts[STYLE])])
    if feature not in folder.features:
        raise DataError(
            f"{folder.folder} has no {window.name} feature '{feature}', which the model reads; there are: "
            f"{', '.join(folder.features)}"
        )
    if window.tokens:
        labels = np.asarray(folder.load(sequence, feature)).reshape(-1)
        return labels[: 1 if window.fixed else None].astype(np.int64)
    codec, ours = folder.codecs.get(feature), completer.checkpoint.config.codec
    if window.name == MOTION and codec and ours and codec["version"] != ours.version:
        raise DataError(
            f"{folder.folder}: '{feature}' is of version {codec['version']} of that codec, the model was trained on version "
            f"{ours.version}"
        )
    return scaled(completer, window, folder.load(sequence, feature), f"{folder.folder}: {sequence}")


def scaled(completer: Completer, window: InputWindow, values: Array, where: str) -> Array:
    """Rows of a feature in the model's numbers, float32 [T, D]; of the motion as many as it begins from.

    Raises:
        DataError: If they have another number of columns than the model reads.
        TooShortError: If there are too few.
    """
    feature = completer.checkpoint.feature(window.name)
    if values.ndim != 2 or values.shape[1] != window.dim:
        given = values.shape[1] if values.ndim == 2 else values.shape
        raise DataError(f"{where}: {feature} has {given} columns, but the model is made for {window.dim}")
    least = window.offset + window.frames
    if len(values) < least:
        raise TooShortError(
            f"{where}: {feature} has {len(values)} frames, but the model's window needs {least} ({least / completer.fps:.1f} s)"
        )
    if window.name == MOTION:
        values = values[:least]  # the rest is the ground truth and must not leak into the input
    return completer.scale(window.name, np.asarray(values))
