"""`farandole teach`: your own moves as a style."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet

if TYPE_CHECKING:
    from farandole.training.teaching.lessons import Lesson
    from farandole.training.teaching.teach import Teaching


def teach(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="RECORDINGS...",
            help="Folder of motion files (bvh, amc, glb, npz ...), or files; a sound file of the same name is its music.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="Folder to make: the model.")] = Path(
        "runs/mine"
    ),
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the style, for dance --style.")] = "my style",
    model: Annotated[
        str, typer.Option(help="Dancer to begin with: a name (farandole models), checkpoint folder or run.")
    ] = "starter",
    steps: Annotated[int, typer.Option(min=1, help="Training steps: more learns more and takes longer.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Teach the dancer a style from your own recordings: minutes of them, minutes of work, no GPU.

    Tells what it understood of each recording, rehearses the old styles while it learns the new one, and writes beside the model a
    page and a picture of dances before and after. Ctrl-C leaves nothing behind. Needs the packages of farandole[train].

    \b
    farandole teach recordings/ -o runs/mine --name "my style"
    farandole dance song.mp3 --model runs/mine --style "my style"
    farandole teach more/ --model runs/mine --name "my tango" -o runs/both
    """
    from farandole.training.teaching.teach import teach as teach_style

    with _progress(quiet=quiet) as update:
        made = teach_style(
            recordings,
            out,
            name=name,
            model=model,
            steps=steps,
            seed=seed,
            force=force,
            progress=update,
            understood=lambda lessons, refused: _tell_lessons(lessons, refused, quiet=quiet),
        )
    if json:
        console.result_json(
            {"run": made.run, "checkpoint": made.run / "checkpoint", **made.as_dict(), "files": made.files}
        )
        return
    console.result(made.run / "checkpoint")
    for path in made.files.values():
        console.result(path)
    _tell_results(made, quiet=quiet)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """One bar (or plain lines) after the other, a bar for each part of the work."""
    part: list[tuple[str, console.Progress]] = []
    open_bars = []

    def update(what: str, share: float) -> None:
        if not part or part[0][0] != what:
            for bar in open_bars:
                bar.__exit__(None, None, None)
            open_bars[:] = [console.progress(what, quiet=quiet)]
            part[:] = [(what, open_bars[0].__enter__())]
        part[0][1](share)

    try:
        yield update
    finally:
        for bar in open_bars:
            bar.__exit__(None, None, None)


def _tell_lessons(lessons: Sequence[Lesson], refused: Sequence[Mapping[str, str]], *, quiet: bool) -> None:
    minutes = sum(lesson.motion.seconds for lesson in lessons) / 60
    console.note(f"{len(lessons)} recordings understood, {minutes:.1f} minutes", quiet=quiet)
    for lesson in lessons:
        music = "" if lesson.sound is None else f" with {lesson.sound.name}"
        beat = f"{lesson.bpm:.0f} counts a minute" if lesson.on_beat else "no beat found: taught without one"
        unknown = f", not recorded: {', '.join(lesson.unknown_joints)}" if lesson.unknown_joints else ""
        console.note(
            f"  {lesson.name}: {lesson.motion.seconds:.1f} s{music}, {beat} (fit {lesson.fit:.2f}){unknown}",
            quiet=quiet,
        )
    for entry in refused:
        console.warning(f"{entry['name']} left out: {entry['problem']}")


def _tell_results(made: Teaching, *, quiet: bool) -> None:
    old = f"{made.before.total:.1f} before (nearest old style {made.nearest_style}: {made.nearest.total:.1f})"
    console.note(f"distance of its dances from the recordings: {old}, {made.after.total:.1f} after", quiet=quiet)
    console.note(
        f"old styles: loss at most {100 * made.forgotten:.1f} % higher (bound {100 * made.forgotten_at_most:.0f} %)",
        quiet=quiet,
    )
    console.note(f"{made.minutes:.1f} minutes learnt in {made.seconds / 60:.1f} minutes", quiet=quiet)
    console.note(f'now: farandole dance song.mp3 --model {made.run} --style "{made.style}"', quiet=quiet)
