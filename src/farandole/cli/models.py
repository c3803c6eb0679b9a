"""`farandole models`: which models there are, and what each is; `models export`: for use without torch."""

from __future__ import annotations

from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Json, Quiet


def models(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME | export RUN]", help="A shipped model or a checkpoint folder; export writes its ONNX files."
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the models, show the card of one, or export one.

    The card tells data, licence and figures. An exported model runs without torch; nothing is written unless it gives
    torch's numbers.

    \b
    farandole models
    farandole models starter
    farandole models runs/mine
    farandole models export runs/mine
    """
    from farandole.generation.checkpoint import find_checkpoint, shipped_models

    if words and words[0] == "export":
        _export(words[1:], json=json, quiet=quiet)
        return
    if words and len(words) > 1:
        raise typer.BadParameter(f"'{words[1]}': one model at a time")
    if words:
        (name,) = words
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
            f"{checkpoint.name}: {checkpoint.config['fps']:g} fps, {size:.0f} MB, {', '.join(checkpoint.styles) or 'fills gaps'}"
        )


def _export(runs: list[str], *, json: bool, quiet: bool) -> None:
    """Write the ONNX files of one checkpoint."""
    from farandole.errors import CheckpointError, MissingExtraError
    from farandole.generation.checkpoint import find_checkpoint, shipped_models
    from farandole.generation.motion_checkpoint import MotionCheckpoint

    if len(runs) != 1:
        raise typer.BadParameter("export needs one folder: farandole models export RUN")
    (run,) = runs
    checkpoint = find_checkpoint(run)
    if run in shipped_models():
        raise typer.BadParameter(f"{run} comes with the package, which has its ONNX files already")
    try:
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("exporting", "train") from error
    console.note("exporting, which may take a minute", quiet=quiet)
    if MotionCheckpoint.is_one(checkpoint):
        from farandole.training.motion_onnx import TOLERANCE, export_motion

        checkpoint = MotionCheckpoint(checkpoint.folder)
        difference = export_motion(checkpoint)
        files, told = [checkpoint.step], {"difference": difference, "tolerance": TOLERANCE}
    elif not checkpoint.styles:
        raise CheckpointError(f"{checkpoint.folder} was written with its ONNX files already")
    else:
        from farandole.generation.checkpoint import NETWORKS
        from farandole.training.export import export_checkpoint

        export_checkpoint(checkpoint)
        files, told = [checkpoint.onnx(network) for network in NETWORKS], {}
    if json:
        console.result_json({"files": files, **told})
        return
    for file in files:
        console.result(file)
    if told:
        console.note(
            f"differs from torch by {told['difference']:.1e} at most (tolerance {told['tolerance']:g})", quiet=quiet
        )
