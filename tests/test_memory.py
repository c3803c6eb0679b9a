"""Freed memory is used again."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion

FAULTS = """
import resource, sys
from farandole._memory import keep_freed_memory
from farandole.motion.files.bvh import read_bvh

if sys.argv[2] == "keep":
    keep_freed_memory()
for _ in range(3):
    read_bvh(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    read_bvh(sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def count_faults(program, *arguments):
    """Pages that a new process had to be given, with glibc's defaults held where they begin: they rise by chance of layout."""
    start = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
    return int(subprocess.check_output([sys.executable, "-c", program, *arguments], env=os.environ | start))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that is told")
def test_reading_motions_reuses_pages(tmp_path):
    body = house_skeleton()
    turns = np.random.default_rng(0).normal(size=(1000, len(body), 3))
    path = Motion(body, rot.from_rotvec(turns), np.zeros((1000, 3)), 30.0).save(tmp_path / "a.bvh")
    faults = {how: count_faults(FAULTS, str(path), how) for how in ("keep", "default")}
    assert faults["keep"] <= 0.1 * faults["default"], faults


ARRAYS = """
import resource, sys
import numpy as np
from farandole._memory import keep_all_freed_memory, keep_freed_memory

if sys.argv[1] == "keep":
    keep_all_freed_memory()
    keep_freed_memory()  # takes nothing of it back
for step in range(8):
    if step == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(n << 20, np.uint8) for n in (40, 3, 190, 1)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that is told")
def test_a_process_that_trains_reuses_pages_of_any_array():
    faults = {how: count_faults(ARRAYS, how) for how in ("keep", "default")}
    assert faults["keep"] < 0.01 * faults["default"], faults
