"""What all tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# As `python -m farandole` has it: with another number of threads the last digits of sums differ, and so do files.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before anything loads numpy

REPOSITORY = Path(__file__).resolve().parent.parent
RECORDINGS = REPOSITORY.parent / "shared"
sys.path.insert(0, str(Path(__file__).parent))  # helpers beside this file

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of recordings that are no part of the project are run where these lie beside the checkout, and else left out."""
    if (RECORDINGS / "data").is_dir():
        return
    left_out = [i for i in items if i.get_closest_marker("recordings") or "shared" in getattr(i, "fixturenames", ())]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [i for i in items if i not in left_out]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings that lies beside a development checkout and is no part of the project."""
    return RECORDINGS


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process can grow beyond 50 kB, as on a full disk."""
    import resource

    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
