"""Kinds of training data by name."""

from __future__ import annotations

from farandole.training.data.dance_windows import DanceWindows
from farandole.training.data.gap_batches import GapBatches
from farandole.training.data.stream_windows import MaskedWindows, StreamWindows
from farandole.training.data.training_data import TrainingData

KINDS: dict[str, type[TrainingData]] = {
    "streams": StreamWindows,
    "masked": MaskedWindows,
    "gaps": GapBatches,
    "dance": DanceWindows,
}
"""Name that an objective calls its data by -> class."""


def data_kind(name: str) -> type[TrainingData]:
    """The class of a kind of data."""
    return KINDS[name]
