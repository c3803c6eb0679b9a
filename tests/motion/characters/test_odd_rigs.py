"""Rigs that nobody expects: they dance as they should, or one line says why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from farandole.errors import RetargetError
from farandole.motion.characters import Character

from .dancer import dance
from .odd_rigs import (
    SKIRT,
    SWORD,
    TAIL,
    WINGS,
    both_sides,
    dog,
    many_skins,
    mirrored,
    numbered,
    together,
    without_skin,
)
from .played import Played, directions, soles, standing
from .rigs import Rig, about, arms_down, build, fingers

X, _, Z = np.eye(3)
SITS = both_sides(
    lambda s, g: {f"{s}UpLeg": about(X, -85.0), f"{s}Leg": about(X, 85.0), f"{s}Arm": about(Z, -70.0 * g)}
)
THREE_FINGERS = {n: f for n, f in fingers().items() if "Ring" not in n and "Pinky" not in n}
TOES = ("LeftToeBase", "RightToeBase")
ALL = WINGS | TAIL | SKIRT | fingers()

DANCING = {
    "sits": lambda: build(Rig(rest=SITS)),
    "sits, no names": lambda: build(Rig(rest=SITS, rename=numbered)),
    "mirrored": lambda: mirrored(Rig(rest=arms_down(30.0))),
    "many skins": lambda: many_skins(Rig(extra=fingers())),
    "three fingers, numbers": lambda: build(Rig(extra=THREE_FINGERS, rename=numbered)),
    "no toes, numbers": lambda: build(Rig(missing=TOES, rename=numbered)),
    "no neck, numbers": lambda: build(Rig(missing=("Neck",), rename=numbered)),
    "one bone of spine, numbers": lambda: build(Rig(missing=("Spine",), rename=numbered)),
    "no hands": lambda: build(Rig(missing=("LeftHand", "RightHand"))),
    "a sword of the skin's": lambda: build(Rig(extra=SWORD)),
    "a sword, numbers": lambda: build(Rig(extra=SWORD, rename=numbered)),
    "wings, tail, skirt": lambda: build(Rig(extra=ALL)),
    "wings, tail, skirt, numbers": lambda: build(Rig(extra=ALL, rename=numbered)),
}


@pytest.fixture(scope="module")
def steps():
    return dance(60)


def character(data: bytes, folder: Path, mapping: dict[str, str | None] | None = None) -> Character:
    file = folder / "rig.glb"
    file.write_bytes(data)
    return Character.load(file, mapping=mapping)


@pytest.mark.parametrize("kind", DANCING)
def test_it_dances(kind: str, steps, tmp_path: Path) -> None:
    data, names = DANCING[kind]()
    rig = character(data, tmp_path)
    assert {r: rig.skeleton.names[j] for r, j in rig.roles.items()} == names
    played = Played(rig.animate(steps))
    assert max(directions(played, names, steps).values()) < 8.0
    stands = standing(steps)
    for n, side in enumerate(("Left", "Right")):
        low = soles(played, names, side)
        assert np.abs(low[stands[:, n]]).max() < 0.01
        assert low.min() > -0.02
    moved = {played.nodes[n].get("name") for n, _ in played.channels} - set(names.values())
    assert not {n if "numbers" not in kind else numbered(n) for n in (*WINGS, *TAIL, *SKIRT, *SWORD)} & moved


def test_a_rig_without_a_skin(steps, tmp_path: Path) -> None:
    data, names = build(Rig(rest=arms_down(45.0)))
    played = Played(character(without_skin(data), tmp_path).animate(steps))
    assert max(directions(played, names, steps).values()) < 8.0


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("dog", "it stands on four legs"),
        ("dog, numbers", "it stands on four legs"),
        ("no arms", "no joint found for LeftArm, LeftForeArm, RightArm, RightForeArm"),
        ("no spine", "no chest that carries both arms and the head"),
    ],
)
def test_one_line_says_why_not(kind: str, reason: str, tmp_path: Path) -> None:
    arms = tuple(side + part for side in ("Left", "Right") for part in ("Shoulder", "Arm", "ForeArm", "Hand"))
    data = {
        "dog": lambda: dog(str),
        "dog, numbers": lambda: dog(numbered),
        "no arms": lambda: build(Rig(missing=arms))[0],
        "no spine": lambda: build(Rig(missing=("Spine", "Spine1")))[0],
    }[kind]()
    with pytest.raises(RetargetError, match=reason) as caught:
        character(data, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("which", [0, 1])
def test_of_two_characters_with_the_same_names_a_map_chooses_one(which: int, tmp_path: Path) -> None:
    twins = together(build(Rig())[0], build(Rig())[0], 2.0)
    hips = character(twins, tmp_path).apart
    assert hips == ["Hips", "Hips_2"]
    alone = character(twins, tmp_path, {"Hips": hips[which]})
    assert len(alone.bodies) == 1
    assert alone.bodies[0].positions[alone.roles["Hips"], 0] == pytest.approx(2.0 * which, abs=0.01)


def test_of_two_characters_both_dance_unless_a_map_chooses(steps, tmp_path: Path) -> None:
    data = together(build(Rig())[0], build(Rig(rename="bob_{}".format))[0], shift=1.2)
    pair = character(data, tmp_path)
    assert pair.apart == ["Hips", "bob_Hips"]
    played = Played(pair.animate(steps))
    gap = played.position("bob_Hips") - played.position("Hips")
    np.testing.assert_allclose(gap, np.tile([1.2, 0.0, 0.0], (len(gap), 1)), atol=1e-4)
    alone = character(data, tmp_path, {"Hips": "bob_Hips"})
    assert alone.apart == []
    moved = {n for n, _ in Played(alone.animate(steps)).channels}
    assert {played.nodes[n]["name"][:4] for n in moved} == {"bob_"}
    clothes = together(build(Rig())[0], build(Rig(rename="coat_{}".format))[0])
    assert character(clothes, tmp_path).apart == []
