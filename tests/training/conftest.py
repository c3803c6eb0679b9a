"""Lets tests import the helpers beside them; feature folders that several of them train on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def flow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See `training_toys.write_flow_folder`."""
    from training_toys import write_flow_folder

    return write_flow_folder(tmp_path_factory.mktemp("flows") / "data")


@pytest.fixture(scope="session")
def masked_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See `training_toys.write_masked_folder`."""
    from training_toys import write_masked_folder

    return write_masked_folder(tmp_path_factory.mktemp("masked") / "data")


@pytest.fixture(scope="session")
def dance_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See `training_toys.write_dance_folder`."""
    from training_toys import write_dance_folder

    return write_dance_folder(tmp_path_factory.mktemp("dance") / "data")
