"""`farandole generate`: motion by a model of the flow family, for sequences of a feature folder or for songs."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet
from farandole.cli.outputs import Outputs, parse_formats

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.generation.flow_dances import FlowDance
    from farandole.generation.flow_inputs import FlowInputs
    from farandole.generation.motion_checkpoint import MotionCheckpoint
    from farandole.music import Song


def generate(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="Folder that farandole train made, or its checkpoint.", show_default=False),
    ],
    data: Annotated[
        Path | None, typer.Option(metavar="DATA", help="Feature folder made by farandole prepare.", show_default=False)
    ] = None,
    sequence: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Dance to this sequence's music; may be given again.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Dance to all of train, val or test. [default: test]")] = None,
    every: Annotated[bool, typer.Option("--all", help="Dance to every sequence of DATA.")] = False,
    song: Annotated[
        list[Path] | None, typer.Option(metavar="SONG", help="Dance to a sound file instead; may be given again.")
    ] = None,
    seed_sequence: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Begin as this sequence begins. [default: as each sequence itself]"),
    ] = None,
    style: Annotated[str | None, typer.Option(help="With --song: a style that the model knows.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where to write. [default: RUN/generated]")
    ] = None,
    formats: Annotated[str, typer.Option(help="Comma-separated: bvh,glb,html,mp4,npz.")] = "bvh,html",
    video: Annotated[bool, typer.Option("--video", help="Write an mp4, too.")] = False,
    sounds: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with the sequences' sound files. [default: DATA]")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="At most this long, s. [default: all the music]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another number, other dances.")] = 0,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="0 the centre of the prior, 1 as trained.")] = 1.0,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Frames kept of each predicted window. [default: 1, the published loop]")
    ] = None,
    with_seed: Annotated[bool, typer.Option("--with-seed", help="Begin the files with the seed's frames.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Sequences generated at once.")] = 16,
    engine: Annotated[str, typer.Option(help="torch, onnx (exported models), or auto: torch if installed.")] = "auto",
    device: Annotated[str, typer.Option(help="Of torch: cpu, cuda ... or auto.")] = "auto",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Generate motion with a trained model of the flow family.

    Each sequence's dance begins from its first frames, which the model's window takes up, and ends where the windows
    reach the end of the music. Sound in pages and videos begins with the first frame that is shown.

    \b
    farandole generate runs/tiny_transflower --data data/mine
    farandole generate runs/tiny_transflower --data data/mine --sequence waltz_07 --seed-sequence rumba_02 --seconds 20 -o out
    farandole generate runs/tiny_moglow --data data/mine --split val --sounds recordings --video
    farandole generate runs/tiny_moglow --song song.mp3 --data data/mine --seed-sequence waltz_07
    """
    from farandole import _io
    from farandole.cli.dance import write_takes
    from farandole.data.feature_folder import FeatureFolder
    from farandole.data.sounds import find_sound
    from farandole.errors import DataError
    from farandole.generation.flow_dances import FlowSettings, generate_dances
    from farandole.generation.flow_engine import make_flow_engine
    from farandole.generation.motion_checkpoint import find_motion_checkpoint

    checkpoint = find_motion_checkpoint(run)
    settings = FlowSettings(seconds, keep or 1, seed, temperature, with_seed, batch)
    which = _choose(sequence=sequence, split=split, all=every, song=song)
    folder = None if data is None else FeatureFolder(data)
    if which == "song":
        jobs, music = _from_songs(checkpoint, song or [], folder, seed_sequence, style)
    elif folder is None:
        raise DataError("nothing to dance to: give --data DATA, or --song SONG")
    elif style is not None:
        raise DataError("--style is for songs (--song): sequences have their own")
    else:
        names = {"sequence": sequence, "all": list(folder.sequences)}.get(which) or folder.split(split or "test")
        if not names:
            raise DataError(f"{data} has no sequences in its split '{split or 'test'}'")
        jobs = _from_folder(checkpoint, folder, names, seed_sequence, strict=which == "sequence")
        music = {job.name: find_sound(folder, job.name, sounds) for job in jobs}
    kinds = parse_formats(formats + ",mp4" if video else formats)
    audible = bool({"html", "mp4"} & set(kinds))
    target = out or run / "generated"
    planned = {job.name: _plan(target, job.name, kinds) for job in jobs}
    for outputs in planned.values():
        for path in outputs.all:
            _io.check_output(path, force=force)
    runner = make_flow_engine(checkpoint, engine, device=device)
    begun = time.perf_counter()
    with console.progress("generating", quiet=quiet) as update:
        dances = list(generate_dances(runner, jobs, settings, progress=update))
    speed = sum(len(dance.motion) for dance in dances) / (time.perf_counter() - begun)
    facts = []
    for dance in dances:
        outputs, path = planned[dance.name], music[dance.name]
        heard = _sound(dance, path) if audible else None
        write_takes(outputs, [dance.motion], heard, title=dance.name, force=force, quiet=quiet)
        facts.append(_told(dance, outputs, heard, path))
        for file in () if json else outputs.all:
            console.result(file)
    if json:
        told = {"run": run, "model": checkpoint.model, "fps": checkpoint.fps, "seed": seed, "dances": facts}
        console.result_json({**told, "frames_per_second": speed})
        return
    silent = [name for name, path in music.items() if path is None]
    if silent and audible:
        others = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
        console.warning(f"no sound file found for {silent[0]}{others}: say with --sounds which folder they are in")
    console.note(f"{len(facts)} dances, generated at {speed:.0f} frames per second", quiet=quiet)


def _choose(**given: Any) -> str:
    """Which of several options that exclude each other was given; "split" if none was."""
    from farandole.errors import DataError

    chosen = [name for name, value in given.items() if value]
    if len(chosen) > 1:
        raise DataError(f"--{chosen[0]} and --{chosen[1]} say different things: give one of them")
    return chosen[0] if chosen else "split"


def _from_songs(
    checkpoint: MotionCheckpoint,
    songs: list[Path],
    folder: FeatureFolder | None,
    seed_sequence: str | None,
    style: str | None,
) -> tuple[list[FlowInputs], dict[str, Path | None]]:
    """Inputs and sound files of songs."""
    from farandole.cli.outputs import first_free
    from farandole.errors import DataError
    from farandole.generation.flow_inputs import sequence_inputs, song_inputs
    from farandole.music import load_song

    begun = None
    if seed_sequence is not None:
        if folder is None:
            raise DataError(f"--seed-sequence {seed_sequence} needs --data, the feature folder it is in")
        begun = sequence_inputs(checkpoint, folder, seed_sequence)
    sounds: dict[str, Path | None] = dict(zip(first_free([path.stem for path in songs]), songs, strict=True))
    jobs = []
    for name, path in sounds.items():
        assert path is not None
        jobs.append(replace(song_inputs(checkpoint, load_song(path), begun, style=style), name=name))
    return jobs, sounds


def _from_folder(
    checkpoint: MotionCheckpoint, folder: FeatureFolder, names: list[str], seed_sequence: str | None, *, strict: bool
) -> list[FlowInputs]:
    """Inputs of sequences; those shorter than the model's window are left out with a warning, unless `strict`."""
    from farandole.generation.flow_inputs import TooShortError, sequence_inputs

    jobs, short = [], []
    for name in dict.fromkeys(names):
        try:
            jobs.append(sequence_inputs(checkpoint, folder, name, seed_sequence=seed_sequence))
        except TooShortError as problem:
            if strict:
                raise
            short.append(problem)
    if not jobs:
        raise short[0]
    if short:
        console.warning(f"{len(short)} of {len(short) + len(jobs)} sequences left out: {short[0]}")
    return jobs


def _plan(folder: Path, name: str, kinds: tuple[str, ...]) -> Outputs:
    # Names may hold dots, which are no suffixes here.
    files = {kind: folder / f"{name}.{kind}" for kind in kinds}
    page = files.pop("html", None)
    return Outputs((files,), page)


@lru_cache(maxsize=2)  # dances to one song come one after the other
def _load(path: Path) -> Song:
    from farandole.music import load_song

    return load_song(path)


def _sound(dance: FlowDance, path: Path | None) -> Song | None:
    """The song from the dance's first frame on."""
    from farandole.errors import AudioError
    from farandole.music.excerpt import Excerpt

    if path is None:
        return None
    song = _load(path)
    try:
        return Excerpt(song, dance.begin, dance.motion.seconds) if dance.begin else song
    except AudioError as problem:
        console.warning(f"{dance.name} stays silent: {problem}")
        return None


def _told(dance: FlowDance, outputs: Outputs, sound: Song | None, path: Path | None) -> dict[str, Any]:
    return {
        "name": dance.name,
        "files": outputs.takes[0],
        "page": outputs.page,
        "frames": len(dance.motion),
        "seconds": dance.motion.seconds,
        "begin": dance.begin,
        "sound": None if sound is None else path,
    }
