"""Windows for masked models: motion as it is to be restored, music beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch.utils.data import Subset

from farandole.data.feature_folder import SPLITS, FeatureFolder, Scaler
from farandole.data.windows import Stream, Windows, scale
from farandole.errors import DataError
from farandole.models.errors import require
from farandole.motion.rotations import Array

ROOT = 3
"""Last columns of motion features: the root's position."""


@dataclass(frozen=True)
class MaskedWindows:
    """Which windows, and in what numbers. The defaults are the mended ones."""

    frames: int = 300
    """Length of a window."""
    stride: int = 1
    """Distance of window starts in a sequence; as published: the length of a window."""
    root: Literal["canonical", "minmax"] = "canonical"
    """canonical: every window stands at the origin and looks ahead at its first visible frame, m. minmax: world coordinates scaled
    to 0..1, as published."""
    music: Literal["standard", "minmax"] = "standard"
    """Scaling of music features; minmax as published."""
    statistics: Literal["train", "all"] = "train"
    """Where the scales are taken from; all: held-out and test sequences too, as published."""

    def __post_init__(self) -> None:
        require("windows", [(self.frames > 1 and self.stride > 0, "frames and stride must be positive")])


def scalers_of(corpus: FeatureFolder, features: Mapping[str, str], windows: MaskedWindows) -> dict[str, Scaler]:
    """Statistics by modality, of the training split or of everything."""
    if windows.statistics == "train":
        return {m: corpus.scaler(f) for m, f in features.items()}
    names = [n for s in SPLITS for n in corpus.split(s)]
    return {m: Scaler.fit([corpus.load(n, f) for n in names]) for m, f in features.items()}


def scale_motion(motion: Array, scaler: Scaler, windows: MaskedWindows) -> Array:
    """Motion features [T, 9 J + 3] as a model sees them; with canonical windows unchanged until their mask is drawn."""
    motion = np.array(motion, dtype=np.float32)
    if windows.root == "minmax":
        motion[:, -ROOT:] = scale(motion, scaler, "minmax")[:, -ROOT:]
    return motion


def scale_music(music: Array, scaler: Scaler, windows: MaskedWindows) -> Array:
    """Music features [T, A] as a model hears them."""
    return scale(np.asarray(music), scaler, windows.music).astype(np.float32)


def read_windows(
    corpus: FeatureFolder,
    split: str,
    features: Mapping[str, str],
    dims: Mapping[str, int],
    scalers: Mapping[str, Scaler],
    windows: MaskedWindows,
) -> Any:
    """Windows of a split: `out_motion` [frames, D] and, where the model hears it, `in_music` [frames, A].

    Args:
        corpus: The feature folder.
        split: train, val or test; held-out windows overlap by half.
        features: Name of the feature of each modality, motion and maybe music.
        dims: Features per frame that the model is made for, by modality.
        scalers: By modality.
        windows: Which ones.

    Raises:
        DataError: If a modality is missing or does not fit, or no sequence is long enough.
    """
    names = corpus.split(split)
    arrays: dict[tuple[str, str], Array] = {}
    for name in names:
        arrays[name, "motion"] = scale_motion(corpus.load(name, features["motion"]), scalers["motion"], windows)
        if "music" in dims:
            arrays[name, "music"] = scale_music(corpus.load(name, features["music"]), scalers["music"], windows)
    heard = [Stream(m, windows.frames) for m in dims if m != "motion"]
    made = Windows(names, lambda name, modality: arrays[name, modality], heard, [Stream("motion", windows.frames)])
    stride = windows.stride if split == "train" else max(1, windows.frames // 2)
    return made if stride == 1 else Subset(made, _every(made, stride))  # type: ignore[arg-type]


def _every(windows: Windows, stride: int) -> list[int]:
    """Windows that start at multiples of `stride` in their sequence."""
    ends = np.cumsum(windows.counts)
    return [i for end, n in zip(ends, windows.counts, strict=True) for i in range(int(end - n), int(end), stride)]


def check_features(features: Mapping[str, str], dims: Mapping[str, int], corpus: FeatureFolder) -> None:
    """Raise DataError if the recipe names no feature for a modality, or the folder lacks it or has it in another width."""
    for modality in dims:
        if modality not in features:
            raise DataError(f"recipe.features names no feature for {modality}")
        if features[modality] not in corpus.features:
            raise DataError(
                f"{corpus.folder} has no feature '{features[modality]}': there are {', '.join(corpus.features)}"
            )
        given = len(corpus.features[features[modality]])
        if given != dims[modality]:
            raise DataError(
                f"{corpus.folder}: {features[modality]} ({modality}) has {given} features, but the model is made for "
                f"{dims[modality]}"
            )
