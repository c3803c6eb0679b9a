"""Trees of joints as many tools name them, with fingers, twists, controls and other things that are no part of the body.

A scheme of schemes.txt is the tree of the trunk with the marks <arm> and <leg>, then arm and leg of one side. "name=Role"
says which part a joint is and puts it there; others lie beside the joint that they hang on. {S} {s} {L} {l} stand for Left,
left, L, l or for Right, right, R, r.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from farandole.motion.humanoid import house_skeleton
from farandole.motion.skeleton import Skeleton

HOUSE = house_skeleton()
TEXT = (Path(__file__).parent / "schemes.txt").read_text(encoding="utf-8")
SCHEMES = {
    block.partition("]")[0]: tuple(line.partition(": ")[2] for line in block.splitlines()[1:4])
    for block in TEXT.split("[")[1:]
}
_SIDES = (
    {"S": "Left", "s": "left", "L": "L", "l": "l", "LEFT": "LEFT", "左": "左"},
    {"S": "Right", "s": "right", "L": "R", "l": "r", "LEFT": "RIGHT", "左": "右"},
)


def scheme(name: str) -> tuple[Skeleton, dict[str, str]]:
    """The skeleton of a scheme in a T-pose, and the name of every role's joint."""
    trunk, arm, leg = SCHEMES[name]
    fill = lambda text, side: re.sub(r"\{(\w+)\}", lambda m: side[m[1]], _mark(text, side["S"]))  # noqa: E731
    both = lambda text: " ".join(fill(text, side) for side in _SIDES)  # noqa: E731
    text = trunk.replace("<legl>", fill(leg, _SIDES[0])).replace("<legr>", fill(leg, _SIDES[1]))
    text = text.replace("<arm>", both(arm)).replace("<leg>", both(leg))
    text = re.sub(r"[^\s()]*\{\w+\}[^\s()]*", lambda m: both(m[0]), text)
    names, parents, positions, roles = [], [], [], {}
    stack = [-1]
    for token in re.findall(r"[()]|[^()]+", text):
        if token == "(":
            stack.append(len(names) - 1)
        elif token == ")":
            stack.pop()
        else:
            for entry in _entries(token):
                joint, _, role = entry.partition("=")
                beside = positions[stack[-1]] + np.array([0.004, 0.011, 0.02]) if stack[-1] >= 0 else np.zeros(3)
                place = HOUSE.rest_positions[HOUSE.index(role)] if role else beside
                names.append(joint)
                parents.append(stack[-1])
                positions.append(place)
                if role:
                    roles[role] = joint
    while parents.count(-1) > 1:  # several roots: a scene above them
        names, positions = ["scene", *names], [np.zeros(3), *positions]
        parents = [-1, *(p + 1 for p in parents)]
    offsets = np.array(positions)
    for j in range(1, len(names)):
        offsets[j] = positions[j] - positions[parents[j]]
    return Skeleton(names, parents, offsets), roles


def _mark(text: str, side: str) -> str:
    return re.sub(r"=(\w+)", lambda m: f"={side}{m[1]}", text)


def _entries(token: str) -> list[str]:
    """Names that may hold blanks: split where the next word cannot go on with the name."""
    token = token.strip()
    if not token:
        return []
    heads = ("Bip001 ", "Left ", "Right ", "upper ", "lower ", "leg ", "toe ", "arm ")
    words, result = token.split(" "), []
    while words:
        word = words.pop(0)
        start = word + " "
        if start in heads and "=" not in word and words:
            word += " " + words.pop(0)
            while (
                words
                and "=" not in word
                and start in ("Bip001 ", "Left ", "Right ")
                and not (words[0] + " ").startswith(heads[:3])
            ):
                word += " " + words.pop(0)
        result.append(word)
    return result
