"""A song to a page.

Dances to a sound file and writes the motion and a page that plays both. Without a file it composes a song
first:

    python examples/01_song_to_page.py song.mp3
"""

from __future__ import annotations

import sys
from pathlib import Path

import farandole as fa
from farandole.data.starter.songs import compose
from farandole.view.page import write_page


def main(out: Path = Path("dances"), sound: str | None = None, seconds: float = 20.0) -> Path:
    """Write OUT/song.glb and OUT/song.html; returns the page."""
    out.mkdir(parents=True, exist_ok=True)
    if sound is None:
        made = compose(104, seconds, genre="house", seed=1)
        song = fa.Song.from_samples(made.samples, made.sample_rate, name="song")
    else:
        song = fa.load_song(sound)
    print(f"{song.name}: {song.seconds:.0f} s at {song.beats.tempo:.0f} bpm, clarity {song.beats.clarity:.2f}")
    motion = fa.dance(song, seed=7, energy=1.1)
    motion.save(out / "song.glb", force=True)
    return write_page([motion], out / "song.html", song=song, force=True)


if __name__ == "__main__":
    print(main(sound=sys.argv[1] if len(sys.argv) > 1 else None))
