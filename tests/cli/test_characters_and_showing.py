"""Maps, views and videos of characters, loops and parts in bars, by command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import av
import numpy as np
import pytest

from farandole.motion.characters import load_character
from farandole.motion.files import load_motion, save_motion

from ..motion.characters.dancer import dance
from ..motion.characters.rigs import HOUSE, Rig, build


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    path = tmp_path / "me.glb"
    path.write_bytes(build(Rig(rename="mixamorig:{}".format))[0])
    return path


@pytest.fixture
def motion(tmp_path: Path) -> Path:
    return save_motion(dance(150), tmp_path / "dance.npz")


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Two minutes' worth of a bar every 2 s: clicks, the first of four louder and lower, 24 s."""
    import soundfile

    rate = 22050
    t = np.arange(24 * rate) / rate
    since, beat = (t % 0.5), (t // 0.5).astype(int)
    strong = beat % 4 == 0
    sound = np.where(strong, 0.9, 0.35) * np.sin(2 * np.pi * np.where(strong, 110, 880) * since) * np.exp(-since * 25)
    soundfile.write(tmp_path / "song.wav", sound, rate)
    return tmp_path / "song.wav"


def test_a_map_is_written_corrected_and_used(farandole, rig: Path, tmp_path: Path) -> None:
    result = farandole("info", rig, "--map")
    assert result.code == 0
    assert 'LeftArm: "mixamorig:LeftArm"' in result.out
    assert farandole("info", rig, "--map", "-o", tmp_path / "me.yaml").code == 0
    assert (tmp_path / "me.yaml").read_text().rstrip("\n") == result.out.rstrip("\n")
    corrected = re.sub(r"(?m)^Head: .*$", "Head:", (tmp_path / "me.yaml").read_text())
    (tmp_path / "me.yaml").write_text(corrected.replace("Head:", 'Head: "mixamorig:Head"'))
    assert load_character(rig, mapping=tmp_path / "me.yaml").roles == load_character(rig).roles
    assert "exists already" in farandole("info", rig, "--map", "-o", tmp_path / "me.yaml").refused()
    told = json.loads(farandole("info", rig, "--map", "--json").out)
    assert told["map"]["Hips"] == "mixamorig:Hips"


def test_a_rig_that_is_not_recognised_gets_a_map_to_fill_in(farandole, motion: Path, tmp_path: Path) -> None:
    """Joints that are numbers, a tail, one wing, and an arm that hangs low."""
    label = {name: f"bone {k}" for k, name in enumerate(HOUSE.names)}
    away = {"tail": ("Hips", (0.0, -0.3, -0.3), True), "wing": ("Spine1", (0.3, 0.3, -0.1), True)}
    away |= {f"{n}2": (n, (0.3, 0.1, -0.2), True) for n in ("tail", "wing")}
    odd = Rig(rename=lambda n: label.get(n, n), extra=away, hang={"RightArm": "Spine"})
    (tmp_path / "odd.glb").write_bytes(build(odd)[0])
    refused = farandole("convert", motion, tmp_path / "out.glb", "--character", tmp_path / "odd.glb").refused()
    assert "info --map" in refused
    result = farandole("info", tmp_path / "odd.glb", "--map", "-o", tmp_path / "odd.yaml")
    assert result.code == 0
    assert "LeftForeArm" in result.err
    text = (tmp_path / "odd.yaml").read_text()
    assert "LeftArm:  # needed" in text
    assert '"wing2"' in text
    filled = re.sub(
        r"(?m)^(\w+):.*$", lambda line: f"{line[1]}: {label[line[1]]}" if line[1] in label else line[0], text
    )
    (tmp_path / "odd.yaml").write_text(filled)
    options = ("--character", tmp_path / "odd.glb", "--map", tmp_path / "odd.yaml")
    assert farandole("convert", motion, tmp_path / "out.glb", *options).code == 0


def page_data(path: Path) -> dict:
    found = re.search(r'id="farandole-data">(.*?)</script>', path.read_text(encoding="utf-8"), re.S)
    assert found
    return json.loads(found[1])


def test_views_of_a_rig_and_of_a_dance_on_it(farandole, rig: Path, motion: Path, tmp_path: Path) -> None:
    farandole("view", rig, "-o", tmp_path / "rig.html")
    data = page_data(tmp_path / "rig.html")
    assert data["takes"][0]["character"] == {"file": 0, "animation": -1}
    assert data["characters"][0]["roles"]["Hips"][1] == "mixamorig:Hips"
    farandole("convert", motion, tmp_path / "danced.glb", "--character", rig)
    for out, words in (("own.html", [tmp_path / "danced.glb"]), ("put.html", [motion, "--character", rig])):
        assert farandole("view", *words, "-o", tmp_path / out).code == 0
        assert page_data(tmp_path / out)["takes"][0]["character"] == {"file": 0, "animation": 0}


def test_parts_in_bars_loops_and_markers(farandole, motion: Path, song: Path, tmp_path: Path) -> None:
    from farandole.music import load_song

    bars = load_song(song).beats
    starts = bars.times[np.flatnonzero(bars.downbeats)]
    out, text = tmp_path / "part.glb", tmp_path / "part.beats.txt"
    words = ("--song", song, "--begin", "bar1", "--end", "bar2", "--markers", text, "--animation-name", "Bar one")
    result = farandole("convert", motion, out, *words, "--loop", "--in-place")
    assert result.code == 0, result.err
    made = load_motion(out)
    assert made.name == "Bar one"
    assert len(made) == pytest.approx((starts[1] - max(starts[0], 0)) * 30, abs=1)
    assert np.ptp(made.positions[:, 0, 0]) < 1e-4
    lines = text.read_text().splitlines()
    assert len(lines) == bars.beats_per_bar
    assert lines[0].split("\t")[1] == "1"
    assert '"bars":[0.0]' in out.read_bytes().decode("latin1").replace(" ", "")
    assert "add --song" in farandole("convert", motion, tmp_path / "x.glb", "--begin", "bar2").refused()
    assert "give seconds" in farandole("convert", motion, tmp_path / "x.glb", "--begin", "soon").refused()
    assert (
        "has bars 1 to" in farandole("convert", motion, tmp_path / "x.glb", "--song", song, "--end", "bar99").refused()
    )


def test_videos(farandole, rig: Path, motion: Path, song: Path, tmp_path: Path) -> None:
    words = ("--song", song, "--size", "64x96", "--fps", "24", "--begin", "1", "--end", "2.5", "--character", rig)
    result = farandole("render", motion, "-o", tmp_path / "reel.mp4", *words, "--cuts", "--camera", "follow", "-q")
    assert result.code == 0, result.err
    with av.open(str(tmp_path / "reel.mp4")) as container:
        assert container.streams.video[0].frames == 36
        assert (container.streams.video[0].width, container.streams.video[0].height) == (64, 96)
        assert len(container.streams.audio) == 1
    assert (
        "cannot be transparent"
        in farandole("render", motion, "-o", tmp_path / "no.mp4", "--background", "transparent").refused()
    )
    assert "no colour" in farandole("render", motion, "-o", tmp_path / "no.mp4", "--colour", "reddish").refused()
    assert "give the song" in farandole("render", motion, "-o", tmp_path / "no.mp4", "--cuts").refused()
    assert not (tmp_path / "no.mp4").exists()
