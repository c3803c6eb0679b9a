"""A dance on your own character.

The character's file comes back untouched but for one more animation. Without a character the simple body of a
dance written as GLB takes its place:

    python examples/03_own_character.py me.vrm song.mp3
"""

from __future__ import annotations

import sys
from pathlib import Path

import farandole as fa
from farandole.data.starter.songs import compose


def main(
    out: Path = Path("dances"), character: Path | None = None, sound: str | None = None, seconds: float = 10.0
) -> Path:
    """Write the character with two takes as animations; returns the file."""
    out.mkdir(parents=True, exist_ok=True)
    if sound is None:
        made = compose(120, seconds, genre="pop", seed=2)
        song = fa.Song.from_samples(made.samples, made.sample_rate, name="song")
    else:
        song = fa.load_song(sound)
    if character is None:
        character = out / "body.glb"
        fa.dance(song, seconds=1.0).save(character, force=True)
    body = fa.load_character(character)
    print(f"recognised {len(body.roles)} parts, such as {', '.join(list(body.roles)[:4])}")
    takes = [fa.dance(song, seed=seed, seconds=seconds) for seed in (1, 2)]
    target = out / f"{Path(character).stem}-dancing{Path(character).suffix}"
    target.write_bytes(body.animate(takes, name=["take 1", "take 2"], root="hips"))
    return target


if __name__ == "__main__":
    print(main(character=Path(sys.argv[1]), sound=sys.argv[2]) if len(sys.argv) > 2 else main())
