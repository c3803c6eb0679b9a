"""Parts of the body in the names of many tools, by structure where names say nothing, and by map files."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from farandole.errors import FileFormatError, RetargetError
from farandole.motion import names
from farandole.motion.humanoid.fingers import find_fingers
from farandole.motion.humanoid.map_file import map_text, read_map, roles_from_map
from farandole.motion.skeleton import Skeleton

from .schemes import SCHEMES, scheme


def found(skeleton: Skeleton) -> dict[str, str]:
    return {role: skeleton.names[j] for role, j in names.find_roles(skeleton).items()}


@pytest.mark.parametrize("name", SCHEMES)
def test_scheme(name: str) -> None:
    skeleton, roles = scheme(name)
    assert found(skeleton) == roles


@pytest.mark.parametrize("name", ["mixamo", "unreal", "rigify def", "daz 8", "mmd", "snake case", "soma"])
@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.lower,
        "hero_{}".format,
        "rig|{}".format,
        "{}_jnt".format,
        "Character1_{}".format,
        "ns:deep:{}".format,
    ],
    ids=["capitals", "small letters", "prefix", "path", "suffix", "character", "name spaces"],
)
def test_decoration_does_not_matter(name: str, change) -> None:
    skeleton, roles = scheme(name)
    other = Skeleton([change(n) for n in skeleton.names], skeleton.parents, skeleton.offsets)
    assert found(other) == {role: change(n) for role, n in roles.items()}


def test_numbers_behind_every_name_do_not_matter() -> None:
    skeleton, roles = scheme("mixamo")
    renamed = {n: f"{n}_{i:02d}" for i, n in enumerate(skeleton.names)}
    other = Skeleton(list(renamed.values()), skeleton.parents, skeleton.offsets)
    assert found(other) == {role: renamed[n] for role, n in roles.items()}


@pytest.mark.parametrize(("encoding", "read_as"), [("shift_jis", "latin-1"), ("gbk", "latin-1")])
def test_names_read_in_the_wrong_encoding(encoding: str, read_as: str) -> None:
    skeleton, roles = scheme("mmd")
    wrong = {n: n.encode(encoding).decode(read_as) for n in skeleton.names}
    other = Skeleton(list(wrong.values()), skeleton.parents, skeleton.offsets)
    assert found(other) == {role: wrong[n] for role, n in roles.items()}


@pytest.mark.parametrize("name", ["mixamo", "vrm", "daz 8", "makehuman", "soma", "r15", "cmu"])
def test_structure_alone(name: str) -> None:
    """Names that say nothing: the limbs are those of the scheme; twist bones may stand for the parts beside them."""
    skeleton, roles = scheme(name)
    labels = [f"n{i}" for i in range(len(skeleton))]
    random.Random(3).shuffle(labels)
    other = Skeleton(labels, skeleton.parents, skeleton.offsets)
    result = names.humanoid_roles(other)
    for role in names.ESSENTIAL:
        away = other.rest_positions[result[role]] - skeleton.rest_positions[skeleton.index(roles[role])]
        assert np.linalg.norm(away) < (0.08 if role == "Head" else 0.06), (
            role
        )  # which bone of a neck is the head is open


def test_sides_by_name_go_before_sides_by_place() -> None:
    """A body that looks along -z has its left at -x; names that say nothing follow the toes."""
    skeleton, roles = scheme("mixamo")
    turned = skeleton.offsets * np.array([-1.0, 1.0, -1.0])
    assert found(Skeleton(skeleton.names, skeleton.parents, turned)) == roles
    labels = [f"n{i}" for i in range(len(skeleton))]
    result = names.find_roles(Skeleton(labels, skeleton.parents, turned))
    assert {r: skeleton.names[j] for r, j in result.items() if "Up" in r} == {
        r: n for r, n in roles.items() if "Up" in r
    }
    halfway = [n if "Left" in n else f"n{i}" for i, n in enumerate(skeleton.names)]
    assert names.find_roles(Skeleton(halfway, skeleton.parents, skeleton.offsets))["LeftUpLeg"] == skeleton.index(
        roles["LeftUpLeg"]
    )


@pytest.mark.parametrize(
    ("name", "count"),
    [("mixamo", 5), ("vrm", 5), ("unreal", 3), ("character creator", 5), ("soma", 5), ("auto-rig pro", 5)],
)
def test_fingers(name: str, count: int) -> None:
    skeleton, roles = scheme(name)
    fingers = find_fingers(skeleton, skeleton.index(roles["LeftHand"]))
    assert len(fingers) == count
    assert sum(f.thumb for f in fingers) == 1
    for finger in fingers:
        labels = [skeleton.names[j].lower() for j in finger.joints]
        assert not any("metacarpal" in n or "palm" in n for n in labels)


def test_map_file_there_and_back(tmp_path: Path) -> None:
    skeleton, roles = scheme("mmd")
    file = tmp_path / "map.yaml"
    file.write_text(map_text(skeleton, names.find_roles(skeleton)), encoding="utf-8")
    assert {r: n for r, n in read_map(file).items() if n} == roles
    labels = [f"n{i}" for i in range(len(skeleton))]
    blank = Skeleton(labels, skeleton.parents, skeleton.offsets)
    given = {r: labels[skeleton.index(n)] for r, n in roles.items()}
    as_json = tmp_path / "map.json"
    as_json.write_text(json.dumps(given))
    assert roles_from_map(blank, read_map(as_json), {}) == {r: skeleton.index(n) for r, n in roles.items()}


def test_map_corrects_what_was_recognised(tmp_path: Path) -> None:
    skeleton, _ = scheme("mixamo")
    file = tmp_path / "map.yaml"
    file.write_text("---\n# mine\nleftUpperArm: 'mixamorig:LeftForeArm'\nLeftToeBase:   # none\nRightToeBase: ~\n")
    result = roles_from_map(skeleton, read_map(file), names.find_roles(skeleton))
    assert skeleton.names[result["LeftArm"]] == "mixamorig:LeftForeArm"
    assert "LeftToeBase" not in result
    assert "RightToeBase" not in result
    for text, message in (
        ("LeftArm upperarm", "line 1: 'LeftArm upperarm' is not 'role: joint'"),
        ("Wing: a", "no role 'Wing'"),
        ('Head: "open', "no closing quote"),
        ('{"Head": 3}', "'Head' must have the name of a joint"),
        ('{"Head"', "no JSON object"),
    ):
        file.write_text(text)
        with pytest.raises(FileFormatError, match=message):
            read_map(file)
    with pytest.raises(RetargetError, match="'nobody', which does not exist"):
        roles_from_map(skeleton, {"Head": "nobody"}, {})
