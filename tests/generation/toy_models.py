"""Models so small that they are made, run and exported in a second, as checkpoints on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from farandole.checkpoints.checkpoint import Checkpoint
from farandole.data.feature_folder import FeatureFolder, FeatureFolderWriter
from farandole.data.starter.groove.dancer import groove
from farandole.models.masked import MaskedMotionModel
from farandole.models.registry import model_type
from farandole.motion import codecs
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.training.finish import save_run
from farandole.training.recipe import make_data, read_values

FPS = 20.0
_INPUTS = [{"name": "motion", "dim": 1, "frames": 6}, {"name": "audio", "dim": 1, "frames": 8}]
_ENCODER = {"layers": 1, "input_layers": 1, "heads": 2, "dim": 8}
_FLOW = {"steps": [2], "dim": 8, "heads": 2, "layers": 1}
_SEEN = {"inputs": _INPUTS, "target": {"name": "motion", "dim": 1, "frames": 2, "offset": 6}, "encoder": _ENCODER}
CONFIGS: dict[str, dict[str, Any]] = {
    "moglow": {"past": 3, "heard": 5, "frames": 4, "glow": {"steps": 2, "dim": 8, "layers": 2}},
    "transformer": _SEEN,
    "transflower": {**_SEEN, "flow": _FLOW},
    "transformerflow": {**_SEEN, "flow": {**_FLOW, "heads": 8}},
    "transglower": {
        **_SEEN, "target": {**_SEEN["target"], "frames": 1}, "frames": 2, "glow": {"steps": 2, "dim": 8, "layers": 1},
    },
    "residualflower": {"mean": _SEEN, "residual": {**_SEEN, "flow": _FLOW}},
}  # fmt: skip
"""Settings of the models that continue motion, by model."""

_MASKED = {"layers": 1, "dim": 32, "heads": 4, "inner": 32, "dropout": 0.0}
MASKED_CONFIGS: dict[str, dict[str, Any]] = {
    "motionbert": {"encoder": _MASKED, "hidden": 16},
    "threebert": {"encoder": _MASKED, "cross": {**_MASKED, "dim": 64}},
}
"""Settings of models that fill hidden frames: one deaf, one that listens."""


def toy_corpus(path: Path, lengths=(30, 24, 41), columns=3, fps=FPS, codec="expmap_cr") -> FeatureFolder:
    """Sequences s0, s1 ... of motion that a codec can decode, and of noise for music."""
    random = np.random.default_rng(5)
    body = house_skeleton()
    still = Motion(body, np.tile([1.0, 0, 0, 0], (2, len(body), 1)), np.zeros((2, 3)), fps)
    kind = codecs.codec(codec, still)
    features = {codec: list(kind.columns), "sound": [f"column {k}" for k in range(columns)]}
    with FeatureFolderWriter(
        path, fps=fps, skeleton=body, features=features, licence="made up", codecs=[kind]
    ) as writer:
        for i, frames in enumerate(lengths):
            moves = 0.1 * random.normal(size=(frames, len(kind.columns)))
            sound = 4 + 2 * random.normal(size=(frames, columns))
            writer.add(f"s{i}", {codec: moves, "sound": sound}, split="train" if i else "test", style="ab"[i % 2])
    return FeatureFolder(path)


def danced_corpus(path: Path) -> FeatureFolder:
    """Made dances as rotation matrices with what a song of eight bands would give, 30 fps."""
    random, dances = np.random.default_rng(1), [groove(np.arange(90) / 15, seed=n) for n in (1, 2, 3)]
    codec = codecs.codec("rotmat", dances[0])
    features = {"rotmat": list(codec.columns), "bands": [f"column {k}" for k in range(4)]}
    body = dances[0].skeleton
    with FeatureFolderWriter(path, fps=30.0, skeleton=body, features=features, licence="", codecs=[codec]) as writer:
        for n, dance in enumerate(dances):
            rows = {"rotmat": codec.encode(dance), "bands": random.normal(size=(90, 4))}
            writer.add(f"d{n}", rows, split="train")
    return FeatureFolder(path)


def toy_checkpoint(
    path: Path, corpus: FeatureFolder, model: str, config: dict[str, Any] | None = None, preset: str = "farandole"
) -> Checkpoint:
    """A model that continues motion, with random weights, none of them zero."""
    features = {"motion": next(iter(corpus.codecs)), "audio": "sound", "style": "style"}
    values = {"model": model, "preset": preset, "features": features, "config": config or CONFIGS[model]}
    return saved(path, corpus, values)


GUESSING = {"curve": "hermite", "ease": True, "view": "frame", "guess": True, "contrast": False}
"""Settings of masked models that draw."""


def masked_checkpoint(
    path: Path, corpus: FeatureFolder, model: str, window: int = 48, config: dict[str, Any] | None = None
) -> Checkpoint:
    """A model that fills hidden frames, with more settings."""
    features = {"motion": "rotmat"} | ({"music": "bands"} if model == "threebert" else {})
    values = {
        "model": model,
        "preset": "small",
        "features": features,
        "config": MASKED_CONFIGS[model] | (config or {}),
        "windows": {"frames": window},
        "completion": {"window": window, "known": 20, "block": 10, "keep": 5},
    }
    return saved(path, corpus, values)


def saved(path: Path, corpus: FeatureFolder, values: dict[str, Any]) -> Checkpoint:
    """The model of a recipe with random weights, as the checkpoint of a run."""
    recipe = read_values({"dims": "data", **values}, corpus)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = model_type(recipe.model)(recipe.config).eval()
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    data = make_data(recipe, made, corpus)
    if isinstance(made, MaskedMotionModel):
        made.fit(corpus.skeleton, data.batch(0, 2, None)["out_motion"])
    return save_run(path / "checkpoint", made, recipe, data, steps=0, held_out={"held_out/loss": 1.25})
