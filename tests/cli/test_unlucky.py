"""Odd names, odd outputs, odd surroundings: the work is done, or refused in one line that names the user's file."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

import farandole as package
from farandole.data.starter.songs import compose
from farandole.motion.files import load_motion

POSIX = pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes, as on Linux")
ODD = os.fsdecode(b"caf\xe9\xff")
"""A file name that is no UTF-8."""
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "FARANDOLE"))} | {
    "PYTHONPATH": str(Path(package.__file__).parents[1])
}


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of house."""
    path = tmp_path_factory.mktemp("songs") / "song.wav"
    made = compose(120, 2.0, genre="house", seed=1)
    soundfile.write(path, made.samples, made.sample_rate)
    return path


@pytest.fixture(scope="module")
def whole(song: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `farandole dance song.wav` makes."""
    folder = tmp_path_factory.mktemp("whole")
    done = started("dance", song, "-o", folder, "-q")
    assert done.wait() == 0
    return content(folder)


def started(
    *words: object, env: dict[str, str] | None = None, flags: tuple[str, ...] = (), **options
) -> subprocess.Popen:
    """`farandole ...` as a process of its own."""
    environment = {k: v for k, v in (ENVIRONMENT | (env or {})).items() if v != ""}
    command = [sys.executable, *flags, "-m", "farandole", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(command, env=environment, **pipes)


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


ONE_AFTER_THE_OTHER = """
import json, sys
from farandole.cli.app import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as ending:
        print(end=f"\\0{ending.code}\\0", flush=True)
"""


@POSIX
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_names_that_are_no_utf_8(song: Path, tmp_path: Path, locale: str) -> None:
    (tmp_path / f"{ODD}.wav").write_bytes(song.read_bytes())
    calls = [
        ["dance", f"{ODD}.wav", "-q"],
        ["info", f"{ODD}.bvh"],
        ["view", f"{ODD}.bvh", "-o", f"{ODD}-2.html", "-q"],
        ["inbetween", f"{ODD}.bvh", "--every", "15", "--model", "hermite", "-o", f"{ODD}-3.bvh", "-q"],
        ["convert", f"{ODD}.bvh", f"{ODD}.glb", "-q"],
        ["dance", f"{ODD}.wav", "-o", "json", "--formats", "npz", "-q", "--json"],
        ["dance", ".", "-o", "many", "--workers", "1", "--formats", "npz", "-q"],
        ["prepare", "folder", ".", "-o", "data", "--music", "", "--workers", "1", "-q"],
        ["info", "data"],
    ]
    # PYTHONIOENCODING makes stdout strict, as it is in most people's locales
    environment = ENVIRONMENT | {"LC_ALL": locale, "PYTHONIOENCODING": "utf-8:strict"}
    command = [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(calls)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=240)
    printed = os.fsdecode(done.stdout).split("\0")
    out, codes = printed[:-1:2], printed[1::2]
    assert codes == ["0"] * len(calls), done.stderr
    assert out[0].splitlines() == [f"{ODD}.html", f"{ODD}.bvh"]
    page = (tmp_path / f"{ODD}.html").read_bytes().decode("utf-8")
    assert "<title>caf??</title>" in page
    assert out[1].startswith(f"{ODD}.bvh")
    assert [text.strip() for text in out[2:5]] == [f"{ODD}-2.html", f"{ODD}-3.bvh", f"{ODD}.glb"]
    told = json.loads(out[5])
    assert told["song"] == f"{ODD}.wav"
    assert load_motion(tmp_path / told["takes"][0]["files"]["npz"]).seconds == pytest.approx(2, abs=0.1)
    assert f"{ODD}.wav" in json.loads((tmp_path / "many" / "dances.json").read_text())["songs"]
    assert out[8]


@pytest.mark.parametrize(
    "name", ["new\nline", "-dash", " blank ", "ünïcödé", "dots.in.the.name", "quote's \"", "a" * 120]
)
def test_other_odd_names(farandole, song: Path, tmp_path: Path, name: str, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(f"{name}.wav").write_bytes(song.read_bytes())
    outcome = farandole("dance", "-q", "-o", "out", "--", f"{name}.wav")
    assert outcome.code == 0, outcome.err
    assert sorted(p.name for p in Path("out").iterdir()) == sorted([f"{name}.bvh", f"{name}.html"])


def test_the_name_is_the_users(farandole, song: Path, tmp_path: Path) -> None:
    assert farandole("dance", song, "-o", tmp_path / "out.BVH", "-q").out == f"{tmp_path / 'out.BVH'}\n"
    assert [p.name for p in tmp_path.iterdir()] == ["out.BVH"]
    two = tmp_path / "two"
    farandole("dance", song, "-o", two / "x.Html", "--formats", "npz", "-q")
    assert sorted(p.name for p in two.iterdir()) == ["x.Html", "x.npz"]
    refused = farandole("dance", song, "-o", tmp_path / "my.dance.v1").refused()
    assert "my.dance.v1: no format 'v1'" in refused
    assert refused.endswith("if it is to be a folder, make it first")
    (tmp_path / "my.dance.v1").mkdir()
    assert farandole("dance", song, "-o", tmp_path / "my.dance.v1", "-q").code == 0
    assert (tmp_path / "my.dance.v1" / "song.bvh").is_file()


@pytest.mark.parametrize("words", ["--debug info none.bvh", "info --debug none.bvh", "info none.bvh --debug"])
def test_debug_may_stand_anywhere(process, tmp_path: Path, words: str) -> None:
    assert "Traceback" in process(*words.split(), cwd=tmp_path).err
    assert "no such file" in process("info", "--", "--debug", cwd=tmp_path).refused()  # here it is a file


@pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
def test_a_full_disk_names_the_users_file(song: Path, tmp_path: Path) -> None:
    def small_files() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = started("dance", song, "-o", tmp_path / "big.html", "-q", preexec_fn=small_files)
    out, err = done.communicate(timeout=120)
    assert (done.returncode, out) == (2, b"")
    assert err.decode() == f"error: cannot write {tmp_path / 'big.html'}: File too large\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_composed_song_that_does_not_fit_is_told_in_one_line(
    farandole, tmp_path: Path, small_files: None, suffix: str
) -> None:
    out = tmp_path / f"song.{suffix}"
    told = farandole("compose", "--seconds", 12, "-o", out, "-q").refused()
    assert told == f"error: cannot write {out}: File too large"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_dance_into_a_pipe(song: Path, tmp_path: Path, whole: dict[str, bytes]) -> None:
    os.mkfifo(tmp_path / "pipe.bvh")
    done = started("dance", song, "-o", tmp_path / "pipe.bvh", "-q")
    assert (tmp_path / "pipe.bvh").read_bytes() == whole["song.bvh"]
    assert done.wait(60) == 0
    os.mkfifo(tmp_path / "pipe.html")
    done = started("dance", song, "-o", tmp_path / "pipe.html", "-q")
    with (tmp_path / "pipe.html").open("rb") as pipe:
        pipe.read(1)  # somebody looks and goes away
    _, err = done.communicate(timeout=60)
    assert done.returncode in (1, 141)
    assert err == b""


def test_a_name_that_is_too_long_is_the_users_to_mend(farandole, song: Path, tmp_path: Path) -> None:
    told = farandole("dance", song, "-o", tmp_path / f"{'x' * 300}.bvh").refused()
    assert re.search(r"x{300}\.bvh: File name too long$", told)


def test_five_seconds_of_a_long_song_make_a_small_page(farandole, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(scale=0.1, size=22050 * 110) * (np.arange(22050 * 110) % 11025 < 1500)
    soundfile.write(tmp_path / "set.mp3", noise, 22050, bitrate_mode="CONSTANT", compression_level=0.0)
    assert (tmp_path / "set.mp3").stat().st_size > 2_000_000
    assert farandole("dance", tmp_path / "set.mp3", "--seconds", 5, "-o", tmp_path / "out", "-q").code == 0
    size = (tmp_path / "out" / "set.html").stat().st_size
    assert size < 1_500_000  # the viewer's script is most of it


# Several at once: none hides what another would break, and each process takes a second to start.
SURROUNDINGS = {
    "LANG=C, no home, dumb terminal": {
        "LC_ALL": "C", "HOME": "", "XDG_CACHE_HOME": "/nonexistent", "USER": "", "LOGNAME": "", "TERM": "dumb",
    },
    "ASCII, home that is none, no colour, 40 columns": {
        "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "HOME": "/nonexistent", "NO_COLOR": "1", "COLUMNS": "40",
    },
    "decimal commas, no cache, other hashes": {
        "LC_ALL": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8", "XDG_CACHE_HOME": "/proc/none", "NUMBA_CACHE_DIR": "/proc/none",
        "PYTHONHASHSEED": "1234",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", [*SURROUNDINGS, "-OO, umask 077"])
def test_surroundings_change_nothing(song: Path, tmp_path: Path, whole: dict[str, bytes], name: str) -> None:
    flags = ("-OO",) if "-OO" in name else ()
    umask = {"umask": 0o077} if "umask" in name else {}
    done = started("dance", song, "-o", tmp_path / "out", env=SURROUNDINGS.get(name), flags=flags, **umask)
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert out.decode().splitlines() == [str(tmp_path / "out" / f"song.{kind}") for kind in ("html", "bvh")]
    assert content(tmp_path / "out") == whole
    if umask:
        assert {p.stat().st_mode & 0o777 for p in (tmp_path / "out").iterdir()} == {0o600}


@pytest.mark.skipif(os.name != "posix", reason="processors as Linux has them")
def test_one_processor_and_two_make_the_same_bytes(song: Path, tmp_path: Path, whole: dict[str, bytes]) -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("a process cannot be held to one processor here")
    one = min(os.sched_getaffinity(0))
    done = started("dance", song, "-o", tmp_path, "-q", preexec_fn=lambda: os.sched_setaffinity(0, {one}))
    assert done.wait(120) == 0
    assert content(tmp_path) == whole


def test_of_two_processes_on_one_output_one_wins(song: Path, tmp_path: Path, whole: dict[str, bytes]) -> None:
    both = [started("dance", song, "-o", tmp_path, "-q") for _ in range(2)]
    told = [process.communicate(timeout=120)[1].decode() for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 2], [0, 0])  # the second may begin after the first has ended, and be refused all the same
    assert codes == [0, 2], told
    assert "exists already" in max(told, key=len)
    assert content(tmp_path) == whole


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_blow_at_every_tenth_of_a_second(
    song: Path, tmp_path: Path, whole: dict[str, bytes], blow: signal.Signals
) -> None:
    begun = time.monotonic()
    assert started("dance", song, "-o", tmp_path / "timed", "-q").wait(300) == 0
    took = time.monotonic() - begun
    for tenth in range(1, round(12 * took)):
        out = tmp_path / f"out{tenth}"
        default = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
        process = started("dance", song, "-o", out, "-q", preexec_fn=default)
        time.sleep(tenth / 10)
        process.send_signal(blow)
        _, err = process.communicate(timeout=60)
        early = tenth <= 3  # Python itself is starting
        accepted = {signal.SIGINT: {130}, signal.SIGTERM: {143}, signal.SIGKILL: set()}[blow] | {0, -blow}
        assert process.returncode in accepted, (tenth, err)
        assert early or b"Traceback" not in err, (tenth, err)
        if blow != signal.SIGKILL and process.returncode != -blow:
            assert content(out) in ({}, whole)
        left = [p for p in out.iterdir() if ".part" not in p.name] if out.is_dir() else []
        assert {p.name: p.read_bytes() for p in left} in ({}, whole)
        assert started("dance", song, "-o", out, "-q", "--force").wait(300) == 0
        assert {n: c for n, c in content(out).items() if ".part" not in n} == whole
