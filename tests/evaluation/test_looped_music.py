"""Dances that are longer than their music: it begins anew, and the beginning of the motion stays as it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightning", reason="runs are made by the [train] extra")

from farandole.evaluation.run_dances import _looped
from farandole.generation.completer import FeatureJob
from farandole.models.abilities import InputWindow


def test_music_that_ends_early_begins_anew() -> None:
    reads = (InputWindow("motion", 3, 4), InputWindow("audio", 1, 6), InputWindow("style", 8, 1, tokens=2, fixed=True))
    completer: Any = SimpleNamespace(reads=reads, begins=4, fps=10.0)
    arrays = {"motion": np.ones((20, 3)), "audio": np.arange(20.0)[:, None], "style": np.array([1])}
    looped = _looped(FeatureJob("s", arrays), completer, seconds=9.0).arrays
    assert looped["motion"] is arrays["motion"]
    assert looped["style"] is arrays["style"]
    assert len(looped["audio"]) >= 4 + 90 + 6
    np.testing.assert_array_equal(looped["audio"][20:40], arrays["audio"])
