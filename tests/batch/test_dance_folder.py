"""`dance FOLDER`: every song's dance as `dance SONG` makes it, whatever happens to the others and to the run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from short_songs import write_song

import farandole
from farandole.batch import dance_folder as module
from farandole.batch.dance_folder import dance_folder
from farandole.batch.dance_song import DanceSettings
from farandole.cli.app import run
from farandole.errors import OutputError
from farandole.parallel.records import alone

GOOD = ["more/song 0.flac", *(f"song {n}.wav" for n in range(5))]
BAD = ["cut.flac", "empty.mp3", "noise.ogg"]
NPZ = DanceSettings(("npz",))
COMMAND = [sys.executable, "-m", "farandole"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(farandole.__file__).parents[1]), "OMP_NUM_THREADS": "1"}


def test_bad_songs_are_told_and_the_others_danced_to(music, tmp_path, capfd, content):
    out = tmp_path / "out"
    assert run(["dance", str(music), "-o", str(out), "--workers", "2", "--json", "-q", "--seed", "3"]) == 2
    told = json.loads(capfd.readouterr().out)
    assert (told["made"], told["kept"], told["failed"]) == (6, 0, 3)
    assert told["worker_peak_mb"] is None or 20 < told["worker_peak_mb"] < 5000
    assert [s["name"] for s in told["songs"] if s["outcome"] == "made"] == GOOD
    problems = {s["name"]: s["problem"] for s in told["songs"] if s["outcome"] == "failed"}
    assert list(problems) == BAD
    assert "cut.flac" not in problems["cut.flac"]
    assert "truncated or damaged" in problems["cut.flac"]
    made = content(out)
    assert set(made) == {f"{Path(n).with_suffix('')}.{kind}" for n in GOOD for kind in ("bvh", "html")} | {
        "dances.json"
    }
    assert run(["dance", str(music / "song 2.wav"), "-o", str(tmp_path / "one"), "-q", "--seed", "3"]) == 0
    assert {n: made[n] for n in content(tmp_path / "one")} == content(tmp_path / "one")

    capfd.readouterr()
    assert run(["dance", str(music), "-o", str(out), "--workers", "2", "--seed", "3"]) == 2
    printed = capfd.readouterr()
    lines = printed.out.splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == ["song", *sorted(GOOD + BAD)]
    assert [line.split()[-1] for line in lines[1:]] == ["kept" if n in GOOD else "failed" for n in sorted(GOOD + BAD)]
    assert "0 songs danced to, 6 there already, 3 problems" in printed.err
    assert content(out) == made


def test_without_bad_songs_the_exit_code_is_0_and_a_changed_song_is_danced_to_again(tmp_path, capfd, content):
    write_song(tmp_path / "music" / "a.wav", 100)
    write_song(tmp_path / "music" / "a.flac", 120)
    words = [
        "dance",
        str(tmp_path / "music"),
        "-o",
        str(tmp_path / "out"),
        "--formats",
        "npz",
        "--workers",
        "1",
        "--json",
    ]
    assert run(words) == 0
    first = content(tmp_path / "out")
    assert set(first) == {"a.wav.npz", "a.flac.npz", "dances.json"}
    write_song(tmp_path / "music" / "a.wav", 130)
    write_song(tmp_path / "music" / "b.wav", 110)
    capfd.readouterr()
    assert run(words) == 0
    told = json.loads(capfd.readouterr().out)
    assert [s["outcome"] for s in told["songs"]] == ["kept", "made", "made"]
    assert content(tmp_path / "out")["a.flac.npz"] == first["a.flac.npz"]
    assert content(tmp_path / "out")["a.wav.npz"] != first["a.wav.npz"]


def until(condition, seconds=60.0):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture(scope="module")
def undisturbed(music, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    assert run(["dance", str(music), "-o", str(out), "--workers", "1", "-q"]) == 2
    return out


@pytest.mark.skipif(os.name != "posix", reason="kills processes")
@pytest.mark.parametrize(
    ("blow", "workers"), [(signal.SIGKILL, 2), (signal.SIGINT, 2), (signal.SIGKILL, 1), (signal.SIGTERM, 2)]
)
def test_stopped_at_a_third_and_resumed_it_makes_the_same(music, undisturbed, tmp_path, content, capfd, blow, workers):
    out = tmp_path / "out"
    words = ["dance", str(music), "-o", str(out), "--workers", str(workers), "-q"]
    stopped = subprocess.Popen(
        [*COMMAND, *words],
        env=ENVIRONMENT,
        start_new_session=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # where the tests themselves run in the background, children begin with SIGINT ignored, as at no terminal
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until(lambda: len(list(out.glob(".dance/[!.]*.record"))) >= 2)
    if blow == signal.SIGINT:
        os.killpg(stopped.pid, blow)  # as a terminal does it
    else:
        stopped.send_signal(blow)
    _, told = stopped.communicate(timeout=60)
    assert stopped.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}[blow]
    assert told == {signal.SIGINT: b"interrupted\n"}.get(blow, b"")
    assert not (out / "dances.json").exists()
    if blow != signal.SIGKILL:
        assert not [name for name in content(out) if ".part" in name]
    capfd.readouterr()
    assert run([*words, "--json"]) == 2
    assert 2 <= json.loads(capfd.readouterr().out)["kept"] < len(GOOD)
    assert content(out) == content(undisturbed)


class Killed(BaseException):
    pass


def test_it_can_end_between_any_two_files(tmp_path, monkeypatch, content):
    for number in range(2):
        write_song(tmp_path / "music" / f"{number}.wav", 100 + number, seconds=1.5)
    dance_folder(tmp_path / "music", tmp_path / "whole", NPZ, workers=1)
    replace = os.replace
    for moment in range(100):
        left, out = moment, tmp_path / f"out{moment}"

        def dying(old, new):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            replace(old, new)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", dying)
            try:
                dance_folder(tmp_path / "music", out, NPZ, workers=1)
                break
            except Killed:
                pass
        dance_folder(tmp_path / "music", out, NPZ, workers=1)
        assert content(out) == content(tmp_path / "whole"), moment
    assert moment >= 7  # key, plan, and for each song its dance and its record; the summary


def test_what_is_not_ours_is_left_alone(music, tmp_path, farandole_refused, content):
    out = tmp_path / "out"
    out.mkdir()
    (out / "song 1.bvh").write_text("mine")
    assert "song 1.bvh exists already" in farandole_refused("dance", music, "-o", out)
    assert content(out) == {"song 1.bvh": b"mine"}
    (out / "song 1.bvh").unlink()
    (out / "dances.json").write_text("[]")
    assert "none that this version wrote" in farandole_refused("dance", music, "-o", out)
    assert content(out) == {"dances.json": b"[]"}


def test_other_settings_need_another_folder(tmp_path, farandole_refused, content):
    write_song(tmp_path / "music" / "a.wav", 100)
    words = ("dance", tmp_path / "music", "-o", tmp_path / "out", "--formats", "npz")
    assert run([*map(str, words), "-q"]) == 0
    before = content(tmp_path / "out")
    assert "danced with other settings" in farandole_refused(*words, "--seed", "1")
    assert content(tmp_path / "out") == before
    assert run([*map(str, words), "-q", "--seed", "1", "--force"]) == 0
    assert content(tmp_path / "out")["a.npz"] != before["a.npz"]


def test_settings_that_fit_no_song_are_told_once_and_before_anything_is_written(music, tmp_path, farandole_refused):
    for words, says in (
        (("--style", "polka"), "no style 'polka'"),
        (("--model", "none"), "no model 'none'"),
        (("--model", "inbetween"), "listens to music"),
        (("--engine", "steam"), "no engine 'steam'"),
        (("--start", tmp_path / "none.bvh"), "none.bvh"),
        (("--character", tmp_path / "none.glb"), "none.glb"),
        (("--cluster", "nowhere"), "cluster address 'nowhere'"),
    ):
        assert says in farandole_refused("dance", music, "-o", tmp_path / "out", *words, "--workers", 1)
    assert list(tmp_path.iterdir()) == []


def test_one_line_for_what_is_typed_wrong(music, tmp_path, farandole_refused):
    (tmp_path / "none").mkdir()
    assert "is a folder of songs: needed is a folder for the dances" in farandole_refused("dance", music)
    assert "needed is a folder for the dances" in farandole_refused("dance", music, "-o", tmp_path / "x.bvh")
    assert "holds no songs" in farandole_refused("dance", tmp_path / "none", "-o", tmp_path / "out")
    assert "are for a folder of songs" in farandole_refused("dance", music / "song 1.wav", "--workers", 2)
    (tmp_path / "file").write_text("")
    assert "file is a file" in farandole_refused("dance", music, "-o", tmp_path / "file")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "none"]


def test_two_at_once_in_one_folder(music, tmp_path):
    with (
        alone(tmp_path / "out" / ".dance.lock", "out"),
        pytest.raises(OutputError, match="another farandole is at work"),
    ):
        dance_folder(music, tmp_path / "out", NPZ, workers=1)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_bug_is_told_as_one_and_does_not_stop_the_rest(music, tmp_path, monkeypatch, capfd):
    dance_song = module.dance_song

    def odd(task):
        if task.song.name == "song 1.wav":
            raise ZeroDivisionError("by zero")
        return dance_song(task)

    monkeypatch.setattr(module, "dance_song", odd)
    assert run(["dance", str(music), "-o", str(tmp_path), "--formats", "npz", "--workers", "1", "-q"]) == 1
    printed = capfd.readouterr()
    assert "warning: song 1.wav: ZeroDivisionError: by zero" in printed.err
    assert printed.out.count("made") == 5


def test_characters_and_takes_go_along(tmp_path, music):
    shutil.copytree(music / "more", tmp_path / "music")
    settings = DanceSettings(("bvh", "html"), takes=2, options={"seconds": 2.0})
    (result,) = dance_folder(tmp_path / "music", tmp_path / "out", settings, workers=1)
    assert sorted(result.record["outputs"]) == ["song 0-1.bvh", "song 0-2.bvh", "song 0.html"]
    assert [take["seconds"] for take in result.record["takes"]] == [pytest.approx(2.0, abs=0.1)] * 2
    on_it = DanceSettings(("bvh",), character=tmp_path / "out" / "song 0-1.bvh", options={"seconds": 2.0})
    (result,) = dance_folder(tmp_path / "music", tmp_path / "again", on_it, workers=1)
    assert not result.problem
    assert list(result.record["outputs"]) == ["song 0.bvh"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_machines_of_a_cluster_make_the_same(music, undisturbed, tmp_path, content, monkeypatch, capfd):
    pytest.importorskip("ray", reason="--cluster needs the [cluster] extra")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_AUTH_TOKEN", "for this test")
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    store = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**store, "include_dashboard": False})
    try:
        cluster.add_node(**store)
        cluster.wait_for_nodes()
        capfd.readouterr()
        words = ["dance", str(music), "-o", str(tmp_path / "out"), "-q", "--json", "--cluster", cluster.address]
        assert run(words) == 2
    finally:
        cluster.shutdown()
    told = json.loads(capfd.readouterr().out)["songs"]
    assert [song["name"] for song in told if song["outcome"] == "failed"] == BAD
    assert content(tmp_path / "out") == content(undisturbed)
