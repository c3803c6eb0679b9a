"""Songs of a few seconds."""

from __future__ import annotations

from pathlib import Path

import soundfile

from farandole.data.starter.songs import compose

SECONDS = 3.0


def write_song(path: Path, bpm: float, seconds: float = SECONDS) -> Path:
    """A composed song as a sound file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = compose(bpm, seconds, genre="house", seed=round(bpm))
    soundfile.write(path, made.samples, made.sample_rate)
    return path
