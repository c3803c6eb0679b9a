"""Lets tests import the helper beside them; dances and songs to go on from."""

import sys
from pathlib import Path

import numpy as np
import pytest

from farandole.data.starter.groove.dancer import groove
from farandole.motion.motion import Motion

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def take() -> Motion:
    """Eight seconds of a made dance at 30 fps, 110 beats per minute."""
    return groove(np.arange(240) / 30 * 110 / 60, seed=14, energy=0.5)
