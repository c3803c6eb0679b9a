"""Feature folders: whole or not at all, and every mismatch has a line of its own."""

import json

import numpy as np
import pytest

from farandole.data.feature_folder import FeatureFolder, FeatureFolderWriter, Scaler
from farandole.errors import DataError, OutputError
from farandole.motion.humanoid import house_skeleton


def write(folder, arrays, **options):
    writer = FeatureFolderWriter(
        folder, fps=30.0, skeleton=house_skeleton(), features={"a": ["x", "y"]}, licence="free", **options
    )
    with writer:
        for name, (array, split) in arrays.items():
            writer.add(name, {"a": array}, split=split, style="s")


def test_what_is_written_is_read(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"one": (rng.normal(size=(5, 2)), "train"), "two": (rng.normal(size=(7, 2)), "test")}
    write(tmp_path / "d", arrays)
    folder = FeatureFolder(tmp_path / "d")
    assert folder.split("train") == ["one"]
    assert folder.split("test") == ["two"]
    assert folder.sequences["two"]["frames"] == 7
    assert folder.skeleton == house_skeleton()
    np.testing.assert_allclose(folder.load("two", "a"), arrays["two"][0], rtol=1e-6)
    np.testing.assert_allclose(folder.scaler("a").mean, arrays["one"][0].mean(axis=0), rtol=1e-5)  # training split only


def test_constant_columns_are_scaled_by_one():
    scaler = Scaler.fit([np.array([[1.0, 5.0], [3.0, 5.0]])])
    np.testing.assert_allclose(scaler.std, [1.0, 1.0])
    np.testing.assert_allclose(scaler.minimum, [1.0, 5.0])
    assert Scaler.from_json(json.loads(json.dumps(scaler.to_json()))).mean.tolist() == [2.0, 5.0]


def test_rounding_of_a_joint_that_cannot_turn_is_no_movement():
    rounded = np.random.default_rng(0).uniform(-2e-5, 2e-5, (50, 1))
    assert Scaler.fit([np.hstack([rounded, 100 * rounded])]).std.tolist() == [1.0, pytest.approx(1.15e-3, rel=0.1)]


def test_nothing_is_left_of_a_failed_writing(tmp_path):
    bad = np.full((4, 2), np.nan)
    with pytest.raises(DataError, match="one: feature a holds NaN"):
        write(tmp_path / "d", {"one": (bad, "train")})
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_kept_unless_forced(tmp_path):
    write(tmp_path / "d", {"one": (np.zeros((4, 2)), "train")})
    with pytest.raises(OutputError, match="exists already"):
        write(tmp_path / "d", {"two": (np.zeros((4, 2)), "train")})
    write(tmp_path / "d", {"two": (np.zeros((4, 2)), "train")}, force=True)
    assert list(FeatureFolder(tmp_path / "d").sequences) == ["two"]


def test_mismatches_are_named(tmp_path):
    with pytest.raises(DataError, match=r"has no corpus\.json"):
        FeatureFolder(tmp_path)
    write(tmp_path / "d", {"one": (np.zeros((4, 2)), "train")})
    folder = FeatureFolder(tmp_path / "d")
    with pytest.raises(DataError, match="no feature 'b': there are a"):
        folder.load("one", "b")
    (tmp_path / "d" / "splits" / "train.txt").write_text("one\nghost\n")
    with pytest.raises(DataError, match="names sequence 'ghost'"):
        folder.split("train")
    corpus = json.loads((tmp_path / "d" / "corpus.json").read_text())
    (tmp_path / "d" / "corpus.json").write_text(json.dumps(corpus | {"schema": 99}))
    with pytest.raises(DataError, match="schema 99"):
        FeatureFolder(tmp_path / "d")


def test_a_codec_is_kept_with_its_features(tmp_path):
    from farandole.motion.dance_codec import DanceCodec

    codec = DanceCodec(30.0)
    writer = FeatureFolderWriter(
        tmp_path / "d",
        fps=30.0,
        skeleton=codec.skeleton,
        features={codec.name: codec.columns},
        licence="free",
        codecs=[codec],
    )
    with writer:
        writer.add("one", {codec.name: np.zeros((5, codec.dim))}, split="train")
    folder = FeatureFolder(tmp_path / "d")
    assert folder.codec("dance129").columns == codec.columns
    assert len(folder.codec("dance129").decode(folder.load("one", "dance129"))) == 5
