"""The package as a whole: what importing it costs, what it offers."""

from __future__ import annotations

import subprocess
import sys

import farandole

HEAVY = ("torch", "librosa", "lightning", "onnxruntime", "av", "scipy", "soundfile", "typer", "rich", "jinja2")


def test_importing_farandole_imports_nothing_heavy() -> None:
    code = f"import sys, farandole; print([m for m in {HEAVY!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_public_name_can_be_used_and_is_listed() -> None:
    for name in farandole.__all__:
        assert getattr(farandole, name) is not None
        assert name in dir(farandole)


def test_an_unknown_name_is_an_attribute_error_like_in_any_module() -> None:
    assert not hasattr(farandole, "no_such_name")
