"""`farandole prepare`: corpora to feature folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet
from farandole.errors import DataError

if TYPE_CHECKING:
    from farandole.data.corpus import Wanted
    from farandole.data.importers import Found

prepare = typer.Typer(rich_markup_mode=None)


@prepare.callback()
def _group() -> None:
    """Make the feature folder that training reads.

    \b
    farandole prepare starter -o data/starter

    \b
    farandole prepare folder recordings -o data/mine --motion expmap_cr --music transflower --fps 20
    """


Out = Annotated[Path, typer.Option("--out", "-o", metavar="DATA", help="The feature folder to make.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes. [default: one per core]", show_default=False)]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="Run on a Ray cluster: local, auto, HOST:PORT or ray://HOST:PORT.", show_default=False
    ),
]
Fps = Annotated[
    float | None, typer.Option(min=1, max=240, help="Frame rate of the features. [default: the motions' own]")
]
Retarget = Annotated[bool, typer.Option("--retarget", help="Put every motion on the house skeleton first.")]
Mirror = Annotated[bool, typer.Option("--mirror", help="Make a mirrored copy of every training sequence, too.")]
Turn = Annotated[
    str, typer.Option("--turn", help="Make copies turned about the vertical, too: degrees with commas between, 90,180.")
]
Tempo = Annotated[
    str, typer.Option("--tempo", help="Make slower and faster copies, too, with their music: factors, 0.9,1.1.")
]
MotionCodecs = Annotated[str, typer.Option("--motion", help="Motion features: names of codecs with commas between.")]
MusicFeatures = Annotated[str, typer.Option("--music", help="Music features: names with commas between; '' for none.")]


@prepare.command()
def folder(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder with motions and sounds.", show_default=False)],
    out: Out,
    motion: MotionCodecs = "rot6d",
    music: MusicFeatures = "beats",
    fps: Fps = None,
    retarget: Retarget = False,
    mirror: Mirror = False,
    turn: Turn = "",
    tempo: Tempo = "",
    licence: Annotated[
        str, typer.Option(help="Terms of the recordings, or a file with them. [default: SRC/LICENSE, if there]")
    ] = "",
    workers: Workers = None,
    cluster: Cluster = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Your own recordings: each motion (bvh, glb, npz, pkl) with the sound (wav, mp3, ogg ...) of the same name.

    Motion and sound start together; the longer one is cut. Without --fps all motions must have one frame rate. Splits are read
    from SRC/splits/{train,val,test}.txt or SRC/base_filenames_{train,val,test}.txt; without them a few sequences are held out.
    Run again after an interruption, or
    when recordings were added or changed: only what is missing is made.

    \b
    farandole prepare folder recordings -o data/mine
    farandole prepare folder recordings -o data/mine --motion expmap_cr --music transflower --fps 20 --mirror --tempo 0.9,1.1
    """
    from farandole.data.corpus import Wanted
    from farandole.data.importers import find_pairs

    wanted = Wanted(
        _list(motion),
        _list(music),
        fps,
        retarget,
        mirror,
        licence=_licence(licence, source),
        turns=_numbers("--turn", turn),
        tempi=_numbers("--tempo", tempo),
    )
    _prepare(find_pairs(source), out, wanted, workers, cluster, force, json, quiet)


@prepare.command()
def aistpp(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="The annotations: motions/, splits/.", show_default=False)
    ],
    out: Out,
    music_folder: Annotated[
        Path | None, typer.Option("--music-folder", help="Folder with mBR0.wav ... [default: SRC]", show_default=False)
    ] = None,
    motion: MotionCodecs = "rotmat",
    music: MusicFeatures = "aistpp35",
    fps: Annotated[float, typer.Option(min=1, max=240, help="Frame rate of the features.")] = 60.0,
    protocol: Annotated[str, typer.Option(help="Splits: crossmodal or pose.")] = "crossmodal",
    mirror: Mirror = False,
    turn: Turn = "",
    tempo: Tempo = "",
    workers: Workers = None,
    cluster: Cluster = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """AIST++: motions/*.pkl with the splits and ignore list of the annotations, and the pieces of music as wav.

    \b
    farandole prepare aistpp aist_plusplus_final --music-folder aist_wav -o data/aistpp
    """
    from farandole.data.corpus import Wanted
    from farandole.data.importers import AISTPP_FPS, AISTPP_LICENCE, find_aistpp

    copies = _numbers("--turn", turn), _numbers("--tempo", tempo)
    wanted = Wanted(_list(motion), _list(music), fps, False, mirror, AISTPP_FPS, AISTPP_LICENCE, *copies)
    _prepare(
        find_aistpp(source, music=music_folder, protocol=protocol), out, wanted, workers, cluster, force, json, quiet
    )


@prepare.command()
def lafan1(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder with the BVH files.", show_default=False)],
    out: Out,
    motion: MotionCodecs = "rotmat",
    fps: Annotated[float, typer.Option(min=1, max=240, help="Frame rate of the features.")] = 30.0,
    mirror: Mirror = False,
    turn: Turn = "",
    tempo: Tempo = "",
    workers: Workers = None,
    cluster: Cluster = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """LAFAN1: <theme><take>_subject<k>.bvh at 30 fps; subject 5 is the test split.

    \b
    farandole prepare lafan1 lafan1 -o data/lafan1
    """
    from farandole.data.corpus import Wanted
    from farandole.data.importers import LAFAN1_FPS, LAFAN1_LICENCE, find_lafan1

    copies = _numbers("--turn", turn), _numbers("--tempo", tempo)
    wanted = Wanted(_list(motion), (), fps, False, mirror, LAFAN1_FPS, LAFAN1_LICENCE, *copies)
    _prepare(find_lafan1(source), out, wanted, workers, cluster, force, json, quiet)


@prepare.command()
def starter(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DATA", help="The feature folder to make.")],
    workers: Annotated[int, typer.Option(min=1, help="Processes. [default: one per core]")] = os.cpu_count() or 1,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The corpus of the shipped model: salsa takes and procedural groove, each with songs synthesised on its beats.

    Always the same, to the last bit, on one machine.

    \b
    farandole prepare starter -o data/starter
    """
    from farandole.data.feature_folder import FeatureFolder
    from farandole.data.starter import prepare_starter

    with console.progress("preparing", quiet=quiet) as update:
        prepare_starter(out, workers=workers, force=force, progress=update)
    folder = FeatureFolder(out)
    sizes = {name: len(folder.split(name)) for name in ("train", "test")}
    if json:
        console.result_json({"folder": out, "fps": folder.fps, **sizes})
    else:
        console.result(out)
        console.note(f"{sizes['train']} sequences to train on, {sizes['test']} held out", quiet=quiet)


def _prepare(
    found: Found,
    out: Path,
    wanted: Wanted,
    workers: int | None,
    cluster: str | None,
    force: bool,
    json: bool,
    quiet: bool,
) -> None:
    from farandole.data.corpus import prepare_corpus
    from farandole.data.feature_folder import FeatureFolder
    from farandole.data.report import describe

    with console.progress("preparing", quiet=quiet) as update:
        done = prepare_corpus(
            found.sources,
            out,
            wanted,
            problems=found.problems,
            workers=workers,
            cluster=cluster,
            force=force,
            progress=update,
        )
    facts = describe(FeatureFolder(out))
    if json:
        console.result_json({"folder": out, "made": done.made, "kept": done.kept, **facts})
        return
    console.result(out)
    if not quiet:
        for problem in done.problems:
            console.warning(f"{problem['name']}: {problem['problem']}")
        splits = ", ".join(f"{told['sequences']} {name}" for name, told in facts["splits"].items())
        console.note(
            f"{facts['sequences']} sequences ({splits}), {60 * facts['hours']:.1f} minutes; {done.made} recordings made, "
            f"{done.kept} there already, {len(done.problems)} problems"
        )


def _list(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in _list(text))
    except ValueError as error:
        raise DataError(f"{option} {text}: needed are numbers with commas between") from error


def _licence(told: str, source: Path) -> str:
    if told:
        return Path(told).read_text(encoding="utf-8") if Path(told).is_file() else told
    for name in ("LICENSE", "LICENCE", "LICENSE.txt", "LICENCE.txt", "LICENSE.md", "LICENCE.md"):
        if (source / name).is_file():
            return (source / name).read_text(encoding="utf-8", errors="replace")
    return "unknown: ask whoever made the recordings"
