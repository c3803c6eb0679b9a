"""The starter corpus: recordings of dance and procedural groove, each danced to songs that are synthesised on its beats.

The recordings are the user's: the salsa couple and other takes of the CMU motion capture database, G1 Moves, or one's own. Groove
and songs are made here. The corpus is deterministic: the same version of the package and the same recordings give the same
features. Salsa and groove alone are the corpus of the shipped weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from farandole.data.feature_folder import FeatureFolderWriter
from farandole.data.starter.clips import FPS, Clip, clip_features
from farandole.data.starter.free_clips import free_clips
from farandole.data.starter.groove_clips import GROOVE_CLIPS, GROOVE_HELD_OUT, groove_clip
from farandole.data.starter.recordings import Recording, find_recordings
from farandole.data.starter.salsa import ACKNOWLEDGEMENT, find_salsa
from farandole.data.starter.salsa_clips import salsa_clips
from farandole.errors import DataError, FarandoleError
from farandole.motion.dance_codec import DanceCodec
from farandole.motion.rotations import Array
from farandole.music import dance_features

if TYPE_CHECKING:
    from collections.abc import Callable

STYLES = ("salsa lead", "salsa follow", "groove")
"""Style tokens in the order in which the shipped models number them."""

Job = Clip | Recording | tuple[int, bool]
"""A clip, a recording of which clips are to be made, or a number of a groove clip and whether it is mirrored."""
ClipFeatures = tuple[Clip, Array, Array]


def prepare_starter(
    target: Path,
    sources: Sequence[Path] = (),
    *,
    workers: int = 2,
    force: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> list[dict[str, str]]:
    """Write the starter corpus as a feature folder.

    Args:
        target: Folder to make.
        sources: Folders with recordings, see `salsa.find_salsa` and `recordings.find_recordings`. Without any, groove alone.
        workers: Processes that compose and analyse songs.
        force: Replace an existing folder.
        progress: Called with (done, total, name) after every recording.

    Returns:
        {"name", "problem"} of each recording that was left out, and why; kept in corpus.json, too.

    Raises:
        DataError: If a source holds no recordings at all.
    """
    codec = DanceCodec(FPS)
    jobs, licences, problems = _jobs(sources)
    writer = FeatureFolderWriter(
        target,
        fps=FPS,
        skeleton=codec.skeleton,
        features={codec.name: codec.columns, dance_features.NAME: dance_features.COLUMNS},
        licence=" ".join([*licences, "Groove and songs are made by farandole (MIT)."]),
        codecs=[codec],
        force=force,
    )
    with writer, ProcessPoolExecutor(workers) as pool:
        for done, made in enumerate(pool.map(_features, jobs), 1):
            if isinstance(made, dict):
                problems.append(made)
            for clip, pose, music in made if isinstance(made, list) else ():
                arrays = {codec.name: pose, dance_features.NAME: music}
                writer.add(clip.name, arrays, split=clip.split, style=clip.style, bpm=clip.bpm, **clip.facts)
            if progress:
                progress(done, len(jobs), _name(jobs[done - 1]))
        writer.note_problems(problems)
    return problems


def _jobs(sources: Sequence[Path]) -> tuple[list[Job], list[str], list[dict[str, str]]]:
    """What is to be made, the licences of it, and what is left out."""
    jobs: list[Job] = []
    licences: list[str] = []
    problems: list[dict[str, str]] = []
    for source in sources:
        recordings, left_out = find_recordings(source)
        salsa = bool(find_salsa(source))
        if not salsa and not recordings:
            raise DataError(f"{source} holds no recordings (bvh, amc, glb, npz, pkl)")
        jobs += salsa_clips(source) if salsa else ()
        licences += [ACKNOWLEDGEMENT] if salsa else []
        jobs += recordings
        licences += [r.licence or f"{source}: terms unknown, ask whoever made the recordings." for r in recordings]
        problems += left_out
    jobs += [(n, m) for n in range(GROOVE_CLIPS) for m in (False, True) if not (m and n < GROOVE_HELD_OUT)]
    return jobs, list(dict.fromkeys(licences)), problems


def _features(job: Job) -> list[ClipFeatures] | dict[str, str]:
    """Features of the clips of a job; or what is wrong with its recording."""
    if isinstance(job, Recording):
        try:
            clips = free_clips(job)
        except FarandoleError as error:
            return {"name": job.path.stem, "problem": str(error)}
    else:
        clips = [job if isinstance(job, Clip) else groove_clip(job[0], mirrored=job[1])]
    return [(clip, *clip_features(clip)) for clip in clips]


def _name(job: Job) -> str:
    if isinstance(job, Recording):
        return job.path.stem
    return job.name if isinstance(job, Clip) else f"groove {job[0]}"
