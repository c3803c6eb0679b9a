"""What commands say, and where."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from farandole.cli import console


def test_json_is_plain_and_valid_whatever_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    console.result_json(
        {"a": np.float32(0.5), "b": np.arange(2), "c": Path("x"), "d": float("nan"), "e": (np.bool_(True),)}
    )
    assert json.loads(capsys.readouterr().out) == {"a": 0.5, "b": [0, 1], "c": "x", "d": None, "e": [True]}


def test_progress_off_a_terminal_is_a_few_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("dancing") as update:
        for done in range(101):
            update(done, 100)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [f"dancing: {share} %" for share in (25, 50, 75, 100)]


def test_progress_takes_shares_too(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("dancing") as update:
        for share in (0.1, 0.6, 1.0):
            update(share)
    assert capsys.readouterr().err.splitlines() == ["dancing: 60 %", "dancing: 100 %"]


@pytest.mark.parametrize(("step", "lines"), [("0.02", 50), ("0.1", 10), ("much", 4), ("0", 100)])
def test_programs_may_ask_for_finer_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, step: str, lines: int
) -> None:
    monkeypatch.setenv(console.STEP_VARIABLE, step)
    with console.progress("dancing") as update:
        for done in range(1001):
            update(done, 1000)
    assert len(capsys.readouterr().err.splitlines()) == lines


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("dancing", quiet=True) as update:
        update(1, 1)
    console.note("done", quiet=True)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with console.progress("dancing") as update:
        update(1, 2)
    assert capsys.readouterr().out == ""
