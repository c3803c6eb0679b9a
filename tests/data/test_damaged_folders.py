"""Every damage of a feature folder is one line that names the file, never a crash."""

import json
import shutil

import numpy as np
import pytest
from recordings import pairs

from farandole.cli.app import main
from farandole.data import importers
from farandole.data.corpus import CorpusSettings, prepare_corpus
from farandole.data.feature_folder import FeatureFolder
from farandole.data.report import describe
from farandole.errors import DataError

VALUES = (None, True, "text", -1, 0, 1.5, float("nan"), [], ["x"], {}, {"x": {}}, [[1]])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder with two motion features and one of music."""
    root = tmp_path_factory.mktemp("whole")
    settings = CorpusSettings(("rot6d", "expmap_cr"), ("bands",), fps=15.0)
    prepare_corpus(importers.find_pairs(pairs(root / "src", ["a", "b"], seconds=2.0)).sources, root / "data", settings)
    return root / "data"


@pytest.fixture
def folder(whole, tmp_path):
    """A copy of it that may be damaged."""
    return shutil.copytree(whole, tmp_path / "data")


def use(folder):
    """All that a training reads."""
    corpus = FeatureFolder(folder)
    for feature in corpus.features:
        corpus.scaler(feature)
        if feature in corpus.codecs:
            corpus.codec(feature)
        for split in ("train", "val", "test"):
            for name in corpus.split(split):
                corpus.load(name, feature)
    assert corpus.fps > 0
    assert corpus.skeleton
    assert isinstance(corpus.styles, list)
    describe(corpus)


def refusal(folder):
    """What is said of a folder that cannot be used."""
    try:
        use(folder)
    except DataError as error:
        return str(error)
    return None


def paths_within(value, limit=3):
    """Keys of a nested value, each as a tuple; of lists the first entries only."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, inner in items:
        yield (key,)
        yield from ((key, *rest) for rest in paths_within(inner, limit - 1) if limit > 1)


def changed(value, path, new):
    """A copy with one value replaced; without it where `new` is Ellipsis."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if new is Ellipsis:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return copy


def test_whatever_stands_in_corpus_json_the_folder_works_or_says_in_one_line_why_not(folder):
    path = folder / "corpus.json"
    corpus = json.loads(path.read_text())
    assert use(folder) is None
    refused = 0
    for keys in paths_within(corpus):
        for value in (..., *VALUES):
            path.write_text(json.dumps(changed(corpus, keys, value)))
            message = refusal(folder)
            assert message is None or (str(folder) in message and "\n" not in message and len(message) < 700), keys
            refused += message is not None
    assert refused > 500


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (("fps",), ..., r"corpus\.json: fps: field required$"),
        (("fps",), "30", r"corpus\.json: fps: input should be a valid number, got '30'"),
        (("fps",), float("nan"), r"corpus\.json: fps: input should be .*, got nan"),
        (("features",), ["rot6d"], r"corpus\.json: features: input should be .*dict.*, got \['rot6d'\]"),
        (("sequences", "a", "frames"), ..., r"corpus\.json: sequences\.a\.frames: field required"),
        (("skeleton", "parents", 3), 99, r"corpus\.json: skeleton: "),
        (("codecs", "rot6d", "version"), 0, r"corpus\.json: codecs\.rot6d: .*version 0"),
        (("codecs", "expmap_cr", "settings"), {}, r"corpus\.json: codecs\.expmap_cr: settings are damaged"),
    ],
)
def test_wrong_values_are_told_with_file_and_key(folder, key, value, message):
    path = folder / "corpus.json"
    path.write_text(json.dumps(changed(json.loads(path.read_text()), key, value)))
    with pytest.raises(DataError, match=message):
        use(folder)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe\x00", b"[]", b"null", b"[" * 100_000, b'{"schema": 1}'])
def test_files_that_are_no_corpus_json_are_told(folder, text):
    (folder / "corpus.json").write_bytes(text)
    with pytest.raises(DataError, match=r"corpus\.json"):
        use(folder)


@pytest.mark.parametrize("name", ["a.rot6d.npy", "rot6d_scaler.json"])
def test_files_cut_anywhere_are_told(folder, name):
    whole = (folder / name).read_bytes()
    for end in (0, 5, 50, 127, 128, 200, len(whole) // 2, len(whole) - 1):
        (folder / name).write_bytes(whole[:end])
        with pytest.raises(DataError, match=name):
            use(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is missing"):
        use(folder)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((30, 3)),
        np.zeros((0, 9)),
        np.zeros((2, 3, 4)),
        np.array(1.0),
        np.array(["x"]),
        np.zeros((9, 9), complex),
    ],
    ids=str,
)
def test_arrays_of_another_shape_or_type_are_told(folder, array):
    np.save(folder / "a.rot6d.npy", array)
    with pytest.raises(DataError, match=r"a\.rot6d\.npy"):
        use(folder)


def test_arrays_with_objects_or_in_archives_are_told(folder):
    np.save(folder / "a.rot6d.npy", np.array([{"x": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"a\.rot6d\.npy is damaged"):
        use(folder)
    with (folder / "a.rot6d.npy").open("wb") as file:
        np.savez(file, x=np.zeros(3))
    with pytest.raises(DataError, match=r"a\.rot6d\.npy holds an archive"):
        use(folder)


@pytest.mark.parametrize("value", [*VALUES, [0.0] * 7, ..., [float("nan")], ["x"]], ids=str)
@pytest.mark.parametrize("key", ["mean", "std", "minimum", "maximum"])
def test_broken_scalers_are_told_with_file_and_key(folder, key, value):
    path = folder / "bands_scaler.json"
    path.write_text(json.dumps(changed(json.loads(path.read_text()), (key,), value)))
    with pytest.raises(DataError, match=rf"bands_scaler\.json: {key}: needed is|bands_scaler\.json: {key}: holds"):
        use(folder)


def test_split_lists_that_are_no_text_are_told(folder):
    (folder / "splits" / "train.txt").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(DataError, match=r"cannot read .*train\.txt"):
        use(folder)


def test_the_command_says_it_in_one_line_and_exits_with_2(folder, capsys):
    path = folder / "corpus.json"
    path.write_text(json.dumps(changed(json.loads(path.read_text()), ("fps",), ...)))
    with pytest.raises(SystemExit) as exit_:
        main(["info", str(folder)])
    assert exit_.value.code == 2
    assert capsys.readouterr().err == f"error: {path}: fps: field required\n"
