"""`farandole models`: which models there are, and what each is; `models export`: for use without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Json, Quiet

if TYPE_CHECKING:
    from farandole.checkpoints.checkpoint import Checkpoint


def models(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME | export RUN]", help="A shipped model or a checkpoint folder; export writes its ONNX files."
        ),
    ] = None,
    styles: Annotated[
        bool, typer.Option("--styles", help="List the styles of a dancer, as --style takes them.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the models, show the card of one, or export one.

    The card tells data, licence and figures. An exported model runs without torch; nothing is written unless it gives
    torch's numbers.

    \b
    farandole models
    farandole models starter
    farandole models starter --styles
    farandole models runs/mine
    farandole models export runs/mine
    """
    from farandole.checkpoints.card import abilities
    from farandole.checkpoints.checkpoint import find_checkpoint, shipped_models

    if words and words[0] == "export":
        _export(words[1:], json=json, quiet=quiet)
        return
    if words and len(words) > 1:
        raise typer.BadParameter(f"'{words[1]}': one model at a time")
    if words:
        (name,) = words
        checkpoint = find_checkpoint(name)
        if styles:
            _styles(checkpoint, json=json)
        elif json:
            facts = checkpoint.config.model_dump(by_alias=True)
            console.result_json({"name": checkpoint.name, "folder": checkpoint.folder, **facts})
        else:
            console.result(checkpoint.card.rstrip())
        return
    if styles:
        raise typer.BadParameter("--styles needs a model: farandole models starter --styles")
    shipped = [find_checkpoint(n) for n in shipped_models()]
    if json:
        listed = [{"name": c.name, "folder": c.folder, "styles": c.config.labels} for c in shipped]
        console.result_json({"models": listed})
        return
    for checkpoint in shipped:
        size = sum(f.stat().st_size for f in checkpoint.folder.iterdir()) / 1e6
        console.result(f"{checkpoint.name}: {checkpoint.fps:g} fps, {size:.0f} MB, {abilities(checkpoint.abilities)}")


def _styles(checkpoint: Checkpoint, *, json: bool) -> None:
    """What --style may be with a model, and the tempi of each."""
    from farandole.errors import AbilityError
    from farandole.generation.latent_flow.styles import style_names
    from farandole.models.abilities import LatentFlow

    facts = checkpoint.completion
    if not isinstance(facts, LatentFlow):
        raise AbilityError(f"{checkpoint.name} has no styles: it does not dance by a latent flow")
    rows = {token.replace(" ", "-"): style for token, style in facts.styles.items()}
    if json:
        told = {name: {"family": style.family, "tempo": style.tempo} for name, style in rows.items()}
        console.result_json({"names": style_names(facts), "styles": told})
        return
    for name, style in rows.items():
        of = "" if style.family == name else f", also as {style.family}"
        console.result(f"{name}: {style.tempo[0]:g} to {style.tempo[1]:g} counts a minute{of}")


def _export(runs: list[str], *, json: bool, quiet: bool) -> None:
    """Write the ONNX files of one checkpoint."""
    from farandole.checkpoints.checkpoint import find_checkpoint, shipped_models
    from farandole.errors import MissingExtraError

    if len(runs) != 1:
        raise typer.BadParameter("export needs one folder: farandole models export RUN")
    (run,) = runs
    if run in shipped_models():
        raise typer.BadParameter(f"{run} comes with the package, which has its ONNX files already")
    checkpoint = find_checkpoint(run)
    try:
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("exporting", "train") from error
    from farandole.checkpoints.export import TOLERANCE
    from farandole.checkpoints.write import export_checkpoint

    console.note("exporting, which may take a minute", quiet=quiet)
    difference = export_checkpoint(checkpoint)
    files = [checkpoint.onnx(network) for network in checkpoint.exported]
    if json:
        console.result_json({"files": files, "difference": difference, "tolerance": TOLERANCE})
        return
    for file in files:
        console.result(file)
    console.note(f"differs from torch by {difference:.1e} at most (tolerance {TOLERANCE:g})", quiet=quiet)
