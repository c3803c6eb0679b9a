"""`farandole teach`: a dancer learns a style from recordings, and keeps those it knows."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole._io import atomic_directory
from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.checkpoints.write import rewrite_texts
from farandole.errors import AbilityError, DataError, MissingExtraError, MotionError
from farandole.generation.completion import DANCER, open_model
from farandole.generation.latent_flow.dancer import LatentDancer
from farandole.training.teaching.lessons import Lesson, find_lessons, read_lessons
from farandole.training.teaching.rehearsal import RehearsalPlan, song_at
from farandole.view.dance_sheet import write_dance_sheet
from farandole.view.page import write_page

if TYPE_CHECKING:
    from farandole.evaluation.real_range import RealRange
    from farandole.music.song import Song
    from farandole.training.teaching.judge import StyleDistance

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of it that is done."""

STEPS = 300
"""Optimiser steps: a few minutes on two cores."""
SHOWN = 20.0
"""Seconds of each dance that is made to be measured and shown."""
SONGS = 2
"""Songs that are danced before and after."""
SHEET, PAGE, FACTS = "taught.png", "taught.html", "taught.json"
"""Files beside the checkpoint: moments of recording, before and after; both dances with their song; every figure."""


@dataclass(frozen=True, eq=False)
class Teaching:
    """What was learnt, and from what.

    Attributes:
        run: Folder of the run; it is the model.
        style: The new style's name for `--style`.
        lessons: Recordings that were understood.
        refused: {"name", "problem"} of those that were not.
        before: Distance of the model's dances from the recordings before it was taught, in the style it chose by itself.
        nearest: The same of the old style that was nearest.
        nearest_style: Which that is.
        after: Distance of the dances in the new style.
        losses: Style -> held-out losses before and after.
        forgotten: Greatest relative rise of an old style's loss.
        forgotten_at_most: Bound that it was held to.
        kept_share: Share of the way from the old to the new weights that is kept; 1 unless too much was forgotten.
        seconds: How long it took.
    """

    run: Path
    style: str
    lessons: tuple[Lesson, ...]
    refused: tuple[dict[str, str], ...]
    before: StyleDistance
    nearest: StyleDistance
    nearest_style: str
    after: StyleDistance
    losses: dict[str, tuple[float, float]]
    forgotten: float
    forgotten_at_most: float
    kept_share: float
    seconds: float = 0.0

    @property
    def minutes(self) -> float:
        """Length of the recordings that were understood."""
        return sum(lesson.motion.seconds for lesson in self.lessons) / 60.0

    @property
    def files(self) -> dict[str, Path]:
        """Pictures, page and figures beside the model."""
        return {"sheet": self.run / SHEET, "page": self.run / PAGE, "facts": self.run / FACTS}

    def as_dict(self) -> dict[str, Any]:
        """Everything but the motions, in plain values."""
        facts = {f: getattr(self, f) for f in ("style", "forgotten", "forgotten_at_most", "kept_share")}
        distances = {f: asdict(getattr(self, f)) for f in ("before", "nearest", "after")}
        return {
            **facts,
            "minutes": round(self.minutes, 2),
            "clips": [clip_facts(lesson) for lesson in self.lessons],
            "refused": list(self.refused),
            **distances,
            "nearest_style": self.nearest_style,
            "losses": {name: {"before": old, "after": new} for name, (old, new) in self.losses.items()},
            "seconds": round(self.seconds, 1),
        }


def clip_facts(lesson: Lesson) -> dict[str, Any]:
    """What was understood of a recording, in plain values."""
    return {
        "name": lesson.name,
        "seconds": round(lesson.motion.seconds, 2),
        "music": "" if lesson.sound is None else lesson.sound.name,
        "bpm": round(lesson.bpm, 1),
        "beat_fit": round(lesson.fit, 3),
        "on_beat": lesson.on_beat,
        "unknown_joints": list(lesson.unknown_joints),
    }


def teach(
    recordings: str | Path | Sequence[str | Path],
    run: str | Path,
    *,
    name: str = "my style",
    model: str | Path = DANCER,
    steps: int = STEPS,
    seed: int = 0,
    rehearsal: RehearsalPlan | None = None,
    force: bool = False,
    progress: Progress | None = None,
    understood: Callable[[Sequence[Lesson], Sequence[dict[str, str]]], None] | None = None,
) -> Teaching:
    """Teach a dancer a style from recordings of it.

    Recordings are put on the default body, beats are found (of the sound file beside a recording with the same name; else of its
    steps), and the weights are trained further on them, mirrored and at three tempi, mixed with the model's own dances in its old
    styles.

    Args:
        recordings: Folder, motion file, or several.
        run: Folder to make: `dance(song, model=run, style=name)` dances with it. It appears whole or not at all.
        name: Of the style. One that the model knows, from an earlier lesson, is taught further.
        model: Dancer to begin with: shipped name, checkpoint folder or run.
        steps: Optimiser steps.
        seed: Of everything random.
        rehearsal: How much of the old styles is rehearsed.
        force: Replace an existing folder.
        progress: Called with what is being done and its share that is done.
        understood: Called with the recordings that were understood and those that were not, before the work begins.

    Raises:
        DataError: If there are no recordings, or none can be used.
        MotionError: If the name cannot be that of a style.
        AbilityError: If the model is no dancer with styles.
        OutputError: If the folder exists and not `force`.
        MissingExtraError: If the training packages are not installed.
        KeyboardInterrupt: After Ctrl-C; nothing is left behind.
    """
    begun = time.perf_counter()
    tell = progress or (lambda *_: None)
    _require_training()
    dancer = open_model(model)
    if not isinstance(dancer, LatentDancer):
        raise AbilityError(
            f"the model {dancer.checkpoint.name} ({dancer.kind}) has no styles to add to: take one that dances"
        )
    label = _checked_name(name, dancer)
    paths = [Path(p) for p in ([recordings] if isinstance(recordings, str | Path) else recordings)]
    pairs = find_lessons(paths)
    with atomic_directory(run, force=force) as folder:
        lessons, refused = read_lessons(pairs, label, progress=lambda n, of: tell("reading recordings", n / of))
        if understood:
            understood(lessons, refused)
        if not lessons:
            problems = "; ".join(f"{r['name']}: {r['problem']}" for r in refused[:3])
            raise DataError(f"none of {len(pairs)} recordings can be used: {problems}")
        plan = rehearsal or RehearsalPlan(seed=seed)
        made = replace(
            _taught(dancer, label, lessons, folder, steps, seed, plan, tell), run=Path(run), refused=tuple(refused)
        )
        made = replace(made, seconds=time.perf_counter() - begun)
        (folder / FACTS).write_text(json.dumps(_without_nan(made.as_dict()), indent=1) + "\n", encoding="utf-8")
    rewrite_texts(find_checkpoint(Path(run)))  # the card by the run's own name
    return made


def _taught(
    dancer: LatentDancer,
    style: str,
    lessons: list[Lesson],
    folder: Path,
    steps: int,
    seed: int,
    plan: RehearsalPlan,
    tell: Progress,
) -> Teaching:
    """The work itself, in the folder of the run."""
    from farandole.training.teaching import fine_tuning as tuning
    from farandole.training.teaching import judge

    part = lambda what: lambda n, of: tell(what, n / of)  # noqa: E731
    real, songs = judge.recorded(lessons), _songs(lessons, seed)
    tell("dancing before", 0.0)
    before, old = judge.dances_in(dancer, songs, "auto", SHOWN), _nearest(dancer, songs, real, tell)
    data = tuning.write_lessons(folder / style, lessons, dancer, style, plan, part("rehearsing old styles"))
    entry = tuning.style_of(lessons, style, dancer.facts.styles)
    values = tuning.fine_tuning_values(dancer.checkpoint, style, entry, steps, seed)
    checkpoint, losses, share = tuning.fine_tune(values, data, folder, dancer.checkpoint, style, part("training"))
    shutil.rmtree(data.folder)
    tell("dancing after", 0.0)
    speed = judge.mean_speed([lesson.motion for lesson in lessons])
    shift = judge.fitting_liveliness(_opened(checkpoint.folder), songs, style, SHOWN, speed)
    taught = _opened(tuning.with_style(checkpoint, style, liveliness=round(shift, 2)).folder)
    after = judge.dances_in(taught, songs, style, SHOWN)
    rows = {f"recording {lesson.name}": lesson.motion for lesson in lessons[:2]}
    rows |= {"before": before[0]} | {f"after, song {n}": motion for n, motion in enumerate(after[:2], 1)}
    write_dance_sheet(rows, folder / SHEET, seconds=12.0)
    write_page([before[0], after[0]], folder / PAGE, song=songs[0], title=style, names=["before", style])
    forgotten = {name: pair for name, pair in losses.items() if name != style}
    return Teaching(
        run=folder,
        style=style,
        lessons=tuple(lessons),
        refused=(),
        before=judge.distance_from(real, before),
        nearest=old[1],
        nearest_style=old[0],
        after=judge.distance_from(real, after),
        losses=losses,
        forgotten=max([0.0, *(new / known - 1.0 for known, new in forgotten.values())]),
        forgotten_at_most=tuning.FORGOTTEN,
        kept_share=share,
    )


def _nearest(dancer: LatentDancer, songs: Sequence[Song], real: RealRange, tell: Progress) -> tuple[str, StyleDistance]:
    """The old style whose dances are nearest to the recordings."""
    from farandole.training.teaching.judge import dances_in, distance_from

    families = list(dict.fromkeys(style.family for style in dancer.facts.styles.values()))
    found = {}
    for done, family in enumerate(families, 1):
        found[family] = distance_from(real, dances_in(dancer, songs[:1], family, SHOWN))
        tell("dancing before", done / len(families))
    name = min(found, key=lambda family: found[family].total)
    return name, found[name]


def _songs(lessons: Sequence[Lesson], seed: int) -> list[Song]:
    """What is danced to before and after: the recordings' own music, and songs at their tempo."""
    from farandole.music import load_song

    own = [load_song(lesson.sound) for lesson in lessons if lesson.sound is not None][:SONGS]
    tempi = [lesson.bpm for lesson in lessons]
    made = [song_at(tempi[k % len(tempi)], SHOWN + 1.0, seed + 70 + k) for k in range(SONGS - len(own))]
    return [*own, *made]


def _opened(folder: Path) -> LatentDancer:
    model = open_model(folder)
    assert isinstance(model, LatentDancer)  # it was one before it was taught
    return model


def _checked_name(name: str, dancer: LatentDancer) -> str:
    """A name that `--style` can take. Raises MotionError for others."""
    label = " ".join(name.split())
    styles = dancer.facts.styles
    families = {style.family for token, style in styles.items() if token != label}
    if not label or any(c in label for c in ",:=/\\") or label.startswith((".", "-")):
        raise MotionError(f"'{name}' cannot be the name of a style: take words without , : = and /")
    if label == "auto" or label in families or (label in styles and styles[label].family != label):
        raise MotionError(f"the model knows a style '{label}' already: take another name")
    return label


def _require_training() -> None:
    try:
        import lightning  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("teaching", "train") from error


def _without_nan(value: Any) -> Any:
    """Plain values as JSON has them: what is not a number becomes null."""
    if isinstance(value, dict):
        return {k: _without_nan(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and value != value else value
