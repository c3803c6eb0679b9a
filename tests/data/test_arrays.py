"""Plain arrays, several folders as one, and labels."""

import json

import numpy as np
import pytest
from recordings import dancer, pairs

from farandole.cli.app import run
from farandole.data import importers
from farandole.data.array_corpus import add_arrays, prepare_arrays
from farandole.data.corpus import CorpusSettings, prepare_corpus
from farandole.data.feature_folder import FeatureFolder, Scaler
from farandole.data.joined_folders import open_folders
from farandole.data.report import describe
from farandole.data.windows import Stream, Windows
from farandole.errors import DataError, OutputError


def plain(folder, names=("a.1", "b", "c"), frames=(40, 30, 20), test=("c",), seed=0):
    """A data set as published ones lie: arrays and lists of names, with nothing else."""
    folder.mkdir()
    random = np.random.default_rng(seed)
    for k, (name, count) in enumerate(zip(names, frames, strict=True)):
        np.save(folder / f"{name}.expmap_scaled_20.npy", random.normal(size=(count, 6)))
        np.save(folder / f"{name}.audio_feats_scaled_20.npy", random.normal(size=(count + 2, 3)).astype(np.float32))
        np.save(folder / f"{name}.dance_style.npy", np.array([k % 2]))
    (folder / "base_filenames_train.txt").write_text("\r\n".join(n for n in names if n not in test))  # no last line end
    (folder / "base_filenames_test.txt").write_text("\n".join(test))
    return folder


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_plain_arrays_are_read_as_they_lie(tmp_path):
    source = plain(tmp_path / "arrays")
    before = files(source)
    folder = FeatureFolder(source)
    assert FeatureFolder.is_one(source)
    assert (folder.split("train"), folder.split("val"), folder.split("test")) == (["a.1", "b"], [], ["c"])
    assert {f: len(c) for f, c in folder.features.items()} == {
        "audio_feats_scaled_20": 3,
        "dance_style": 1,
        "expmap_scaled_20": 6,
    }
    assert folder.sequences["a.1"] == {"frames": 42, "split": "train"}
    assert (folder.frame_rate, folder.has_skeleton, folder.codecs, folder.styles) == (None, False, {}, [])
    train = np.concatenate([np.load(source / f"{n}.expmap_scaled_20.npy") for n in ("a.1", "b")])
    np.testing.assert_allclose(folder.scaler("expmap_scaled_20").std, train.std(axis=0))
    inputs = [
        Stream("dance_style", kind="discrete", fix="single", tokens=2),
        Stream("expmap_scaled_20", 8),
        Stream("audio_feats_scaled_20", 10, scaling="standard"),
    ]
    windows = Windows.of(folder, "train", inputs, [Stream("expmap_scaled_20", 1, 8)], fix_lengths=True)
    assert len(windows) == (40 - 9) + (30 - 9)
    item = windows[40 - 9]
    np.testing.assert_allclose(item["out_expmap_scaled_20"], np.load(source / "b.expmap_scaled_20.npy")[8:9], rtol=1e-6)
    assert item["in_dance_style"].tolist() == [1]
    assert [p.partition(" has ")[2] for p in describe(folder)["problems"]] == [
        f"{n} frames, but {n + 2} were expected" for n in (40, 30, 20)
    ]
    assert run(["info", str(source)]) == 0
    assert files(source) == before


def test_what_plain_arrays_do_not_tell_is_said_when_it_is_needed(tmp_path):
    folder = FeatureFolder(plain(tmp_path / "arrays"))
    with pytest.raises(DataError, match="does not tell its frame rate: farandole prepare arrays"):
        _ = folder.fps
    with pytest.raises(DataError, match="arrays without a body"):
        _ = folder.skeleton
    with pytest.raises(DataError, match="no motion feature 'expmap_scaled_20': there are none"):
        folder.codec("expmap_scaled_20")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "base_filenames_train.txt").write_text("ghost"), "'ghost' is listed, but there is no ghost"),
        (lambda f: (f / "b.dance_style.npy").write_bytes(b"x"), r"b\.dance_style\.npy is damaged"),
        (
            lambda f: np.save(f / "b.expmap_scaled_20.npy", np.zeros((9, 5))),
            r"b\.expmap.* has 5 columns, but .* have 6",
        ),
        (lambda f: [p.write_text("") for p in f.glob("*.txt")], "lists of names .* are empty"),
        (lambda f: [p.unlink() for p in f.glob("*.txt")], "is not a feature folder"),
    ],
)
def test_plain_arrays_that_cannot_be_used_are_told(tmp_path, damage, message):
    damage(plain(tmp_path / "arrays"))
    with pytest.raises(DataError, match=message):
        FeatureFolder(tmp_path / "arrays")


def test_prepare_makes_a_complete_folder_of_arrays(tmp_path, capsys):
    source = plain(tmp_path / "arrays")
    before = files(source)
    (tmp_path / "labels.csv").write_text("sequence;style;dancer\na.1;waltz;Ada\nb;polka;Bo\n")
    words = ["prepare", "arrays", str(source), "-o", str(tmp_path / "data")]
    assert run(words) == 2
    assert "do not tell their frame rate: add --fps RATE" in capsys.readouterr().err
    assert run([*words, "--fps", "20", "--labels", str(tmp_path / "labels.csv"), "--licence", "mine"]) == 0
    folder = FeatureFolder(tmp_path / "data")
    assert (folder.fps, folder.licence, folder.has_skeleton) == (20, "mine", False)
    assert folder.styles == ["polka", "waltz"]
    assert folder.sequences["b"]["dancer"] == "Bo"
    assert folder.split("test") == ["c"]
    assert folder.load("b", "dance_style").dtype.kind == "i"
    np.testing.assert_allclose(
        folder.load("b", "expmap_scaled_20"), np.load(source / "b.expmap_scaled_20.npy"), rtol=1e-6
    )
    np.testing.assert_allclose(
        folder.scaler("expmap_scaled_20").mean, FeatureFolder(source).scaler("expmap_scaled_20").mean, atol=1e-7
    )
    assert files(source) == before
    assert run([*words, "--fps", "20"]) == 2
    assert "exists already" in capsys.readouterr().err
    np.save(source / "b.expmap_scaled_20.npy", np.full((30, 6), np.nan))
    with pytest.raises(DataError, match="holds NaN"):
        prepare_arrays(source, tmp_path / "other", fps=20)
    assert not (tmp_path / "other").exists()


def test_arrays_are_added_to_a_prepared_folder_and_stay_when_it_is_completed(tmp_path, capsys):
    found = importers.find_pairs(pairs(tmp_path / "src", ["a", "b"], seconds=2.0))
    settings = CorpusSettings(("rot6d",), ("bands",))
    prepare_corpus(found.sources, tmp_path / "data", settings)
    mine = tmp_path / "mine"
    mine.mkdir()
    for k, name in enumerate(("a", "b")):
        np.save(mine / f"{name}.mood.npy", np.full((60, 2), k) + np.arange(60)[:, None])
        np.save(mine / f"{name}.dancer.npy", np.array([k]))
    assert run(["prepare", "arrays", str(mine), "-o", str(tmp_path / "data")]) == 0
    assert "added dancer, mood" in capsys.readouterr().err
    with pytest.raises(OutputError, match="has a feature 'dancer' already"):
        add_arrays(mine, tmp_path / "data")
    for _ in range(2):
        folder = FeatureFolder(tmp_path / "data")
        assert list(folder.features) == ["rot6d", "bands", "dancer", "mood"]
        assert folder.load("b", "mood")[3].tolist() == [4, 4]
        assert folder.scaler("mood").maximum.tolist() == [60, 60]
        prepare_corpus(found.sources, tmp_path / "data", settings)
    dancer(2.0, seed=5).save(tmp_path / "src" / "c.bvh")
    np.save(mine / "a.mood.npy", np.zeros((59, 2)))
    with pytest.raises(DataError, match=r"a\.mood\.npy has 59 frames, but the sequence has 60"):
        add_arrays(mine, tmp_path / "data", force=True)


def test_a_feature_of_arrays_that_lacks_a_new_recording_is_told(tmp_path):
    source = pairs(tmp_path / "src", ["a"], seconds=2.0)
    prepare_corpus(importers.find_pairs(source).sources, tmp_path / "data", CorpusSettings(("rot6d",), ("bands",)))
    (tmp_path / "mine").mkdir()
    np.save(tmp_path / "mine" / "a.mood.npy", np.zeros((60, 2)))
    add_arrays(tmp_path / "mine", tmp_path / "data")
    pairs(source, ["a", "b"], seconds=2.0)
    done = prepare_corpus(
        importers.find_pairs(source).sources, tmp_path / "data", CorpusSettings(("rot6d",), ("bands",))
    )
    assert [p["name"] for p in done.problems] == ["mood"]
    assert "mood" not in FeatureFolder(tmp_path / "data").features


def test_several_folders_are_read_as_one(tmp_path):
    one, two = (
        plain(tmp_path / n, ("x", f"{n}1", f"{n}2"), (40, 30, 20), (f"{n}2",), seed)
        for seed, n in enumerate(("one", "two"))
    )
    for source in (one, two):
        prepare_arrays(source, tmp_path / f"{source.name}_ready", fps=20)
    for paths in ((one, two), (tmp_path / "one_ready", tmp_path / "two_ready")):
        both = open_folders(*paths)
        first, second = (FeatureFolder(p) for p in paths)
        assert both.split("train") == [f"{paths[0].name}/x", "one1", f"{paths[1].name}/x", "two1"]
        assert both.split("test") == ["one2", "two2"]
        np.testing.assert_array_equal(
            both.load(f"{paths[1].name}/x", "expmap_scaled_20"), second.load("x", "expmap_scaled_20")
        )
        np.testing.assert_array_equal(both.load("one1", "expmap_scaled_20"), first.load("one1", "expmap_scaled_20"))
        whole = Scaler.fit([both.load(n, "expmap_scaled_20") for n in both.split("train")])
        for name, values in vars(both.scaler("expmap_scaled_20")).items():
            np.testing.assert_allclose(values, getattr(whole, name), rtol=0.01, atol=0.01)
        streams = [Stream("expmap_scaled_20", 8, scaling="standard")]
        assert len(Windows.of(both, "train", streams, [])) == 2 * (33 + 23)
    assert open_folders(one).folder == one
    with pytest.raises(DataError, match="is given twice"):
        open_folders(one, one)


def test_statistics_are_joined_exactly():
    random = np.random.default_rng(0)
    arrays = [random.normal(k, 1 + k, size=(10 * (k + 1), 4)) for k in range(3)]
    for array in arrays:
        array[:, 3] = 7.0
    arrays[1][:, 3] = 9.0  # constant in each, not in all
    joined = Scaler.joined([Scaler.fit([a]) for a in arrays], [len(a) for a in arrays])
    whole = Scaler.fit(arrays)
    for name, values in vars(joined).items():
        np.testing.assert_allclose(values, getattr(whole, name), atol=1e-12)


def test_folders_that_do_not_fit_together_are_told(tmp_path):
    one = prepare_arrays(plain(tmp_path / "a"), tmp_path / "one", fps=20).folder
    other_rate = prepare_arrays(tmp_path / "a", tmp_path / "two", fps=30).folder
    with pytest.raises(DataError, match="one and .*two cannot be joined: 20 fps and 30 fps"):
        open_folders(one, other_rate)
    body = pairs(tmp_path / "src", ["a"], seconds=2.0)
    settings = CorpusSettings(("rot6d",), ("bands",), fps=20.0)
    prepare_corpus(importers.find_pairs(body).sources, tmp_path / "body", settings)
    with pytest.raises(DataError, match="share no feature: .*one: .*body: rot6d, bands"):
        open_folders(one, tmp_path / "body")
    prepare_corpus(importers.find_pairs(body).sources, tmp_path / "tall", settings)
    path = tmp_path / "tall" / "corpus.json"
    corpus = json.loads(path.read_text())
    corpus["skeleton"]["offsets_m"][3][1] += 0.1
    path.write_text(json.dumps(corpus))
    with pytest.raises(DataError, match="on different bodies; prepare both with --retarget"):
        open_folders(tmp_path / "body", tmp_path / "tall")


def test_labels_come_from_a_table_or_from_folders(tmp_path, capsys):
    source = tmp_path / "src"
    for style, names in (("waltz", ["a", "b"]), ("polka", ["c"])):
        pairs(source / style, names, seconds=2.0)
    words = ["prepare", "folder", str(source), "--music", "", "--workers", "1"]
    assert run([*words, "-o", str(tmp_path / "one"), "--labels", "folders"]) == 0
    told = FeatureFolder(tmp_path / "one").sequences
    assert {n: s["style"] for n, s in told.items()} == {"a": "waltz", "b": "waltz", "c": "polka"}
    table = tmp_path / "labels.csv"
    table.write_text(
        "file,style,split,dancer\na.bvh,ländler,test,Ada\nc,galopp,,\nghost,foxtrot,train,\n", encoding="utf-8"
    )
    assert run([*words, "-o", str(tmp_path / "two"), "--labels", str(table)]) == 0
    warnings = capsys.readouterr().err
    assert "b: has no label in" in warnings
    assert "ghost: labelled in" in warnings
    folder = FeatureFolder(tmp_path / "two")
    assert folder.styles == ["galopp", "ländler"]
    assert folder.split("test") == ["a"]
    assert folder.sequences["a"]["dancer"] == "Ada"
    windows = Windows.of(folder, "train", [Stream("style", kind="discrete", fix="single"), Stream("rot6d", 5)], [])
    with pytest.raises(DataError, match="b has no style"):
        windows[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line must name the columns"),
        ("a,waltz\n", "first line must name the columns"),
        ("sequence,style\na\n", "line 2: 1 cells, but the first line has 2"),
        ("sequence,style\na,waltz\na,polka\n", "line 3: a is there already"),
        ("sequence,style,split\na,waltz,first\n", "line 2: split first: accepted are train, val and test"),
        ("sequence,style,frames\na,waltz,9\n", "column frames: this name is farandole's own"),
        ("sequence,style\nghost,waltz\n", "no recording has a style in"),
    ],
)
def test_tables_of_labels_that_cannot_be_used_are_told(tmp_path, text, message):
    (tmp_path / "labels.csv").write_text(text)
    dancer(2.0).save(tmp_path / "src" / "a.bvh")
    with pytest.raises(DataError, match=message):
        importers.with_labels(importers.find_pairs(tmp_path / "src"), str(tmp_path / "labels.csv"), tmp_path / "src")
