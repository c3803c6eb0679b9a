"""`farandole generate`: motion by a trained model, for sequences of a feature folder or for songs."""

from __future__ import annotations

import time
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet

if TYPE_CHECKING:
    from farandole.generation.generate import Generated
    from farandole.music.song import Song
    from farandole.view.takes import Outputs


def generate(
    run: Annotated[
        str,
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
        int | None, typer.Option(min=1, help="Frames kept of each predicted window. [default: as the model says]")
    ] = None,
    feet: Annotated[
        bool | None,
        typer.Option("--feet/--no-feet", help="Put dancers on their feet at the end. [default: as the model says]"),
    ] = None,
    with_seed: Annotated[bool, typer.Option("--with-seed", help="Begin the files with the seed's frames.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Sequences generated at once.")] = 16,
    engine: Annotated[str, typer.Option(help="onnx (exported models), torch, or auto.")] = "auto",
    device: Annotated[str, typer.Option(help="Of torch: cpu, cuda ... or auto.")] = "auto",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Generate motion with a trained model.

    Each sequence's dance begins from its first frames, which the model's window takes up, and ends where the windows
    reach the end of the music. Sound in pages and videos begins with the first frame that is shown.

    \b
    farandole generate runs/transflower --data data/mine
    farandole generate runs/transflower --data data/mine --sequence waltz_07 --seed-sequence rumba_02 --seconds 20 -o out
    farandole generate runs/moglow --data data/mine --split val --sounds recordings --video
    farandole generate runs/moglow --song song.mp3 --data data/mine --seed-sequence waltz_07
    """
    from farandole import _io
    from farandole.errors import DataError
    from farandole.generation import generate as generation
    from farandole.generation.completer import GenerationSettings
    from farandole.generation.completion import open_model
    from farandole.view.takes import named_outputs, parse_formats, write_takes

    completer = open_model(run, engine=engine, device=device)
    settings = GenerationSettings(seed, temperature, keep, feet)
    which = _choose(sequence=sequence, split=split, all=every, song=song)
    if which != "song" and style is not None:
        raise DataError("--style is for songs (--song): sequences have their own")
    jobs, music = _jobs(completer, data, which, sequence, split, song or [], seed_sequence, style, sounds)
    kinds = parse_formats(formats + ",mp4" if video else formats)
    audible = bool({"html", "mp4"} & set(kinds))
    target = out or Path(run) / "generated"
    planned = {job.name: named_outputs(target, job.name, kinds) for job in jobs}
    for outputs in planned.values():
        for path in outputs.all:
            _io.check_output(path, force=force)
    begun = time.perf_counter()
    with console.progress("generating", quiet=quiet) as update:
        made = list(
            generation.generate(
                completer, jobs, settings, seconds=seconds, with_seed=with_seed, batch=batch, progress=update
            )
        )
    speed = sum(len(dance.features) for dance in made) / (time.perf_counter() - begun)
    facts = []
    for dance in made:
        if dance.motion is None:
            raise DataError(
                f"{run} makes {completer.checkpoint.config.features['motion']} features, which are no motion"
            )
        outputs, path = planned[dance.name], music[dance.name]
        heard = _sound(dance, path) if audible else None
        rendering = partial(console.progress, quiet=quiet)
        write_takes(outputs, [dance.motion], heard, title=dance.name, force=force, progress=rendering)
        facts.append(_facts(dance, outputs, heard, path))
        for file in () if json else outputs.all:
            console.result(file)
    if json:
        config = completer.checkpoint.config
        about = {"run": run, "model": config.model, "fps": config.fps, "seed": seed, "dances": facts}
        console.result_json({**about, "frames_per_second": speed})
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


def _jobs(
    completer: Any,
    data: Path | None,
    which: str,
    sequence: list[str] | None,
    split: str | None,
    songs: list[Path],
    seed_sequence: str | None,
    style: str | None,
    sounds: Path | None,
) -> tuple[list[Any], dict[str, Path | None]]:
    """Inputs, and the sound file of each."""
    from farandole.data.feature_folder import FeatureFolder
    from farandole.errors import DataError
    from farandole.generation.generate import folder_jobs, folder_sounds, song_jobs
    from farandole.generation.inputs import sequence_job
    from farandole.view.takes import first_free

    folder = None if data is None else FeatureFolder(data)
    if which == "song":
        begin = None
        if seed_sequence is not None:
            if folder is None:
                raise DataError(f"--seed-sequence {seed_sequence} needs --data, the feature folder it is in")
            begin = sequence_job(completer, folder, seed_sequence)
        files = dict(zip(first_free([path.stem for path in songs]), songs, strict=True))
        return song_jobs(completer, {n: _load(p) for n, p in files.items()}, begin, style=style), dict(files)
    if folder is None:
        raise DataError("nothing to dance to: give --data DATA, or --song SONG")
    names = {"sequence": sequence, "all": list(folder.sequences)}.get(which) or folder.split(split or "test")
    if not names:
        raise DataError(f"{data} has no sequences in its split '{split or 'test'}'")
    jobs = folder_jobs(completer, folder, names, seed_sequence=seed_sequence, strict=which == "sequence")
    return jobs, folder_sounds(folder, [job.name for job in jobs], sounds)


@lru_cache(maxsize=2)  # dances to one song come one after the other
def _load(path: Path) -> Song:
    from farandole.music import load_song

    return load_song(path)


def _sound(dance: Generated, path: Path | None) -> Song | None:
    """The song from the dance's first frame on."""
    from farandole.errors import AudioError
    from farandole.music.excerpt import Excerpt

    if path is None or dance.motion is None:
        return None
    song = _load(path)
    try:
        return Excerpt(song, dance.begin, dance.motion.seconds) if dance.begin else song
    except AudioError as problem:
        console.warning(f"{dance.name} stays silent: {problem}")
        return None


def _facts(dance: Generated, outputs: Outputs, sound: Song | None, path: Path | None) -> dict[str, Any]:
    return {
        "name": dance.name,
        "files": outputs.takes[0],
        "page": outputs.page,
        "frames": len(dance.features),
        "seconds": 0.0 if dance.motion is None else dance.motion.seconds,
        "begin": dance.begin,
        "sound": None if sound is None else path,
    }
