"""Windows of masked models: drawn by weight and mirrored in training, as they are where they are held out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightning", reason="training needs the [train] extra")

from training_toys import MASKED, write_masked_folder

from farandole.data.feature_folder import FeatureFolder
from farandole.errors import FarandoleError
from farandole.models.registry import model_type
from farandole.training.data.stream_windows import MaskedSettings, MaskedWindows

FRAMES = 24


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> FeatureFolder:
    return FeatureFolder(write_masked_folder(tmp_path_factory.mktemp("masked") / "data"))


def drawn(corpus: FeatureFolder, **settings: Any) -> MaskedWindows:
    """The data of a toy model."""
    kind = model_type("motionbert")
    model = kind(kind.Config.preset("small").fitted({"motion": len(corpus.features["rotmat"])}))
    return MaskedWindows(corpus, model, MASKED["features"], MaskedSettings(frames=FRAMES, **settings), seed=3)


def first_frames(data: MaskedWindows, steps: int = 40) -> np.ndarray:
    """Of 8 windows of each of the first steps, [N, D]."""
    return np.concatenate([data.batch(step, 8, None)["out_motion"][:, 0].numpy() for step in range(steps)])


def found(frames: np.ndarray, sequence: np.ndarray) -> np.ndarray:
    """Which of the frames are of a sequence, [N] bool."""
    return (np.abs(frames[:, None] - sequence[None]).max(axis=-1) < 1e-5).any(axis=1)


def test_windows_of_a_sequence_are_met_more_often(corpus: FeatureFolder) -> None:
    sequence = np.asarray(corpus.load("s1", "rotmat"))
    even, often = (first_frames(drawn(corpus, weights=w)) for w in ({}, {"s1*": 8.0}))
    assert found(even, sequence).mean() == pytest.approx(1 / 3, abs=0.1)
    assert found(often, sequence).mean() == pytest.approx(8 / 10, abs=0.1)


def test_half_of_the_windows_are_mirrored_and_none_that_is_held_out(corpus: FeatureFolder) -> None:
    codec, data = corpus.codec("rotmat"), drawn(corpus, augment=("mirror",))
    takes = [np.asarray(corpus.load(name, "rotmat")) for name in corpus.split("train")]
    frames = first_frames(data)
    own, mirrored = (np.any([found(frames, f(t)) for t in takes], axis=0) for f in (np.asarray, codec.mirrored))
    assert (own | mirrored).all()
    assert (mirrored & ~own).mean() == pytest.approx(0.5, abs=0.15)
    held = np.concatenate([batch["out_motion"][:, 0].numpy() for batch in data.held_out(4, None)])
    assert found(held, np.asarray(corpus.load("s3", "rotmat"))).all()
    np.testing.assert_array_equal(frames, first_frames(drawn(corpus, augment=("mirror",))))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"root": "minmax", "augment": ("mirror",)}, "augment needs root: canonical"),
        ({"stride": 4, "weights": {"s1": 2.0}}, "weights need stride: 1"),
        ({"weights": {"waltz*": 2.0}}, "no training sequence is called 'waltz\\*'"),
    ],
)
def test_what_cannot_be_is_said(corpus: FeatureFolder, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(FarandoleError, match=said):
        drawn(corpus, **settings)
