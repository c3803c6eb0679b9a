"""Options that several commands share, each with one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Force = Annotated[bool, typer.Option("--force", help="Overwrite outputs that exist.")]
Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results, warnings and errors.")]
Song = Annotated[
    Path | None,
    typer.Option("--song", metavar="SONG", help="Sound file that plays with it (wav, flac, ogg, mp3, m4a, mp4 ...)."),
]
MotionFile = Annotated[Path, typer.Argument(metavar="MOTION", help="A .bvh, .glb or .npz file.", show_default=False)]
