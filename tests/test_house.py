"""One of everything, doors that open downwards, no circles: the structure that CONTRIBUTING.md promises."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from house import Tree, counts

FLOORS = (
    ("__main__",),
    ("cli",),
    ("training", "batch", "doctor"),
    ("live", "evaluation"),
    ("generation",),
    ("checkpoints", "view"),
    ("models",),
    ("data",),
    ("motion", "music", "parallel"),
    ("_io", "_memory", "_late", "_version"),
    ("errors",),
)
"""Rooms from the top floor down: a room imports from floors below its own, never sideways or upwards."""

LONGEST = 330
"""Lines of a file at most."""


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree()


@pytest.fixture(scope="module")
def counted(tree: Tree) -> dict[str, list[str]]:
    return counts(tree)


@pytest.mark.parametrize(
    "what",
    [
        "checkpoint readers (weights)",
        "checkpoint writers (weights)",
        "ONNX exports",
        "sessions that open ONNX files",
        "recipe classes",
        "training tasks",
        "runs (calls of Trainer.fit)",
    ],
)
def test_there_is_one_of(counted: dict[str, list[str]], what: str) -> None:
    where = sorted(set(counted[what]))
    assert len(where) == 1, where


def test_no_circles(tree: Tree) -> None:
    # Imports inside functions and for types count, too.
    assert tree.circles() == []


def test_doors_open_downwards(tree: Tree) -> None:
    floor = {room: k for k, rooms in enumerate(FLOORS) for room in rooms}
    wrong = []
    for name in tree.modules:
        own = name.split(".")[1] if "." in name else ""
        for other in tree.imports(name):
            there = other.split(".")[1] if "." in other else ""
            if own and there and own != there and floor[own] >= floor[there]:
                wrong.append(f"{name} -> {other}")
    assert wrong == []


def test_files_are_short(tree: Tree) -> None:
    assert {n: k for n, k in tree.lines.items() if k > LONGEST} == {}


def test_file_names_tell_themselves_apart(tree: Tree) -> None:
    rooms = {n.rpartition(".")[0] for n in tree.modules}
    names = [n.rpartition(".")[2] for n in tree.modules if n.count(".") >= 2 and n not in rooms]
    twice = {n for n in names if names.count(n) > 3}
    assert twice == set()
