"""Writing a checkpoint folder: weights as safetensors, networks as ONNX, configuration, scales, card."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from farandole import __version__
from farandole._io import atomic_directory
from farandole.data.feature_folder import skeleton_to_json
from farandole.generation.checkpoint import SCHEMA, Checkpoint
from farandole.models.autoencoder import FRAMES_PER_TOKEN, MotionAutoencoder, MotionDecoder, MotionEncoder
from farandole.models.window_flow import WindowFlow
from farandole.motion.skeleton import Skeleton
from farandole.training.weights import write_weights


class _Mean(nn.Module):
    """An encoder without its variance: what generation needs."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pose: Tensor) -> Tensor:
        return self.encoder(pose)[0]


def write_checkpoint(
    target: Path,
    *,
    autoencoder: MotionAutoencoder,
    flow: WindowFlow,
    scales: Mapping[str, Tensor],
    facts: Mapping[str, Any],
    skeleton: Skeleton,
) -> None:
    """Write everything generation needs into the folder `target`, replacing it whole.

    Weights are rounded to 16 bits once, and both engines compute in 32 bits with the rounded ones, so they agree.
    """
    nets = {"encoder": autoencoder.encoder, "decoder": autoencoder.decoder, "flow": flow}
    for net in nets.values():
        for parameter in net.parameters():
            parameter.data = parameter.data.half().float()
    config = {"schema": SCHEMA, "farandole": __version__, **facts}
    numbers = {k: [float(f"{x:.7g}") for x in v.tolist()] for k, v in scales.items()}
    with atomic_directory(target, force=True) as folder:
        write_weights(folder, {f"{n}.{k}": v.half() for n, net in nets.items() for k, v in net.state_dict().items()})
        export_onnx(folder, **nets)
        (folder / "config.yaml").write_text(json.dumps(config, indent=1) + "\n")
        (folder / "scalers.json").write_text(json.dumps(numbers) + "\n")
        (folder / "skeleton.json").write_text(json.dumps(skeleton_to_json(skeleton), indent=1) + "\n")
        (folder / "card.md").write_text(_card(target.parent.name, nets, config))


def export_onnx(folder: Path, encoder: MotionEncoder, decoder: MotionDecoder, flow: WindowFlow) -> None:
    """Write encoder.onnx, decoder.onnx and flow.onnx: any batch size; any length but for the flow's window."""
    c = flow.config
    frames = FRAMES_PER_TOKEN * c.tokens
    batch, length = torch.export.Dim("batch"), torch.export.Dim("tokens")
    nets = {
        "encoder": (
            _Mean(encoder),
            {"pose": torch.randn(2, 40, c.pose_dim)},
            {"pose": {0: batch, 1: 4 * length}},
            "latents",
        ),
        "decoder": (
            decoder,
            {"latents": torch.randn(2, 10, c.latent_dim)},
            {"latents": {0: batch, 1: length}},
            "pose",
        ),
        "flow": (
            flow,
            {
                "x": torch.randn(2, c.tokens, c.latent_dim),
                "t": torch.rand(2),
                "known": torch.zeros(2, c.tokens),
                "music": torch.randn(2, frames, c.music_dim),
                "style": torch.zeros(2, dtype=torch.int64),
                "pinned": torch.zeros(2, frames, c.pose_dim + c.groups),
            },
            {k: {0: batch} for k in ("x", "t", "known", "music", "style", "pinned")},
            "velocity",
        ),
    }
    for name, (net, inputs, shapes, output) in nets.items():
        path = folder / f"{name}.onnx"
        if name == "decoder":
            shapes = {"z": shapes["latents"]}
        elif name == "encoder":
            shapes = {"pose": shapes["pose"]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                net.eval(),
                tuple(inputs.values()),
                str(path),
                input_names=list(inputs),
                output_names=[output],
                dynamic_shapes=shapes,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        store_as_half(path)


def export_checkpoint(checkpoint: Checkpoint) -> None:
    """Make the ONNX files of a checkpoint again from its weights, replacing those that are there."""
    import tempfile

    from farandole.generation.engine import TorchEngine

    nets = TorchEngine(checkpoint).networks
    with tempfile.TemporaryDirectory(dir=checkpoint.folder) as folder:
        export_onnx(Path(folder), nets["encoder"], nets["decoder"], nets["flow"])
        for network in nets:
            os.replace(Path(folder) / f"{network}.onnx", checkpoint.onnx(network))


def store_as_half(path: Path, *, smallest: int = 256) -> None:
    """Keep the large weights of an ONNX file as 16-bit numbers, widened to 32 bits when it is loaded: half the size."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.size < smallest:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _card(name: str, nets: Mapping[str, nn.Module], config: Mapping[str, Any]) -> str:
    sizes = {k: sum(p.numel() for p in net.parameters()) / 1e6 for k, net in nets.items()}
    losses = "\n".join(
        f"| {k.split('held_out_')[-1]} | {k.split('/')[0]} | {v} |" for k, v in config["held_out"].items()
    )
    return f"""# {name}

Dances on the house skeleton ({config["fps"]:g} fps) to any song. Styles: {", ".join(config["styles"])}.

* Made with farandole {config["farandole"]} by `farandole train starter`; the recipe is in config.yaml.
* Networks: {", ".join(f"{k} {v:.2f} M parameters" for k, v in sizes.items())}; stored with 16 bits, run with 32.
* Data: the starter corpus only. {config["licence"]}
* Weights may be used and shipped by anyone, also commercially, under the licence of farandole (MIT).

| held-out loss | stage | value |
|---|---|---|
{losses}
"""
