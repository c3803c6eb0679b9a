"""`farandole doctor`: one page of what is there; what is broken is found, named, and the exit code says so."""

from __future__ import annotations

import json
import sys
from importlib import metadata

import pytest

from farandole.cli.app import run
from farandole.doctor import installed, trials
from farandole.errors import AudioError, CheckpointError


def findings(found) -> dict[str, object]:
    return {finding.about: finding for finding in found}


def test_one_page_and_the_same_as_json(capfd):
    code = run(["doctor", "-q", "--json"])
    told = json.loads(capfd.readouterr().out)
    about = {f["about"]: f for f in told["findings"]}
    assert (code, told["well"]) == (0, True), [f for f in told["findings"] if f["state"] == "bad"]
    assert {"farandole", "Python", "packages", "engine onnx", "engine torch", "sound files", "a dance", "cache"} <= set(
        about
    )
    assert about["sound files"]["read"] == ["wav", "flac", "ogg", "mp3", "m4a"]
    assert about["model starter"]["state"] == about["model inbetween"]["state"] == "good"
    assert run(["doctor"]) == 0
    printed = capfd.readouterr()
    assert len(printed.out.splitlines()) == len(told["findings"]) < 40
    assert all(line[:2] in ("ok", "--") for line in printed.out.splitlines())
    assert printed.err == "all is well\n"


def test_what_is_broken_is_named_and_the_rest_looked_at(monkeypatch, capfd):
    def broken(*_, **__):
        raise CheckpointError("starter: the file is cut off")

    monkeypatch.setattr("farandole.checkpoints.session.OnnxSession.inputs", broken)
    monkeypatch.setattr(
        "farandole.music.song.decode_blocks", lambda *_, **__: (_ for _ in ()).throw(AudioError("no decoder"))
    )
    assert run(["doctor", "--quiet"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["sound files", "model inbetween", "model starter"]
    assert all(line.startswith("!!") for line in lines)
    assert "the file is cut off" in lines[-1]


@pytest.mark.parametrize(
    ("versions", "state", "says"),
    [
        ({"numpy": None}, "bad", "numpy not installed: pip install --upgrade farandole"),
        ({"numpy": "1.9.3"}, "bad", "too old: numpy 1.9.3 (needed is 1.26)"),
        ({"numpy": "1.26.0"}, "good", "numpy 1.26.0"),
    ],
)
def test_packages_that_are_missing_or_too_old(monkeypatch, versions, state, says):
    real = metadata.version

    def version(name):
        told = versions.get(name, real(name))
        if told is None:
            raise metadata.PackageNotFoundError
        return told

    monkeypatch.setattr(installed.metadata, "version", version)
    found = findings(installed.packages())["packages"]
    assert found.state == state
    assert says in found.text


def test_an_extra_that_is_not_installed_is_no_fault(monkeypatch):
    def version(name):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(installed.metadata, "version", version)
    found = findings(installed.packages())["extra cluster"]
    assert (found.state, found.text) == (
        "absent",
        "ray not installed (for --cluster): pip install 'farandole[cluster]'",
    )


def test_an_engine_that_cannot_be_loaded(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = findings(installed.engines())["engine onnx"]
    assert found.state == "bad"
    assert "cannot be loaded" in found.text


def test_a_folder_that_cannot_be_written_to(monkeypatch):
    def no(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(trials.tempfile, "NamedTemporaryFile", no)
    found = findings(trials.places())
    assert (found["write here"].state, found["temporary"].state) == ("absent", "bad")
    assert "Permission denied" in found["temporary"].text


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [f.state for f in trials.places()] == ["good"] * 3
    assert list(tmp_path.iterdir()) == []
