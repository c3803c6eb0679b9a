"""`farandole models`: which models there are, and what each is."""

from __future__ import annotations

from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Json


def models(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A shipped model or a checkpoint folder.")] = None,
    json: Json = False,
) -> None:
    """List the models, or show the card of one.

    The card tells data, licence and figures.

    \b
    farandole models
    farandole models starter
    farandole models runs/mine
    """
    from farandole.generation.checkpoint import find_checkpoint, shipped_models

    if name is not None:
        checkpoint = find_checkpoint(name)
        if json:
            console.result_json({"name": checkpoint.name, "folder": checkpoint.folder, **checkpoint.config})
        else:
            console.result((checkpoint.folder / "card.md").read_text(encoding="utf-8").rstrip())
        return
    shipped = [find_checkpoint(n) for n in shipped_models()]
    if json:
        console.result_json({"models": [{"name": c.name, "folder": c.folder, "styles": c.styles} for c in shipped]})
        return
    for checkpoint in shipped:
        size = sum(f.stat().st_size for f in checkpoint.folder.iterdir()) / 1e6
        console.result(
            f"{checkpoint.name}: {checkpoint.config['fps']:g} fps, {size:.0f} MB, {', '.join(checkpoint.styles)}"
        )
