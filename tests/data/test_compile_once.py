"""Music features are compiled by one process at a time: numba's cache on disk cannot take two."""

import os
import subprocess
import sys

import pytest

from farandole.data import compile_once

pytest.importorskip("librosa", reason="needs the [train] extra")

SCRIPT = """
from farandole.data.compile_once import compile_music
compile_music(["transflower_envelope"], 20.0)
"""


@pytest.mark.slow
def test_processes_that_start_at_once_write_every_entry_of_the_cache_once(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DEBUG_CACHE": "1"}
    running = [
        subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    saved = [line for text in told for line in text.splitlines() if "data saved to" in line]
    assert len(saved) == len(set(saved)) > 0
    assert sorted("data saved to" in text for text in told) == [False, True]  # the other one found all of it


def test_what_numpy_computes_needs_no_compiling_and_nothing_is_compiled_twice(monkeypatch):
    computed = []
    monkeypatch.setattr("farandole.music.features.features", lambda song, name, fps: computed.append((name, fps)))
    monkeypatch.setattr(compile_once, "_compiled", set())
    for _ in range(2):
        compile_once.compile_music(["mel", "beats+bands", "aistpp35", "beats+transflower_chroma"], 60.0)
    compile_once.compile_music(["aistpp35"], 20.0)
    assert computed == [("aistpp35", 60.0), ("beats+transflower_chroma", 60.0), ("aistpp35", 20.0)]
