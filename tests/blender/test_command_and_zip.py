"""The Blender add-on and the installed command; the zip."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import typer
from farandole_dance import commands

ADDON = Path(__file__).resolve().parents[2] / "blender" / "farandole_dance"

# The command ---------------------------------------------------------------------------------------------------------------


ALL = {
    "seed": 0, "style": "auto", "energy": 1.2, "temperature": 0.9, "model": "starter", "seconds": 8.0,
    "root": "in-place", "map": "m",
}  # fmt: skip
CLIP, BVH, GLB = Path("c.bvh"), Path("o.bvh"), Path("o.glb")


@pytest.mark.parametrize(
    "words",
    [
        commands.dance_words("s.mp3", Path("b.glb"), GLB, 23.976, ALL),
        commands.extend_words(CLIP, "", BVH, 2.5, {**ALL, "style": "groove"}),
        commands.extend_words(CLIP, "s.mp3", BVH, 2.5, ALL),
        commands.fill_words(CLIP, BVH, keep=[0, 4, 9]),
        commands.fill_words(CLIP, BVH, gap=(4, 9), method="dance", song="s.mp3", seed=4),
        commands.stand_words(CLIP, Path("b.glb"), GLB, ALL),
        commands.beat_words("s.mp3", Path("b.txt")),
    ],
    ids=lambda words: str(words[0]),
)
def test_the_command_understands_what_it_is_asked(words: list[str | Path]) -> None:
    from farandole.cli.app import app

    name, *rest = map(str, words)
    group = typer.main.get_command(app)
    context = group.commands[name].make_context(name, rest)  # type: ignore[attr-defined]
    assert context.params["json"] is True
    if name == "dance":
        assert context.params["fps"] == 23.976
        assert context.params["seed"] == 0
    if name == "inbetween" and "--gap" in rest:
        assert context.params["gap"] == ["4:9"]


def test_beats_are_read_as_the_command_writes_them(tmp_path: Path) -> None:
    from farandole.music.beats.text import read_beats, write_beats

    (tmp_path / "a.txt").write_text("# by ear\n0.5\t1\n1.0 2\n1.5\t3\n2.0\t4\n2.5\t1\n3.0\t2\n3.5\t3\n")
    write_beats(tmp_path / "b.txt", read_beats(tmp_path / "a.txt"))
    read = commands.read_beats((tmp_path / "b.txt").read_text())
    assert read == commands.read_beats((tmp_path / "a.txt").read_text())
    assert read[:2] == [(0.5, 1), (1.0, 2)]


def test_a_missing_command_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(commands, "_PLACES", ("~/.local/bin",))
    with pytest.raises(commands.CommandError, match="not on PATH"):
        commands.find_command()
    with pytest.raises(commands.CommandError, match="there is no command at"):
        commands.find_command(str(tmp_path / "farandole"))
    place = tmp_path / ".local" / "bin" / "farandole"
    place.parent.mkdir(parents=True)
    place.write_text("#!/bin/sh\n")
    place.chmod(0o755)
    assert commands.find_command() == str(place)


def script(folder: Path, text: str) -> str:
    """A program that runs some Python."""
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return str(path)


def test_a_job_tells_how_far_it_is_and_answers(tmp_path: Path) -> None:
    program = script(
        tmp_path,
        "import sys, time\n"
        "print('dancing: 40 %', file=sys.stderr, flush=True)\n"
        "print('warning: quiet song', file=sys.stderr, flush=True)\n"
        "sys.stdin.read()\n"
        "time.sleep(0.5)\n"
        'print(\'{"file": "x"}\')\n',
    )
    job = commands.Job(program, ["a"], "dancing")
    end = time.monotonic() + 20.0
    while not job.progress and time.monotonic() < end:
        time.sleep(0.01)
    assert job.progress == 0.4
    assert job.result() == {"file": "x"}
    assert job.warnings == ["quiet song"]


def test_a_job_that_refuses_or_is_cancelled(tmp_path: Path) -> None:
    program = script(tmp_path, "import sys\nsys.stderr.write('a: 5 %\\nerror: no such style\\n')\nsys.exit(2)\n")
    with pytest.raises(commands.CommandError, match="^no such style$"):
        commands.Job(program, []).result()
    program = script(tmp_path, "import time\ntime.sleep(60)\n")
    job = commands.Job(program, [])
    assert job.running
    job.cancel()
    assert not job.running
    with pytest.raises(commands.CommandError, match="cannot be run"):
        commands.Job(str(tmp_path / "nothing"), [])


# The zip -------------------------------------------------------------------------------------------------------------------


def test_the_zip_is_the_same_each_time_and_whole(tmp_path: Path) -> None:
    builder = ADDON.parent / "build_zip.py"
    for folder in ("one", "two"):
        subprocess.run([sys.executable, str(builder), str(tmp_path / folder)], check=True, capture_output=True)
    (one,), (two,) = ((tmp_path / f).glob("*.zip") for f in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    names = {Path(n).name for n in zipfile.ZipFile(one).namelist()}
    assert names == {p.name for p in ADDON.glob("*.py")} | {"blender_manifest.toml", "LICENSE"}


def test_both_kinds_of_manifest_agree() -> None:
    toml = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
    manifest = toml.loads((ADDON / "blender_manifest.toml").read_text(encoding="utf-8"))
    import farandole_dance

    assert manifest["version"] == ".".join(map(str, farandole_dance.bl_info["version"]))
    assert manifest["name"] == farandole_dance.bl_info["name"]
    assert manifest["id"] == ADDON.name
    assert len(manifest["tagline"]) <= 64
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["blender_version_min"])


def test_files_are_short() -> None:
    lengths = {p.name: len(p.read_text(encoding="utf-8").splitlines()) for p in ADDON.parent.rglob("*.py")}
    assert {n: k for n, k in lengths.items() if k > 330} == {}
