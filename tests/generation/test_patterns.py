"""Which frames are kept, as people say it."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.errors import MotionError
from farandole.generation.patterns import kept_frames


@pytest.mark.parametrize(
    ("how", "kept"),
    [
        ({"every": 4}, [0, 4, 8, 9]),
        ({"every": 9}, [0, 9]),
        ({"keep": [7, 3, 5]}, [0, 1, 2, 3, 5, 7, 8, 9]),
        ({"gaps": [(2, 3), (6, 8)]}, [0, 1, 4, 5, 9]),
        ({"gaps": [(2, 5), (4, 8)]}, [0, 1, 9]),
    ],
)
def test_patterns(how: dict, kept: list[int]) -> None:
    assert np.flatnonzero(kept_frames(10, **how)).tolist() == kept


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({}, "no pattern given"),
        ({"every": 3, "gaps": [(1, 2)]}, "every and gap given"),
        ({"every": 1}, "every 1: need 2 or more"),
        ({"every": 0}, "every 0"),
        ({"every": 10}, "has only 10 frames"),
        ({"keep": []}, "0 frames to keep"),
        ({"keep": [4, 4]}, "1 frames to keep"),
        ({"keep": [0, 10]}, "cannot keep frame 10: clip has frames 0 to 9"),
        ({"keep": [-1, 5]}, "cannot keep frame -1"),
        ({"keep": [2, 3, 4]}, "nothing to fill"),
        ({"gaps": []}, "no gap given"),
        ({"gaps": [(8, 12)]}, "gap 8:12 lies outside clip"),
        ({"gaps": [(5, 2)]}, "ends before it begins"),
        ({"gaps": [(0, 9)]}, "leave no frame"),
        ({"gaps": [(0, 3)]}, "keep at least its first frame"),
        ({"gaps": [(5, 9)]}, "continue the motion with extend"),
    ],
)
def test_patterns_that_do_not_work_are_told(how: dict, says: str) -> None:
    with pytest.raises(MotionError, match=says):
        kept_frames(10, name="clip", **how)
