"""Writing the checkpoint folder of an in-between model: weights as safetensors, network as ONNX, configuration, card."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from farandole import __version__
from farandole._io import atomic_directory
from farandole.data.feature_folder import skeleton_to_json
from farandole.generation.checkpoint import SCHEMA
from farandole.generation.inbetween_net import MODEL, NETWORK
from farandole.models.inbetweener import Inbetweener
from farandole.motion.skeleton import Skeleton
from farandole.training.export import store_as_half
from farandole.training.weights import write_weights


def write_inbetween(target: Path, net: Inbetweener, facts: Mapping[str, Any], skeleton: Skeleton) -> None:
    """Write everything that filling gaps needs into the folder `target`, replacing it whole.

    Weights are rounded to 16 bits once, and run with 32.

    Args:
        target: The folder.
        net: With the weights to keep.
        facts: fps, window, gap, codec, recipe, held_out, licence.
        skeleton: The body.
    """
    for parameter in net.parameters():
        parameter.data = parameter.data.half().float()
    config = {"schema": SCHEMA, "model": MODEL, "farandole": __version__, **facts}
    scales = {k: [float(f"{x:.7g}") for x in getattr(net, k).tolist()] for k in ("mean", "std")}
    with atomic_directory(target, force=True) as folder:
        write_weights(folder, {k: v.half() for k, v in net.state_dict().items() if k not in scales})
        export_onnx(folder / f"{NETWORK}.onnx", net)
        (folder / "config.yaml").write_text(json.dumps(config, indent=1) + "\n")
        (folder / "scalers.json").write_text(json.dumps(scales) + "\n")
        (folder / "skeleton.json").write_text(json.dumps(skeleton_to_json(skeleton), indent=1) + "\n")
        (folder / "card.md").write_text(_card(target.parent.name, net, config))


def export_onnx(path: Path, net: Inbetweener) -> None:
    """Write the network as ONNX for any number and length of windows."""
    batch, frames = torch.export.Dim("batch"), torch.export.Dim("frames", min=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(),
            (torch.randn(2, 40, len(net.mean)), torch.rand(2, 40)),
            str(path),
            input_names=["features", "window"],
            output_names=["turns", "shift"],
            dynamic_shapes={"features": {0: batch, 1: frames}, "window": {0: batch, 1: frames}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    store_as_half(path)


def _card(name: str, net: Inbetweener, config: Mapping[str, Any]) -> str:
    count = sum(p.numel() for p in net.parameters()) / 1e6
    held_out = config["held_out"]
    rows = "\n".join(
        f"| {k.split('held_out_')[-1]} | {v} | {held_out.get(k.replace('/', '/guess_'), '')} |"
        for k, v in held_out.items()
        if "/held_out" in k
    )
    return f"""# {name}

Fills missing frames of motion at {config["fps"]:g} fps: gaps of up to {config["gap"]} frames, windows of up to {config["window"]}.

* Made with farandole {config["farandole"]} by `farandole train`; the recipe is in config.yaml.
* Network: ConvBERT that corrects a guess by formula, {count:.2f} M parameters; stored with 16 bits, run with 32.
* Data: {config["licence"]}
* {config["recipe"]["terms"]}

| held-out loss | model | the guess it corrects |
|---|---|---|
{rows}
"""
