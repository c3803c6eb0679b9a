"""A model of somebody else's, in one file and one recipe: trained, resumed, started from, exported and used like every other."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning", reason="training needs the [train] extra")

from farandole.cli.app import run
from farandole.data.feature_folder import FeatureFolderWriter
from farandole.models import registry
from farandole.motion import codecs
from farandole.motion.files import load_motion

FPS = 20
MODEL = '''
"""A walk: the next pose is the last one and a step that the music and the pose before it suggest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from farandole.models.base import ModelConfig, MotionModel
from farandole.models.layers.multimodal import Modality
from farandole.models.registry import register


@dataclass(frozen=True)
class WalkConfig(ModelConfig):
    """Settings of a walk."""

    motion: int = 67
    """Motion features per frame."""
    audio: int = 7
    """Music features per frame."""
    past: int = 4
    """Frames that it looks back."""
    width: int = 16
    """Of the hidden layer."""

    @property
    def dims(self) -> dict[str, int]:
        return {"motion": self.motion, "audio": self.audio}

    def fitted(self, dims: Mapping[str, int], still: tuple[int, ...] = ()) -> WalkConfig:
        return replace(self, motion=dims.get("motion", self.motion), audio=dims.get("audio", self.audio))


@register("walk")
class Walk(MotionModel):
    """Steps of a normal distribution around what a small network suggests."""

    Config = WalkConfig

    def __init__(self, config: WalkConfig) -> None:
        super().__init__()
        self.config = config
        self.inputs = (Modality("motion", config.motion, config.past), Modality("audio", config.audio, config.past + 1))
        self.target = Modality("motion", config.motion, 1, config.past)
        self.latent_channels = config.motion
        seen = config.past * config.motion + (config.past + 1) * config.audio
        self.hidden, self.out = nn.Linear(seen, config.width), nn.Linear(config.width, config.motion)
        self.log_scale = nn.Parameter(torch.full((config.motion,), -2.0))

    def suggested(self, windows: Mapping[str, Tensor]) -> Tensor:
        seen = torch.cat((windows["motion"].flatten(1), windows["audio"].flatten(1)), dim=-1)
        return windows["motion"][:, -1:] + self.out(self.hidden(seen).tanh()).unsqueeze(1)

    def forward(self, windows: Mapping[str, Tensor], target: Tensor) -> dict[str, Tensor]:
        z = (target - self.suggested(windows)) * (-self.log_scale).exp()
        nll = (0.5 * z.square() + self.log_scale).sum(dim=-1).mean()
        return {"loss": nll, "nll": nll.detach()}

    def sample(self, windows, *, noise=None, temperature=1.0, generator=None, state=None):
        mean = self.suggested(windows)
        z = torch.randn(mean.shape, generator=generator) if noise is None else noise
        return mean + temperature * self.log_scale.exp() * z, None
'''
RECIPE = """
about: A walk in a few steps.
model: walk
features: {motion: expmap_cr, audio: beats}
dims: data
windows: {stride: 2}
training: {steps: 4, batch_size: 4, lr: 0.001, ema: 0.5, validate_every: 2,
  dances: {every: 1, songs: 1, seconds: 2}, keep: dances}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the plug-in as pip would have installed it, a recipe, features, a song and a clip."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "walk_plugin.py").write_text(MODEL)
    facts = folder / "walk_plugin-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: walk-plugin\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[farandole.models]\nwalk = walk_plugin:Walk\n")
    (folder / "walk.yaml").write_text(RECIPE)
    sys.path.insert(0, str(folder))
    try:
        make_features(folder)
        yield folder
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("walk_plugin", None)
        registry._REGISTERED.pop("walk", None)  # other tests count the models there are


def make_features(folder: Path) -> None:
    """Four groove dances with the beats of songs composed on their counts."""
    from farandole.data.starter.groove.dancer import groove
    from farandole.data.starter.songs import compose
    from farandole.music.features import features
    from farandole.music.song import Song

    made = compose(100.0, 8.0, genre="pop", seed=1)
    song = Song.from_samples(made.samples, made.sample_rate, name="song")
    import soundfile

    soundfile.write(folder / "song.wav", made.samples, made.sample_rate)
    sound = features(song, "beats", FPS)
    beats = np.arange(8 * 30) / 30 * 100.0 / 60
    motions = [groove(beats, seed=seed, energy=0.5).resample(FPS) for seed in range(4)]
    codec = codecs.codec("expmap_cr", motions[0])
    columns = {codec.name: list(codec.columns), "beats": [str(k) for k in range(sound.shape[1])]}
    options = {
        "fps": FPS,
        "skeleton": motions[0].skeleton,
        "features": columns,
        "licence": "made up",
        "codecs": [codec],
    }
    with FeatureFolderWriter(folder / "data", **options) as writer:
        for k, motion in enumerate(motions):
            frames = min(len(motion), len(sound))
            arrays = {codec.name: codec.encode(motion)[:frames], "beats": sound[:frames]}
            writer.add(f"s{k}", arrays, split=("train", "train", "val", "test")[k])
    motions[0].slice(0, 60).save(folder / "clip.bvh")


def farandole(*words: object, code: int = 0) -> None:
    assert run([str(w) for w in words]) == code


@pytest.fixture(scope="module")
def trained(place: Path) -> Path:
    farandole("train", place / "walk.yaml", "--data", place / "data", "-o", place / "run", "-q")
    return place / "run"


def test_its_run_is_like_every_other(place: Path, trained: Path) -> None:
    facts = json.loads((trained / "checkpoint/config.json").read_text())
    assert facts["model"] == "walk"
    assert facts["abilities"]["music"]
    assert facts["held_out"]["held_out/loss"] is not None
    assert "walk" in (trained / "checkpoint/card.md").read_text()


def test_it_is_resumed_and_started_from(place: Path, trained: Path) -> None:
    farandole(
        "train", place / "walk.yaml", "--data", place / "data", "-o", trained, "--resume", "--training.steps=6", "-q"
    )
    assert (trained / "dances/0000006.json").exists()
    best = json.loads((trained / "checkpoint/config.json").read_text())["steps"]
    assert best in (2, 4, 6)
    other = place / "other"
    farandole("train", place / "walk.yaml", "--data", place / "data", "-o", other, "--start", trained, "-q")
    assert json.loads((other / "recipe.yaml").read_text())["start"] == str(trained)


def test_it_dances_goes_on_and_generates(place: Path, trained: Path) -> None:
    farandole("dance", place / "song.wav", "--model", trained, "-o", place / "dance.npz", "--seconds", 3, "-q")
    assert load_motion(place / "dance.npz").seconds == pytest.approx(3, abs=0.1)
    farandole(
        "extend",
        place / "clip.bvh",
        place / "song.wav",
        "--model",
        trained,
        "-o",
        place / "long.npz",
        "--seconds",
        2,
        "-q",
    )
    longer, clip = load_motion(place / "long.npz"), load_motion(place / "clip.bvh")
    np.testing.assert_array_equal(longer.rotations[: len(clip)], clip.rotations)
    assert longer.seconds == pytest.approx(clip.seconds + 2, abs=0.1)
    farandole(
        "generate", trained, "--data", place / "data", "--seconds", 2, "--formats", "npz", "-o", place / "out", "-q"
    )
    assert load_motion(place / "out/s3.npz").seconds == pytest.approx(2, abs=0.1)


def test_what_it_lacks_is_said_in_a_line(place: Path, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    farandole("inbetween", place / "clip.bvh", "--every", 10, "--model", trained, "-o", place / "filled.npz", code=2)
    said = capsys.readouterr().err
    assert "lacks what that needs: fills gaps" in said
    assert "inbetween" in said.rpartition("these can:")[2]


def test_its_motions_are_measured(place: Path, trained: Path) -> None:
    farandole("generate", trained, "--data", place / "data", "--all", "--formats", "bvh", "-o", place / "all", "-q")
    farandole("evaluate", place / "all", "-o", place / "report", "--workers", 1, "-q")
    assert json.loads((place / "report/report.json").read_text())["runs"][0]["clips"] == 4


def test_it_is_exported_and_runs_without_torch(place: Path, trained: Path) -> None:
    farandole("models", "export", trained, "-q")
    farandole(
        "dance", place / "song.wav", "--model", trained, "--engine", "onnx", "-o", place / "a.npz", "--seconds", 3, "-q"
    )
    farandole(
        "dance",
        place / "song.wav",
        "--model",
        trained,
        "--engine",
        "torch",
        "-o",
        place / "b.npz",
        "--seconds",
        3,
        "-q",
    )
    a, b = load_motion(place / "a.npz"), load_motion(place / "b.npz")
    np.testing.assert_allclose(a.positions, b.positions, atol=1e-3)
