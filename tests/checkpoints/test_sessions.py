"""Sessions open a network once, whoever asks for it, and may begin to before it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from farandole.checkpoints import session as sessions
from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.checkpoints.session import OnnxSession
from farandole.errors import CheckpointError

LATENTS = np.zeros((1, 16, 48), np.float32)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the networks that were opened."""
    names: list[str] = []
    make = onnxruntime.InferenceSession

    def slowly(path: str, *arguments: Any, **options: Any) -> Any:
        names.append(Path(path).stem)
        time.sleep(0.1)  # for the other thread to come
        return make(path, *arguments, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", slowly)
    monkeypatch.setattr(sessions, "_cores", lambda: 2)
    return names


def test_threads_that_need_a_network_at_once_share_it(opened: list[str]) -> None:
    session = OnnxSession(find_checkpoint("starter").folder)
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: session.run("decoder", {"latents": LATENTS})[0], range(2))
    assert opened == ["decoder"]
    assert np.array_equal(first, second)


def test_a_network_opened_ahead_is_not_opened_again(opened: list[str]) -> None:
    session = OnnxSession(find_checkpoint("starter").folder)
    session.open_ahead("decoder", "flow")
    session.run("decoder", {"latents": LATENTS})
    session.inputs("flow")
    assert opened == ["decoder", "flow"]


def test_one_thread_opens_nothing_ahead(opened: list[str]) -> None:
    threads = threading.active_count()
    OnnxSession(find_checkpoint("starter").folder, threads=1).open_ahead("decoder")
    assert threading.active_count() == threads
    assert opened == []


def test_what_is_wrong_with_a_network_opened_ahead_is_told_when_it_runs(tmp_path: Path) -> None:
    shutil.copytree(find_checkpoint("starter").folder, tmp_path / "model")
    (tmp_path / "model" / "decoder.onnx").write_bytes(b"no network")
    session = OnnxSession(tmp_path / "model")
    session.open_ahead("decoder", "missing")
    with pytest.raises(CheckpointError, match="decoder.onnx cannot be read"):
        session.run("decoder", {"latents": LATENTS})


def test_the_engine_reports_to_nobody(tmp_path: Path) -> None:
    """ONNX Runtime keeps what it would send in the home folder."""
    script = (
        "import numpy as np; from farandole.checkpoints import session;"
        "from farandole.checkpoints.checkpoint import find_checkpoint;"
        "session.OnnxSession(find_checkpoint('starter').folder).run('decoder', {'latents': np.zeros((1, 16, 48), np.float32)})"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")}
    subprocess.run([sys.executable, "-c", script], env={**environment, "HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("*")) == []
