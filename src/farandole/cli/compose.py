"""`farandole compose`: a song for those who have none at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet
from farandole.errors import AudioError

_SUFFIXES = {".flac": "PCM_16", ".wav": "PCM_16", ".ogg": "VORBIS"}


def compose(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write it: .flac, .wav or .ogg.")],
    bpm: Annotated[float, typer.Option(min=30, max=300, help="Beats per minute.")] = 110.0,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="Length, s.")] = 60.0,
    genre: Annotated[str, typer.Option(help="Kind of music; an unknown one lists those that exist.")] = "house",
    seed: Annotated[int, typer.Option(help="Another number, another song.")] = 0,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Synthesise a song, something to dance to.

    Its beats are exact and it is free of anyone's rights.

    \b
    farandole compose -o song.flac
    farandole compose -o slow.wav --bpm 84 --genre reggaeton --seconds 120 --seed 3
    """
    from io import BytesIO

    import soundfile

    from farandole import _io
    from farandole.data.starter import songs

    if genre not in songs.genres():
        raise AudioError(f"no genre '{genre}'; there are: {', '.join(songs.genres())}")
    if out.suffix.lower() not in _SUFFIXES:
        raise AudioError(f"{out}: cannot write '{out.suffix}'; accepted are {', '.join(_SUFFIXES)}")
    _io.check_output(out, force=force)
    song = songs.compose(bpm, seconds, genre=genre, seed=seed)
    kind, subtype = out.suffix[1:].upper(), _SUFFIXES[out.suffix.lower()]
    sound = BytesIO()  # libsndfile says of a full disk no more than "system error"
    soundfile.write(sound, song.samples, song.sample_rate, format=kind, subtype=subtype)
    with _io.atomic_path(out, force=force) as temporary:
        temporary.write_bytes(sound.getvalue())
    if json:
        beats = {"beat_times": song.beat_times, "downbeats": song.downbeats}
        console.result_json({"file": out, "bpm": song.bpm, "seconds": seconds, "genre": genre, "seed": seed, **beats})
    else:
        console.result(out)
        console.note(f"{seconds:g} s of {genre} at {bpm:g} bpm, seed {seed}", quiet=quiet)
