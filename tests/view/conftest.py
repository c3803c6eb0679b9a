"""Small motions and songs made in the test: nothing from outside the repository is needed to look at a dance."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # helpers beside the tests

from made_motions import step_in_place

from farandole.motion.motion import Motion
from farandole.music.song import Song


@pytest.fixture(scope="session")
def steps() -> Motion:
    return step_in_place()


@pytest.fixture(scope="session")
def clicks() -> Song:
    """Clicks every half second from 0.5 s on, with a quiet bass, 20 s."""
    rate = 22050
    time = np.arange(20 * rate) / rate
    since = np.where(time < 0.5, 1.0, (time - 0.5) % 0.5)
    sound = 0.8 * np.sin(2 * np.pi * 1000 * since) * np.exp(-since * 60) * (time >= 0.5) + 0.02 * np.sin(
        2 * np.pi * 80 * time
    )
    return Song.from_samples(sound.astype(np.float32), rate, name="clicks")
