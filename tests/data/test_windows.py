"""Windows are what their definition says, whatever the options."""

import pickle

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from farandole.data.feature_folder import FeatureFolder, FeatureFolderWriter, Scaler
from farandole.data.windows import BySequence, Stream, Windows, scale, unscale
from farandole.errors import DataError
from farandole.motion.humanoid import house_skeleton


def numbered(lengths, features):
    """Arrays [T, 2] whose rows tell sequence and frame; each feature may be longer by some frames."""
    arrays = {
        (f"s{n}", f): np.stack((np.full(T + more, n), np.arange(T + more)), axis=1).astype(np.float32)
        for n, T in enumerate(lengths)
        for f, more in features.items()
    }
    return [f"s{n}" for n in range(len(lengths))], lambda name, feature: arrays[name, feature]


lengths = st.integers(1, 5)
offsets = st.integers(-4, 5)
fixes = st.sampled_from(["end", "beginning"])


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.lists(st.tuples(lengths, offsets, fixes, st.integers(0, 3)), min_size=1, max_size=3),
    st.lists(st.tuples(lengths, offsets, fixes), min_size=0, max_size=2),
)
def test_any_options_give_the_frames_of_the_definition(sizes, ins, outs):
    surplus = {f"f{k}": ins[k % len(ins)][3] for k in range(3)}
    inputs = [Stream(f"f{k}", n, o, fix=fix) for k, (n, o, fix, _) in enumerate(ins)]
    outputs = [Stream(f"f{k}", n, o, fix=fix) for k, (n, o, fix) in enumerate(outs)]
    names, load = numbered(sizes, surplus)
    used = [(f"in_{s.feature}", s) for s in inputs] + [(f"out_{s.feature}", s) for s in outputs]
    expected = []
    for name in names:
        shortest = min(len(load(name, s.feature)) for _, s in used)
        for start in range(shortest):
            rows = {}
            for key, s in used:
                array = load(name, s.feature)
                array = array[:shortest] if s.fix == "end" else array[len(array) - shortest :]
                wanted = range(start + s.offset, start + s.offset + s.length)
                rows[key] = [array[t] for t in wanted if 0 <= t < shortest]
            if all(len(rows[key]) == s.length for key, s in used):
                expected.append(rows)
    if not expected:
        with pytest.raises(DataError, match="none of"):
            Windows(names, load, inputs, outputs, fix_lengths=True)
        return
    windows = Windows(names, load, inputs, outputs, fix_lengths=True)
    assert len(windows) == len(expected)
    for item, rows in zip((windows[k] for k in range(len(windows))), expected, strict=True):
        assert item.keys() == rows.keys()
        for key in rows:
            np.testing.assert_array_equal(item[key], rows[key])


kinds = st.sampled_from(["none", "standard", "minmax", "labels", "single", "single label"])


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.lists(st.tuples(kinds, lengths, offsets), min_size=1, max_size=4),
    st.integers(0, 3),
)
def test_any_kinds_and_scalings_give_the_values_of_the_definition(sizes, drawn, cut):
    """Streams under names of their own, of which the first `cut` are inputs and the others outputs."""
    names = [f"s{n}" for n in range(len(sizes))]
    values = {
        (name, k): np.stack((3.0 * n + np.arange(T), np.full(T, 7.0)), axis=1)
        for n, (name, T) in enumerate(zip(names, sizes, strict=True))
        for k in range(len(drawn))
    }
    whole = np.concatenate([values[name, 0] for name in names])
    scaler = Scaler.fit([whole])

    def load(name, feature):
        kind, array = drawn[int(feature)][0], values[name, int(feature)]
        return {
            "labels": array[:, 0].astype(np.int32),
            "single": array[0],
            "single label": np.array(int(array[0, 0])),
        }.get(kind, array)

    streams = [
        Stream(
            str(k), length, offset, kind="discrete" if "label" in kind else "continuous",
            fix="single" if "single" in kind else "end", scaling=kind if kind in ("standard", "minmax") else "none",
            name=f"x{k}",
        )
        for k, (kind, length, offset) in enumerate(drawn)
    ]  # fmt: skip
    expected = []
    for n, size in enumerate(sizes):
        for start in range(size):
            item = {}
            for k, (kind, length, offset) in enumerate(drawn):
                t = np.arange(start + offset, start + offset + length)
                if "single" not in kind and (t[0] < 0 or t[-1] >= size):
                    break
                rows = np.stack((3.0 * n + t, np.full(length, 7.0)), axis=1)
                if kind == "standard":
                    rows = (rows - whole.mean(axis=0)) / [whole[:, 0].std() or 1.0, 1.0]
                if kind == "minmax":
                    low, high = whole[:, 0].min(), whole[:, 0].max()
                    rows = (rows - [low, 7.0]) / [high - low or 1.0, 1.0]
                single = {"single": [[3.0 * n, 7.0]], "single label": [3 * n], "labels": rows[:, 0]}
                item[f"{'in' if k < cut else 'out'}_x{k}"] = np.asarray(single.get(kind, rows))
            else:
                expected.append(item)
    if not any("single" not in kind for kind, *_ in drawn):
        with pytest.raises(DataError, match="at least one must have frames"):
            Windows(names, load, streams[:cut], streams[cut:])
        return
    scalers = {str(k): scaler for k in range(len(drawn))}
    if not expected:
        with pytest.raises(DataError, match="none of"):
            Windows(names, load, streams[:cut], streams[cut:], scalers=scalers)
        return
    windows = Windows(names, load, streams[:cut], streams[cut:], scalers=scalers)
    assert len(windows) == len(expected)
    for index, item in enumerate(expected):
        given_item = windows[index]
        assert given_item.keys() == item.keys()
        for key, wanted in item.items():
            kind = drawn[int(key[-1])][0]
            assert given_item[key].dtype == (np.int64 if "label" in kind else np.float32)
            np.testing.assert_allclose(given_item[key], wanted, atol=1e-5)


@given(st.integers(100, 400))
def test_the_published_windows(frames):
    names, load = numbered([frames], {"motion": 0, "audio": 0})
    inputs, outputs = [Stream("motion", 120), Stream("audio", 140)], [Stream("motion", 3, 120)]
    assume(frames >= 140)
    windows = Windows(names, load, inputs, outputs)
    assert len(windows) == frames - 139
    last = windows[len(windows) - 1]
    assert last["in_audio"][-1, 1] == frames - 1
    assert last["out_motion"][0, 1] == last["in_motion"][-1, 1] + 1


def test_labels_are_one_per_sequence():
    names, load = numbered([6, 8], {"x": 0, "label": 0})
    streams = [Stream("x", 3), Stream("label", kind="discrete", fix="single", tokens=2)]
    windows = Windows(names, load, streams, [])
    item = windows[len(windows) - 1]
    assert item["in_label"].dtype == np.int64
    assert item["in_label"].tolist() == [1]
    strict = Windows(names, load, [Stream("x", 3), Stream("label", kind="discrete", fix="single", tokens=1)], [])
    with pytest.raises(DataError, match="holds label 1, but there are 1"):
        strict[len(strict) - 1]


def test_bad_streams_are_refused():
    names, load = numbered([6], {"x": 0, "y": 1})
    with pytest.raises(DataError, match=r"differ in length \(x 6, y 7 frames\)"):
        Windows(names, load, [Stream("x", 2), Stream("y", 2)], [])
    with pytest.raises(DataError, match="a window of 0 frames"):
        Stream("x", 0)
    with pytest.raises(DataError, match="'beg' is not one of end, beginning, single"):
        Stream("x", 1, fix="beg")
    with pytest.raises(DataError, match="in_x occurs twice"):
        Windows(names, load, [Stream("x", 2), Stream("x", 3)], [])
    with pytest.raises(DataError, match="has no scaler"):
        Windows(names, load, [Stream("x", 2, scaling="standard")], [])
    with pytest.raises(IndexError):
        Windows(names, load, [Stream("x", 2)], [])[5]


def test_scaling_is_undone():
    rng = np.random.default_rng(0)
    x = np.concatenate((rng.normal(3, 2, (50, 2)), np.full((50, 1), 7.0)), axis=1)
    scaler = Scaler.fit([x])
    for how, low, high in (("standard", -5, 5), ("minmax", 0, 1)):
        scaled = scale(x, scaler, how)
        assert scaled.min() >= low
        assert scaled.max() <= high
        np.testing.assert_allclose(unscale(scaled, scaler, how), x)


def folder_of(tmp_path, frames=(50, 30, 9)):
    writer = FeatureFolderWriter(
        tmp_path / "d", fps=30.0, skeleton=house_skeleton(), features={"a": ["x", "y"], "b": ["z"]}, licence="free"
    )
    with writer:
        for n, count in enumerate(frames):
            t = np.arange(count)
            arrays = {"a": np.stack((t, n + 0 * t), axis=1), "b": 100.0 + t[:, None]}
            writer.add(f"s{n}", arrays, split="train", style=("waltz", "chacha")[n % 2])
    return FeatureFolder(tmp_path / "d")


def test_a_feature_folder_is_mapped_not_read(tmp_path):
    folder = folder_of(tmp_path)
    streams = [Stream("a", 10), Stream("b", 12, -1), Stream("style", kind="discrete", fix="single", tokens=2)]
    windows = Windows.of(folder, "train", streams, [Stream("a", 1, 10)])
    assert windows.too_short == ["s2"]
    assert len(windows) == (50 - 11) + (30 - 11)
    item = windows[39]
    assert item["in_style"].tolist() == [0]  # chacha
    assert item["in_a"][0].tolist() == [1.0, 1.0]
    assert item["in_b"][0].tolist() == [100.0]
    assert isinstance(windows._array(0, "a"), np.memmap)
    again = pickle.loads(pickle.dumps(windows))  # as worker processes get it
    np.testing.assert_array_equal(again[7]["in_a"], windows[7]["in_a"])
    assert len(Windows.of(folder, "train", streams, [], sequences=2, seed=3).names) == 2


def test_sequences_are_drawn_by_weight(tmp_path):
    folder = folder_of(tmp_path)
    windows = Windows.of(folder, "train", [Stream("a", 10)], [])
    sampler = BySequence(windows, {"s0": 1.0, "s1": 3.0, "s2": 9.0}, count=4000, seed=1)
    drawn = np.array([windows.locate(k) for _, k in sampler])
    assert abs((drawn[:, 0] == 1).mean() - 0.75) < 0.03
    assert set(drawn[drawn[:, 0] == 1, 1]) == set(range(21))  # every start frame
    first, second = list(BySequence(windows, seed=5)), list(BySequence(windows, seed=5))
    assert first == second
    assert list(sampler) != list(sampler)  # epochs differ
    with pytest.raises(DataError, match="must be positive"):
        BySequence(windows, {"s2": 1.0})  # it has no window
