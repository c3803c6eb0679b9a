"""Networks of a model as ONNX files, written only if they give torch's numbers."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.checkpoints.session import OnnxSession
from farandole.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from farandole.models.model import Model
    from farandole.models.networks import Network

TOLERANCE = 1e-4
"""Largest difference between the engines, relative to the number where that is above 1."""
BATCH = 3
"""Of the comparison; exported with another one, so that what depends on it shows."""
LARGEST_FILE = 1_800_000_000  # bytes: protobuf holds no more than 2 GiB
SMALLEST_HALF = 256
"""Numbers from which on a tensor is stored with 16 bits."""


def export_networks(model: Model, folder: Path, *, half: bool = False, tolerance: float = TOLERANCE) -> float:
    """Write NETWORK.onnx for every network of a model into a folder: all of them, or none.

    Args:
        model: In evaluation mode; offers `networks()`.
        folder: Where to write.
        half: Store large weights with 16 bits; the model's must be rounded already.
        tolerance: Difference from which on nothing is written.

    Returns:
        The largest difference from torch.

    Raises:
        CheckpointError: If the model cannot be exported, or a file does not give torch's numbers: then nothing is written.
    """
    networks, worst = model.networks(), 0.0
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        for network, part in networks.items():
            _write(part, work / f"{network}.onnx")
            if half:
                store_as_half(work / f"{network}.onnx")
            worst = float(np.maximum(worst, _difference(part, OnnxSession(work), network)))  # NaN if one is
        if not worst <= tolerance:  # also if it is NaN
            raise CheckpointError(
                f"{folder}: nothing was exported, for ONNX Runtime differs from torch by {worst:.1e} (tolerance {tolerance:g})"
            )
        for file in work.iterdir():
            os.replace(file, folder / file.name)
    return worst


def _write(part: Network, path: Path) -> None:
    import torch

    size = sum(t.numel() * t.element_size() for t in part.module.state_dict().values())
    inputs = tuple(x.detach().cpu() for x in part.inputs.values())
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # what it would say of packages that are missing is no news
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                part.module.eval(),
                inputs,
                str(path),
                input_names=list(part.inputs),
                output_names=list(part.outputs),
                dynamic_shapes=_dynamic(part),
                dynamo=True,
                external_data=size > LARGEST_FILE,
                verbose=False,
            )
        except (RuntimeError, torch.onnx.OnnxExporterError) as error:
            cause = error.__cause__ or error
            raise CheckpointError(f"{path.stem} cannot be exported: {' '.join(str(cause).split())[:300]}") from error


def _dynamic(part: Network) -> Any:
    """Axes as torch.export wants them; a module of (*inputs) takes them as one tuple."""
    import torch

    dims: dict[str, Any] = {}

    def dim(text: str) -> Any:
        factor, _, name = text.rpartition("*")
        if name not in dims:
            dims[name] = torch.export.Dim(name, min=4) if name == "frames" else torch.export.Dim(name)
        return int(factor) * dims[name] if factor else dims[name]

    axes = tuple({axis: dim(text) for axis, text in part.axes.get(name, {}).items()} for name in part.inputs)
    return {"inputs": axes} if part.variadic else axes


def _difference(part: Network, session: OnnxSession, network: str) -> float:
    """Largest difference on random inputs of another batch size than the export's."""
    import torch

    random = np.random.default_rng(0)
    arrays = {name: _random(x, part.axes.get(name, {}), random) for name, x in part.inputs.items()}
    with torch.inference_mode():
        out = part.module(*(torch.from_numpy(a) for a in arrays.values()))
    expected = [t.numpy() for t in (out if isinstance(out, tuple) else (out,))]
    made = session.run(network, arrays)
    apart = [np.abs(a - b) / np.maximum(1.0, np.abs(a)) for a, b in zip(expected, made, strict=True)]
    return float(np.max([x.max() for x in apart]))


def _random(example: Tensor, axes: Mapping[int, str], random: np.random.Generator) -> np.ndarray:
    shape = [BATCH if axes.get(k) == "batch" else n for k, n in enumerate(example.shape)]
    if not example.is_floating_point():  # labels: those of the example
        return np.resize(example.numpy(), shape)
    return random.standard_normal(shape).astype(np.float32)


def store_as_half(path: Path, *, smallest: int = SMALLEST_HALF) -> None:
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
