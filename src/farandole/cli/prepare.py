"""`farandole prepare`: corpora to feature folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Cluster, Force, Json, Quiet, Workers
from farandole.cli.prepare_options import licence_text, listed, numbers, prepare_recordings
from farandole.errors import DataError

if TYPE_CHECKING:
    pass

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
Licence = Annotated[
    str, typer.Option(help="Terms of the recordings, or a file with them. [default: SRC/LICENSE, if there]")
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
    labels: Annotated[
        str, typer.Option(help="CSV with a line 'sequence,style', or the word folders: each folder's name is a style.")
    ] = "",
    licence: Licence = "",
    workers: Workers = None,
    cluster: Cluster = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Your own recordings: each motion (bvh, glb, npz, pkl) with the sound (wav, mp3, ogg ...) of the same name.

    Motion and sound start together; the longer one is cut. Without --fps all motions must have one frame rate. Splits are read
    from SRC/splits/{train,val,test}.txt or SRC/base_filenames_{train,val,test}.txt; without them a few sequences are held out.
    Run again after an interruption, when recordings were added or changed, or with further features: only what is missing is made,
    and features that are there stay. --force makes everything anew.

    \b
    farandole prepare folder recordings -o data/mine
    farandole prepare folder recordings -o data/mine --motion expmap_cr --music transflower --fps 20 --mirror --tempo 0.9,1.1
    """
    from farandole.data.corpus import CorpusSettings
    from farandole.data.importers import find_pairs, with_labels

    settings = CorpusSettings(
        listed(motion),
        listed(music),
        fps,
        retarget,
        mirror,
        licence=licence_text(licence, source),
        turns=numbers("--turn", turn),
        tempi=numbers("--tempo", tempo),
    )
    found = find_pairs(source)
    found = with_labels(found, labels, source) if labels else found
    prepare_recordings(found, out, settings, workers, cluster, force, json, quiet)


@prepare.command()
def arrays(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="Folder with <sequence>.<feature>.npy.", show_default=False)
    ],
    out: Out,
    fps: Annotated[
        float | None, typer.Option(min=0.001, max=1e6, help="Frame rate of the arrays.", show_default=False)
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Table with a line 'sequence,style'.", show_default=False)
    ] = None,
    licence: Licence = "",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Arrays of your own, of any feature: SRC/<sequence>.<feature>.npy and SRC/base_filenames_{train,val,test}.txt.

    Makes a complete feature folder of them; they are copied, never changed. Where DATA is a prepared folder already, the arrays of
    SRC are added to it as further features.

    \b
    farandole prepare arrays my_arrays -o data/mine --fps 20
    farandole prepare arrays my_features -o data/prepared
    """
    from farandole.data.array_corpus import add_arrays, prepare_arrays
    from farandole.data.feature_folder import FeatureFolder

    if fps is None and (out / "corpus.json").is_file():
        added = add_arrays(source, out, force=force)
        note = f"added {', '.join(added)}"
    elif fps is None:
        raise DataError(f"{source}: plain arrays do not tell their frame rate: add --fps RATE")
    else:
        prepare_arrays(source, out, fps=fps, licence=licence_text(licence, source), labels=labels, force=force)
        note = ""
    folder = FeatureFolder(out)
    sizes = {name: len(folder.split(name)) for name in ("train", "val", "test")}
    if json:
        console.result_json({"folder": out, "fps": folder.fps, "features": folder.features, **sizes})
        return
    console.result(out)
    counts = ", ".join(f"{n} {name}" for name, n in sizes.items())
    console.note(
        note or f"{len(folder.sequences)} sequences ({counts}); features {', '.join(folder.features)}", quiet=quiet
    )


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
    retarget: Retarget = False,
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

    \b
    farandole prepare aistpp aist_plusplus_final --music-folder aist_wav -o data/aistpp20 --retarget --motion expmap,expmap_cr
    --music transflower --fps 20
    """
    from farandole.data.corpus import CorpusSettings
    from farandole.data.importers import AISTPP_FPS, AISTPP_LICENCE, find_aistpp

    copies = numbers("--turn", turn), numbers("--tempo", tempo)
    settings = CorpusSettings(listed(motion), listed(music), fps, retarget, mirror, AISTPP_FPS, AISTPP_LICENCE, *copies)
    prepare_recordings(
        find_aistpp(source, music=music_folder, protocol=protocol), out, settings, workers, cluster, force, json, quiet
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
    from farandole.data.corpus import CorpusSettings
    from farandole.data.importers import LAFAN1_FPS, LAFAN1_LICENCE, find_lafan1

    copies = numbers("--turn", turn), numbers("--tempo", tempo)
    settings = CorpusSettings(listed(motion), (), fps, False, mirror, LAFAN1_FPS, LAFAN1_LICENCE, *copies)
    prepare_recordings(find_lafan1(source), out, settings, workers, cluster, force, json, quiet)


@prepare.command()
def starter(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DATA", help="The feature folder to make.")],
    sources: Annotated[
        list[Path] | None, typer.Argument(metavar="[SOURCES]...", help="Folders with recordings.", show_default=False)
    ] = None,
    groove_only: Annotated[
        bool, typer.Option("--groove-only", help="Without recordings: procedural groove alone.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes. [default: one per core]")] = os.cpu_count() or 1,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The corpus of the shipped model: recordings of dance and procedural groove, each with songs synthesised on its beats.

    With the CMU salsa (subjects 60 and 61) alone it is the corpus of the shipped weights, the same to the last bit on one machine.
    G1 Moves, other CMU takes and any recordings of people are taken as well: put on the house skeleton, trimmed, mirrored, at three
    tempi, re-timed to a beat where one fits. Those that cannot be used are named.

    \b
    farandole download cmu --subjects 60,61 -o corpora/cmu
    farandole prepare starter corpora/cmu -o data/starter

    \b
    farandole prepare starter corpora/cmu corpora/g1-moves my_recordings -o data/many
    """
    from farandole.data.feature_folder import FeatureFolder
    from farandole.data.starter.salsa import find_salsa
    from farandole.data.starter.starter_corpus import prepare_starter

    folders = sources or []
    if not folders and not groove_only:
        raise DataError(
            "the recordings do not come with farandole: give their folders (farandole download cmu --subjects 60,61 fetches the "
            "salsa), or add --groove-only for the procedural half alone"
        )
    if folders and groove_only:
        raise DataError("--groove-only takes no recordings")
    for source in folders:
        if not source.is_dir():
            raise DataError(f"{source} is no folder with recordings")
    if folders and not any(find_salsa(source) for source in folders):
        where = ", ".join(map(str, folders))
        console.warning(
            f"{where}: the salsa of the shipped weights is not there (subjects 60 and 61 of CMU): made without it"
        )
    with console.progress("preparing", quiet=quiet) as update:
        problems = prepare_starter(out, folders, workers=workers, force=force, progress=update)
    folder = FeatureFolder(out)
    sizes = {name: len(folder.split(name)) for name in ("train", "test")}
    if json:
        console.result_json({"folder": out, "fps": folder.fps, **sizes, "styles": folder.styles, "problems": problems})
        return
    console.result(out)
    if not quiet:
        for problem in problems:
            console.warning(f"{problem['name']}: {problem['problem']}")
    note = f"{sizes['train']} sequences to train on, {sizes['test']} held out; styles {', '.join(folder.styles)}"
    console.note(note, quiet=quiet)
