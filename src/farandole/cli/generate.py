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
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Begin as this sequence begins; given again, a dance from each. [default: as each sequence itself]",
        ),
    ] = None,
    start: Annotated[
        list[Path] | None,
        typer.Option(metavar="MOTION", help="Go on from the end of this motion file; given again, a dance from each."),
    ] = None,
    takes: Annotated[int, typer.Option(min=1, max=1000, help="Dances of each, in the same batches.")] = 1,
    style: Annotated[str | None, typer.Option(help="With --song: a style that the model knows.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where to write. [default: RUN/generated]")
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated: bvh,glb,html,mp4,npz, and npy for the features. [default: bvh,html; npy for no motion]"
        ),
    ] = None,
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
    farandole generate runs/moglow --song song.mp3 --start clip.bvh --takes 8 --temperature 0.9 --no-feet
    """
    from farandole import _io
    from farandole.errors import DataError
    from farandole.generation import generate as generation
    from farandole.generation.completer import GenerationSettings
    from farandole.generation.completion import open_model
    from farandole.view.takes import named_outputs, write_takes

    completer = open_model(run, engine=engine, device=device)
    settings = GenerationSettings(seed, temperature, keep, feet)
    which = _choose(sequence=sequence, split=split, all=every, song=song)
    if which != "song" and style is not None:
        raise DataError("--style is for songs (--song): sequences have their own")
    _choose(seed_sequence=seed_sequence, start=start)
    begun_from = (seed_sequence or [], start or [])
    made_for, music = _jobs(completer, data, which, sequence, split, song or [], begun_from, style, sounds)
    orders = generation.several(made_for, takes)
    music_of = {job.name: name for job, name in orders}
    kinds = _kinds(completer, formats, video)
    audible = bool({"html", "mp4"} & set(kinds))
    target = out or Path(run) / "generated"
    planned = {name: named_outputs(target, name, [k for k in kinds if k != "npy"]) for name in music_of}
    features = _features(completer) if "npy" in kinds else []
    arrays = {name: {f: target / f"{name}.{f}.npy" for f in features} for name in music_of}
    for name, outputs in planned.items():
        for path in [*outputs.all, *arrays[name].values()]:
            _io.check_output(path, force=force)
    begun = time.perf_counter()
    with console.progress("generating", quiet=quiet) as update:
        made = list(
            generation.generate(
                completer,
                [job for job, _ in orders],
                settings,
                seconds=seconds,
                with_seed=with_seed,
                batch=batch,
                progress=update,
            )
        )
    speed = sum(len(dance.features) for dance in made) / (time.perf_counter() - begun)
    facts = []
    for dance in made:
        outputs, path = planned[dance.name], music[music_of[dance.name]]
        heard = _sound(dance, path) if audible else None
        rendering = partial(console.progress, quiet=quiet)
        if dance.motion is not None:
            write_takes(outputs, [dance.motion], heard, title=dance.name, force=force, progress=rendering)
        rows = [dance.features, *dance.further.values()]  # the motion's first
        written = dict(zip(arrays[dance.name].values(), rows, strict=False))
        for file, values in written.items():
            generation.save_features(values, file, force=force)
        facts.append(_facts(dance, outputs, heard, path, completer.fps, list(written)))
        for file in () if json else [*outputs.all, *written]:
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
        chosen = [name.replace("_", "-") for name in chosen]
        raise DataError(f"--{chosen[0]} and --{chosen[1]} say different things: give one of them")
    return chosen[0] if chosen else "split"


def _features(completer: Any) -> list[str]:
    """Names of the features that are written as arrays: the motion's, and those that the model predicts beside it."""
    also = getattr(completer.checkpoint.completion, "also", ())
    return [completer.checkpoint.feature(name) for name in ("motion", *(window.name for window in also))]


def _kinds(completer: Any, formats: str | None, video: bool) -> tuple[str, ...]:
    """Formats to write; features that are no motion have one."""
    from farandole.errors import DataError
    from farandole.view.takes import parse_formats

    moves = completer.checkpoint.config.codec is not None
    words = (formats or ("bvh,html" if moves else "npy")) + (",mp4" if video else "")
    npy = "npy" in [word.strip().lower().lstrip(".") for word in words.split(",")]
    rest = ",".join(word for word in words.split(",") if word.strip().lower().lstrip(".") != "npy")
    kinds = parse_formats(rest) if rest.strip(", ") or not npy else ()
    if kinds and not moves:
        feature = completer.checkpoint.feature("motion")
        raise DataError(
            f"{completer.checkpoint.name} makes {feature} features, which are no motion: only npy can be written"
        )
    return (*kinds, "npy") if npy else kinds


def _jobs(
    completer: Any,
    data: Path | None,
    which: str,
    sequence: list[str] | None,
    split: str | None,
    songs: list[Path],
    begun_from: tuple[list[str], list[Path]],
    style: str | None,
    sounds: Path | None,
) -> tuple[list[tuple[str, list[Any]]], dict[str, Path | None]]:
    """Inputs by what they begin from, and the sound file of each sequence or song."""
    from farandole.data.feature_folder import FeatureFolder
    from farandole.errors import DataError
    from farandole.generation.generate import folder_jobs, folder_sounds, song_jobs
    from farandole.generation.inputs import begun_by, sequence_job
    from farandole.motion.files import load_motion
    from farandole.view.takes import first_free

    seeds, starts = begun_from
    folder = None if data is None else FeatureFolder(data)
    if which == "song":
        if seeds and folder is None:
            raise DataError(f"--seed-sequence {seeds[0]} needs --data, the feature folder it is in")
        files = dict(zip(first_free([path.stem for path in songs]), songs, strict=True))
        loaded = {name: _load(path) for name, path in files.items()}
        begins = [None if folder is None or not seeds else sequence_job(completer, folder, s) for s in seeds or [""]]
        made = [song_jobs(completer, loaded, begin, style=style) for begin in begins]
        heard: dict[str, Path | None] = dict(files)
    else:
        if folder is None:
            raise DataError("nothing to dance to: give --data DATA, or --song SONG")
        names = {"sequence": sequence, "all": list(folder.sequences)}.get(which) or folder.split(split or "test")
        if not names:
            raise DataError(f"{data} has no sequences in its split '{split or 'test'}'")
        strict = which == "sequence"
        made = [folder_jobs(completer, folder, names, seed_sequence=s, strict=strict) for s in seeds or [None]]
        heard = folder_sounds(folder, [job.name for job in made[0]], sounds)
    if starts:
        motions = [(path.stem, load_motion(path)) for path in starts]
        return [(name, [begun_by(completer, job, motion) for job in made[0]]) for name, motion in motions], heard
    return list(zip(seeds or [""], made, strict=True)), heard


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


def _facts(
    dance: Generated, outputs: Outputs, sound: Song | None, path: Path | None, fps: float, arrays: list[Path]
) -> dict[str, Any]:
    return {
        "name": dance.name,
        "files": outputs.takes[0] | ({"npy": arrays[0]} if arrays else {}),
        "further": arrays[1:],
        "page": outputs.page,
        "frames": len(dance.features),
        "seconds": len(dance.features) / fps if dance.motion is None else dance.motion.seconds,
        "begin": dance.begin,
        "sound": None if sound is None else path,
    }
