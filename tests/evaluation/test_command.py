"""`farandole evaluate` as users call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dancers import stepping

from farandole.cli.app import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, bpms in (("a", (100, 110)), ("b", (105, 115)), ("real", (100, 104, 112))):
        (tmp_path / name).mkdir()
        for bpm in bpms:
            stepping(bpm, seconds=4, sway=bpm / 300).save(tmp_path / name / f"s{bpm}.npz")
    return tmp_path


def test_one_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "report"
    assert run(["evaluate", str(folder / "a"), "--reference", str(folder / "real"), "-o", str(out), "-q"]) == 0
    printed = capsys.readouterr()
    assert str(out / "index.html") in printed.out
    assert "a: " in printed.out
    assert json.loads((out / "report.json").read_text())["runs"][0]["clips"] == 2
    assert run(["evaluate", str(folder / "a"), "--reference", str(folder / "real"), "-o", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_runs_side_by_side_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "evaluate",
        str(folder / "a"),
        str(folder / "b"),
        "--reference",
        str(folder / "real"),
        "--json",
        "-q",
    ]
    assert run(words) == 0
    data = json.loads(capsys.readouterr().out)
    assert [r["name"] for r in data["runs"]] == ["a", "b"]
    assert "joint_speed" in data["runs"][1]["differences_from_first"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["evaluate"], "GENERATED"),
        (["evaluate", "A", "--play"], "needs -o DIR"),
        (["evaluate", "A", "--cut", "2"], "name a folder of real motion"),
        (["evaluate", "A", "--nearest"], "holds no motion"),
        (["evaluate", "A", "--test", "x"], "needs --protocol lafan1"),
        (["evaluate", "nowhere"], "no such folder"),
        (["evaluate", "A", "--reference", "nowhere"], "no such folder"),
        (["evaluate", "A", "--reference", "A", "--protocol", "lafan1"], "gap_"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    words: list[str], says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder / w.lower()) if w in ("A", "B") else w for w in words]
    assert run(words) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("error:") == 1
    assert "Traceback" not in err


def test_distances_to_the_nearest_second_are_in_the_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", str(folder / "a"), "-r", str(folder), "--nearest", "--workers", "1", "-q"]
    assert run([*words, "-o", str(folder / "report"), "--play"]) == 0
    printed = capsys.readouterr().out
    assert "cm from the nearest second of" in printed
    nearest = json.loads((folder / "report/report.json").read_text())["nearest"]
    assert nearest["a"] == {"s100": pytest.approx(0, abs=1e-3), "s110": pytest.approx(0, abs=1e-3)}
    assert sorted(p.name for p in (folder / "report/clips").iterdir()) == ["0-0.html", "0-1.html"]
    assert (folder / "report/dances.png").read_bytes().startswith(b"\x89PNG")
    assert run([*words, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["nearest"]["a"]) == {"s100", "s110"}
