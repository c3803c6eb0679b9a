"""Preparing a corpus while processes are killed: nothing lost, nothing damaged, nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recordings import dancer

import farandole
from farandole.cli.app import run
from farandole.data import importers
from farandole.data.corpus import JOURNAL, CorpusSettings, prepare_corpus
from farandole.errors import DataError, OutputError
from farandole.parallel.ray_cluster import RayCluster

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(farandole.__file__).parents[1])}
MOTION_ONLY = CorpusSettings(music=())


def tiny(folder, count):
    """So many motions of a few frames."""
    folder.mkdir()
    for seed in range(min(count, 20)):
        dancer(0.2, seed=seed).save(folder / f"s{seed:04}.bvh")
    for number in range(20, count):
        shutil.copy(folder / f"s{number % 20:04}.bvh", folder / f"s{number:04}.bvh")
    return folder


def prepare(source, target, **options):
    return prepare_corpus(importers.find_pairs(source).sources, target, MOTION_ONLY, **options)


def until(condition, seconds=60.0):
    """What the condition gives once it holds."""
    end = time.monotonic() + seconds
    while not (told := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return told


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def group_is_gone(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.skipif(os.name != "posix", reason="kills processes")
def test_after_kill_9_only_what_is_missing_is_made(tmp_path):
    source, target = tiny(tmp_path / "src", 60), tmp_path / "data"
    arguments = ["prepare", "folder", str(source), "-o", str(target), "--music", "", "--workers", "2", "--quiet"]
    command = [sys.executable, "-c", "import sys; from farandole.cli.app import main; main(sys.argv[1:])", *arguments]
    killed = subprocess.Popen(command, env=ENVIRONMENT, start_new_session=True)
    until(lambda: len(list(target.glob("*.npy"))) >= 15)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    until(lambda: group_is_gone(killed.pid))  # its workers end, too
    assert not (target / "corpus.json").exists()
    recorded = len(list((target / JOURNAL).glob("[!.]*.record")))  # not one half written
    assert 0 < recorded < 60
    done = prepare(source, target)
    assert (done.made, done.kept, done.problems) == (60 - recorded, recorded, [])
    prepare(source, tmp_path / "whole")
    assert content(target) == content(tmp_path / "whole")  # no damaged and no temporary files


@pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_ends_the_run_and_the_next_one_goes_on(tmp_path, workers):
    import resource

    source, target = tiny(tmp_path / "src", 2), tmp_path / "data"
    dancer(4.0, seed=5).save(source / "s0002.bvh")
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, unlimited[1]))  # workers are forked with it
    try:
        with pytest.raises(OutputError, match=r"cannot write .*/data/s0002\.rot6d\.npy: No space left"):
            prepare(source, target, workers=workers)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert not (target / "corpus.json").exists()
    recorded = len(list((target / JOURNAL).glob("[!.]*.record")))
    assert recorded == 2 or (workers == 2 and recorded == 1)  # the other worker may be at a file yet
    done = prepare(source, target)
    assert (done.made, done.kept, done.problems) == (3 - recorded, recorded, [])
    prepare(source, tmp_path / "whole")
    assert content(target) == content(tmp_path / "whole")


class Killed(BaseException):
    pass


def test_it_can_end_between_any_two_files(tmp_path, monkeypatch):
    source, replace = tiny(tmp_path / "src", 3), os.replace
    prepare(source, tmp_path / "whole")
    dancer(0.2, seed=9).save(source / "s0001.bvh", force=True)
    shutil.copytree(tmp_path / "whole", tmp_path / "before")
    prepare(source, tmp_path / "whole")
    for before in ("nothing", "before"):
        for moment in range(100):
            left, target = moment, tmp_path / f"{before}{moment}"
            if before != "nothing":
                shutil.copytree(tmp_path / before, target)

            def dying(old, new):
                nonlocal left
                left -= 1
                if left < 0:
                    raise Killed
                replace(old, new)

            with monkeypatch.context() as patch:
                patch.setattr(os, "replace", dying)
                try:
                    prepare(source, target)
                    break
                except Killed:
                    pass
            prepare(source, target)
            assert content(target) == content(tmp_path / "whole"), moment
        assert moment > 6


@pytest.mark.parametrize("what", ["", ".prepare", ".prepare/.key.12345678.part"])
def test_it_can_end_before_the_first_file(tmp_path, what):
    source, target = tiny(tmp_path / "src", 2), tmp_path / "data"
    if what.endswith("part"):
        (target / what).parent.mkdir(parents=True)
        (target / what).write_text("half a key")
    else:
        (target / what).mkdir(parents=True)
    assert prepare(source, target).made == 2
    assert not (target / JOURNAL).exists()


@pytest.fixture
def ray(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "for this test")
    yield pytest.importorskip("ray", reason="--cluster needs the [cluster] extra")
    assert not sys.modules["ray"].is_initialized()


def reader_of(path):
    """The other process that has a file open."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == str(path) and int(link.parts[2]) != os.getpid():
                return int(link.parts[2])
        except OSError:
            continue
    return None


@pytest.mark.timeout(900)  # a minute on two busy cores
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="finds the worker in /proc")
def test_a_cluster_makes_the_same_and_survives_the_death_of_a_worker(tmp_path, ray):
    source = tiny(tmp_path / "src", 1000)
    sources = importers.find_pairs(source).sources
    prepare_corpus(sources, tmp_path / "pool", MOTION_ONLY, workers=2)
    victim, aside = source / "s0100.bvh", tmp_path / "aside.bvh"
    victim.rename(aside)
    os.mkfifo(victim)  # whoever reads this waits until somebody writes: a worker caught in the middle of its task
    dead = []

    def kill(done, total, name):
        if done != 300:
            return
        writer = until(lambda: opened(victim))
        dead.append(until(lambda: reader_of(victim)))
        (tmp_path / "data" / ".s0100.rot6d.12345678.part.npy").write_bytes(b"what a dead worker was writing")
        aside.replace(victim)
        os.kill(dead[0], signal.SIGKILL)
        os.close(writer)

    done = prepare_corpus(sources, tmp_path / "data", MOTION_ONLY, workers=2, cluster="local", progress=kill)
    assert len(dead) == 1
    assert (done.made, done.kept, done.problems) == (1000, 0, [])
    assert content(tmp_path / "data") == content(tmp_path / "pool")
    assert len(list((tmp_path / "data").glob("*.rot6d.npy"))) == 1000


def opened(path):
    """A descriptor for writing to a pipe, once there is a reader."""
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("somewhere", "accepted are local, auto, HOST:PORT"),
        ("127.0.0.1:9", "nothing answers there"),
        ("auto", "cannot join"),
    ],
)
def test_addresses_without_a_cluster_are_told(ray, monkeypatch, address, told):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(DataError, match=told):
        RayCluster(address)


def test_missing_ray_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    source, target = tiny(tmp_path / "src", 2), tmp_path / "data"
    target.mkdir()
    (target / "precious.txt").write_text("as it was")
    assert run(["prepare", "folder", str(source), "-o", str(target), "--cluster", "local", "--force"]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert told[-1] == "error: --cluster needs packages that are not installed: pip install 'farandole[cluster]'"
    assert [p.name for p in target.iterdir()] == ["precious.txt"]
