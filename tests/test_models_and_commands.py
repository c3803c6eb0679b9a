"""Every model and every command: each pair works, or says what the model lacks; the table in the docs is the code's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightning", reason="training needs the [train] extra")

from farandole.cli.app import run
from farandole.data.feature_folder import FeatureFolderWriter
from farandole.generation.command_table import COMMANDS, command_table, missing
from farandole.models.registry import model_names
from farandole.motion import codecs
from farandole.motion.files import load_motion

FPS = 20
SECONDS = 6.0
WINDOW = {"motion": 67, "audio": 7}
SEEN = {
    "inputs": [{"name": "motion", "dim": 1, "frames": 6}, {"name": "audio", "dim": 1, "frames": 8}],
    "target": {"name": "motion", "dim": 1, "frames": 2, "offset": 6},
    "encoder": {"layers": 1, "input_layers": 1, "heads": 2, "dim": 8},
}
FLOW = {"steps": [2], "dim": 8, "heads": 2, "layers": 1}
CONVBERT = {"layers": 1, "dim": 16, "heads": 4, "inner": 16, "dropout": 0.0, "positions": "rotary"}
STREAMS = {"features": {"motion": "expmap_cr", "audio": "beats"}, "windows": {"stride": 4}}
MASKED = {"windows": {"frames": 24, "stride": 4}, "objective": {}}
MASK = {"mask": {"pattern": "every", "every": 6, "zero": 1.0, "replace": 0.0, "shortest": 24, "longest": 24}}
RECIPES: dict[str, dict[str, Any]] = {
    "moglow": {
        **STREAMS,
        "preset": "farandole",
        "config": {"past": 3, "heard": 5, "frames": 4, "glow": {"steps": 2, "dim": 8}},
    },
    "transformer": {**STREAMS, "preset": "farandole", "config": SEEN},
    "transflower": {**STREAMS, "preset": "farandole", "config": {**SEEN, "flow": FLOW}},
    "transformerflow": {**STREAMS, "preset": "farandole", "config": {**SEEN, "flow": {**FLOW, "heads": 8}}},
    "transglower": {
        **STREAMS,
        "preset": "farandole",
        "config": {
            **SEEN,
            "target": {**SEEN["target"], "frames": 1},
            "frames": 2,
            "glow": {"steps": 2, "dim": 8, "layers": 1},
        },
    },
    "residualflower": {**STREAMS, "preset": "farandole", "config": {"mean": SEEN, "residual": {**SEEN, "flow": FLOW}}},
    "motionbert": {**MASKED, "features": {"motion": "rotmat"}, "config": {"encoder": CONVBERT, "hidden": 16}},
    "threebert": {
        **MASKED,
        "features": {"motion": "rotmat", "music": "beats"},
        "config": {"encoder": CONVBERT, "cross": {**CONVBERT, "dim": 32}},
    },
    "crossmodal": {
        **MASKED,
        "features": {"motion": "rotmat", "music": "beats"},
        "config": {"encoder": CONVBERT, "cross": CONVBERT},
    },
    "inbetweener": {
        "config": {"layers": 1, "width": 16, "heads": 4, "inner": 16, "kernel": 3},
        "windows": {
            "patterns": {"shortest_gap": 3, "longest_gap": 15, "shortest_past": 5, "longest_past": 5, "window": 24}
        },
    },
    "latent_dancer": {
        "features": {"motion": "dance129", "music": "dance17", "style": "style"},
        "config": {
            "autoencoder": {"latent_dim": 4, "encoder_width": 8, "decoder_width": 8},
            "flow": {"latent_dim": 4, "tokens": 16, "width": 16, "layers": 1, "heads": 2},
        },
        "completion": {"context": 4, "steps": 2},
    },
}
STAGES = {
    "latent_dancer": [{"part": "autoencoder", "frames": 32}, {"part": "flow", "frames": 64}],
    **{name: [MASK] for name in ("motionbert", "threebert", "crossmodal")},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of groove dances, a song and a clip."""
    import soundfile

    from farandole.data.starter.groove.dancer import groove
    from farandole.data.starter.songs import compose
    from farandole.music.dance_features import dance_music_features
    from farandole.music.features import features
    from farandole.music.song import Song

    folder = tmp_path_factory.mktemp("house")
    made = compose(100.0, SECONDS, genre="pop", seed=1)
    soundfile.write(folder / "song.wav", made.samples, made.sample_rate)
    song = Song.from_samples(made.samples, made.sample_rate, name="song")
    beats = np.arange(round(SECONDS * 30)) / 30 * 100.0 / 60
    motions = [groove(beats, seed=seed, energy=0.5).resample(FPS) for seed in range(4)]
    frames = min(len(motions[0]), round(SECONDS * FPS))
    count = np.arange(frames) / FPS * 100.0 / 60
    zero = np.zeros(frames)
    sound = {
        "beats": features(song, "beats", FPS)[:frames],
        "dance17": dance_music_features(count, zero + 100.0, zero, np.zeros((frames, 4)), zero),
    }
    kinds = [codecs.codec(name, motions[0]) for name in ("expmap_cr", "rotmat", "dance129")]
    columns = {c.name: list(c.columns) for c in kinds} | {
        n: [str(k) for k in range(a.shape[1])] for n, a in sound.items()
    }
    options = {"fps": FPS, "skeleton": motions[0].skeleton, "features": columns, "licence": "made up", "codecs": kinds}
    with FeatureFolderWriter(folder / "data", **options) as writer:
        for k, motion in enumerate(motions):
            arrays = {c.name: c.encode(motion)[:frames] for c in kinds} | sound
            writer.add(f"s{k}", arrays, split=("train", "train", "val", "test")[k], style="groove")
    motions[0].slice(0, 40).save(folder / "clip.bvh")
    return folder


@pytest.fixture(scope="module")
def checkpoint(place: Path) -> Callable[[str], Path]:
    """Trains a model for two steps, once."""

    def trained(name: str) -> Path:
        target = place / "runs" / name
        if not target.exists():
            recipe = {"model": name, "dims": "data", **RECIPES[name]}
            recipe["training"] = {"steps": 2, "batch_size": 4, "lr": 1e-3, "stages": STAGES.get(name, [])}
            (place / f"{name}.yaml").write_text(json.dumps(recipe))
            words = ["train", place / f"{name}.yaml", "--data", place / "data", "-o", target, "-q"]
            assert run([str(w) for w in words]) == 0
        return target

    return trained


def words_of(command: str, place: Path, model: Path, out: Path) -> list[Any]:
    song, clip = place / "song.wav", place / "clip.bvh"
    return {
        "dance SONG": ["dance", song, "--model", model, "--seconds", 2, "-o", out],
        "dance SONG --start": ["dance", song, "--model", model, "--seconds", 2, "--start", clip, "-o", out],
        "extend CLIP SONG": ["extend", clip, song, "--model", model, "--seconds", 1, "-o", out],
        "extend CLIP": ["extend", clip, "--model", model, "--seconds", 1, "-o", out],
        "inbetween CLIP": ["inbetween", clip, "--every", 8, "--model", model, "-o", out],
        "generate --data": [
            "generate",
            model,
            "--data",
            place / "data",
            "--seconds",
            1,
            "--formats",
            "npz",
            "-o",
            out.parent,
        ],
        "--takes": ["dance", song, "--model", model, "--seconds", 1, "--takes", 2, "-o", out],
    }[command]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "--takes"])
@pytest.mark.parametrize("name", model_names())
def test_each_pair_works_or_says_what_is_missing(
    name: str,
    command: str,
    place: Path,
    checkpoint: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, out = checkpoint(name), tmp_path / "out.npz"
    facts = json.loads((model / "checkpoint/config.json").read_text())
    lacking = missing(_abilities(facts), facts["completion"]["kind"], command)
    code = run([*map(str, words_of(command, place, model, out)), "-q"])
    said = capsys.readouterr()
    if lacking:
        assert code == 2, command
        assert said.err.count("\n") == 1, said.err
        return
    assert code == 0, said.err
    written = [out] if out.exists() else sorted(tmp_path.glob("*.npz"))
    assert len(load_motion(written[0])) >= 20


def test_the_table_in_the_docs_is_that_of_the_code(
    place: Path, checkpoint: Callable[[str], Path], repository: Path
) -> None:
    models = {}
    for name in model_names():
        facts = json.loads((checkpoint(name) / "checkpoint/config.json").read_text())
        models[name] = _abilities(facts), facts["completion"]["kind"]
    text = (repository / "docs/models-and-commands.md").read_text(encoding="utf-8")
    assert command_table(models) in text, command_table(models)


def _abilities(facts: dict[str, Any]) -> Any:
    from farandole.models.abilities import Abilities

    return Abilities(**facts["abilities"])
