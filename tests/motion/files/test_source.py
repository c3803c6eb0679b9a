"""A motion knows the file it was read from, so that what is suggested about it can be typed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from farandole.cli.app import run
from farandole.errors import FrameRateError
from farandole.motion.files import load_motion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion


def test_another_frame_rate_is_told_with_a_command_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    body = house_skeleton()
    made = Motion(body, np.tile([1.0, 0, 0, 0], (40, len(body), 1)), np.zeros((40, 3)), 20.0, name="clip")
    assert made.source is None
    with pytest.raises(FrameRateError, match=r"^clip is 20 fps, but it needs 30 fps. .*: motion.resample\(30\)$"):
        made.require_fps(30.0, "it")
    made.save("deep/in/clip.bvh")
    read = load_motion("deep/in/clip.bvh").slice(3, 30)
    assert read.source == Path("deep/in/clip.bvh")
    with pytest.raises(FrameRateError) as caught:
        read.require_fps(30.0, "it")
    command = str(caught.value).rpartition("Resample it first: farandole ")[2].split()
    assert run([*command, "-q"]) == 0
    load_motion("resampled.bvh").require_fps(30.0, "it")
