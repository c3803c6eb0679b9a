"""Models of the flow family so small that they are made, run and exported in a second, as checkpoints on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from farandole.data.feature_folder import FeatureFolder, FeatureFolderWriter
from farandole.generation.motion_checkpoint import MotionCheckpoint
from farandole.motion import codecs
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.training.motion_checkpoint import write_motion_checkpoint
from farandole.training.motion_run import MotionRecipe

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


def toy_checkpoint(
    path: Path, corpus: FeatureFolder, model: str, config: dict[str, Any] | None = None, preset: str = "farandole"
) -> MotionCheckpoint:
    """A model with random weights, none of them zero."""
    features = {"motion": next(iter(corpus.codecs)), "audio": "sound", "style": "style"}
    dims = {m: len(corpus.features[f]) for m, f in features.items() if f in corpus.features}
    values = {
        "model": model,
        "preset": preset,
        "features": features,
        "dims": "data",
        "config": config or CONFIGS[model],
    }
    recipe = MotionRecipe.from_mapping(values, dims)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = recipe.build_model().eval()
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return write_motion_checkpoint(path, made, recipe, corpus, steps=0, held_out={"held_out/loss": 1.25})
