"""What a joint's name says: side, part of the body, and whether it is a helper of that part, in the spellings of many tools."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

LIMB_STEMS = {
    "UpLeg": ("upleg", "upperleg", "legupper", "thigh", "femur", "hip", "leg"),
    "Leg": ("lowerleg", "lowleg", "leglower", "calf", "shin", "shank", "knee", "tibia", "leg"),
    "Foot": ("ankle", "foot"),
    "ToeBase": ("toebase", "ball", "toe", "toes", "bigtoe", "forefoot", "foot"),
    "Shoulder": ("clavicle", "collar", "inshoulder", "collarbone", "scapula", "shoulder"),
    "Arm": ("upperarm", "uparm", "armupper", "shldr", "arm", "shoulder", "humerus"),
    "ForeArm": ("forearm", "lowerarm", "lowarm", "armlower", "elbow", "radius"),
    "Hand": ("wrist", "hand"),
}
"""Per role of a side, its stems in order of preference. A stem is a name without side, name space, blanks and case."""
CENTRE_STEMS = {
    "Hips": ("hips", "pelvis", "hip", "lowertorso", "spinebase", "root", "center", "centre", "cog"),
    "Head": ("head", "skull"),
}
"""The same for roles of the middle."""
TRUNK_STEMS = (
    "spine",
    "chest",
    "upperchest",
    "thorax",
    "torso",
    "uppertorso",
    "abdomen",
    "belly",
    "back",
    "waist",
    "neck",
)
"""Beginnings of what lies between hips and head."""

_STEMS = {stem for stems in LIMB_STEMS.values() for stem in stems} | {"thumb", "index", "middle", "ring", "pinky"}
_SPACE = re.compile(
    r"^(?:.*[:|]|mixamorig\d*_?|(?:valve)?bip(?:ed)?\.?\d*[ _.]+|character\d*_|j_(?:bip|sec)_|(?:def|org)[-_.]|g_|cc_base_)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_LEFT, _RIGHT = {"left", "l", "lf", "lft", "lt"}, {"right", "r", "rt", "rgt"}
_CENTRE = {"m", "x", "c"}
_NOISE = {
    "joint",
    "jnt",
    "jt",
    "bone",
    "bn",
    "bnd",
    "skin",
    "bind",
    "sk",
    "skel",
    "stretch",
    "bend",
    "rig",
    "def",
    "deform",
}
_HELPERS = {
    "twist", "tw", "roll", "ik", "fk", "pole", "target", "tgt", "mch", "helper", "share", "end", "nub", "tip", "leaf", "ctrl",
    "control", "controller", "effector", "corrective", "prop", "weapon", "socket", "attach", "attachment", "dummy", "marker",
    "tweak", "master", "parent", "handle", "scale", "offset", "heel", "cancel", "dbone", "eff", "goal", "hold", "holder",
}  # fmt: skip
_JOINED_NOISE = re.compile(r"(?:bend|stretch|joint|jnt|bone)$")
_JOINED_HELPERS = re.compile(r"(?:twist|nub|end|roll|helper|sharebone|ik|fk|ctrl)\d*$")

# MikuMikuDance and its kin. Longer words come first: what is left of a name must be nothing but digits.
_JAPANESE = {
    "つま先": "toe", "足先": "toe", "足首": "ankle", "手首": "wrist", "ひざ": "knee", "膝": "knee", "ひじ": "elbow",
    "肘": "elbow", "上半身": "spine", "下半身": "lowerbody", "センター": "center", "グルーブ": "groove",
    "全ての親": "root", "親指": "thumb", "人差指": "index", "人指": "index", "中指": "middle", "薬指": "ring",
    "小指": "pinky", "目": "eye", "腰": "waist", "肩": "shoulder", "腕": "arm", "足": "leg", "脚": "leg", "首": "neck",
    "頭": "head", "捩": "twist", "先": "tip", "キャンセル": "cancel", "親": "parent", "太もも": "thigh",
    "大腿": "thigh", "小腿": "calf", "手": "hand", "胸": "chest", "尻": "hips", "髪": "hair", "左": "left", "右": "right",
}  # fmt: skip
_JAPANESE_PARTS = re.compile("|".join(sorted(_JAPANESE, key=len, reverse=True)))
_NOT_LATIN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


class Part(NamedTuple):
    """A name taken apart.

    Attributes:
        side: "Left", "Right" or "".
        stem: What it names, without side, decoration and case: "upperarm", "spine2", "handindex1".
        helper: Whether it is not the part itself but something beside it: twist, IK handle, end, control.
        spare: Whether another tool's layer of the same part goes before it (Rigify's ORG bones).
    """

    side: str
    stem: str
    helper: bool
    spare: bool


@lru_cache(maxsize=8192)
def split_side(name: str) -> tuple[str, str]:
    """A joint name as ("Left", "Right" or "", stem): "mixamorig:LeftUpLeg" -> ("Left", "upleg"), "lShldr" -> ("Left", "shldr")."""
    side, words = _split(_without_space(readable(name)))
    return side, "".join(words)


@lru_cache(maxsize=8192)
def part(name: str) -> Part:
    """A name taken apart for telling what it names; decoration that a whole file shares is taken off before (`undecorated`)."""
    text = readable(name)
    spare = text.lower().startswith(("org-", "org_", "mch-", "mch_"))
    side, words = _split(_without_space(text))
    helper = any(w in _HELPERS for w in words) or text.lower().startswith(("mch-", "mch_", "vis_", "vis-"))
    words = [w for w in words if w not in _NOISE]
    if len(words) > 1 and words[0] in _CENTRE:
        words = words[1:]
    if len(words) > 1 and words[-1] in _CENTRE:
        words = words[:-1]
    while len(words) > 1 and words[0].isdigit():  # "01_hips"
        words = words[1:]
    stem = _JOINED_NOISE.sub("", "".join(words)) or "".join(words)
    helper = helper or _JOINED_HELPERS.search(stem) is not None
    if not side:
        side, stem = _joined_side(stem)
    return Part(side, stem, helper, spare)


def undecorated(names: Sequence[str]) -> list[str]:
    """Names without what nearly all of them begin or end with: "hero_LeftArm_jnt" -> "LeftArm", "LeftArm_047" -> "LeftArm"."""
    result = [readable(n) for n in names]
    if len(result) < 8:
        return result
    numbered = [n for n in result if re.search(r"_\d{2,}$", n)]
    if len(numbered) > 0.8 * len(result) and len({n.rpartition("_")[2] for n in numbered}) > 0.8 * len(numbered):
        result = [re.sub(r"_\d{2,}$", "", n) for n in result]
    prefix = _shared_start(result)
    result = [n[len(prefix) :] if n.startswith(prefix) and len(n) > len(prefix) else n for n in result]
    suffix = _shared_start([n[::-1] for n in result])[::-1]
    return [n[: -len(suffix)] if suffix and n.endswith(suffix) and len(n) > len(suffix) else n for n in result]


def _shared_start(names: list[str]) -> str:
    """The longest beginning, ending in a separator, that more than four in five names share."""
    best = ""
    for end in range(2, 40):
        starts: dict[str, int] = {}
        for n in names:
            if len(n) >= end and n[end - 1] in "_-:|. ":
                starts[n[:end]] = starts.get(n[:end], 0) + 1
        if starts:
            start, count = max(starts.items(), key=lambda item: item[1])
            if count > 0.8 * len(names) and start.strip("_-:|. ").lower() not in _LEFT | _RIGHT:
                best = start
    return best


@lru_cache(maxsize=8192)
def readable(name: str) -> str:
    """A name in plain letters: full-width forms narrowed, Japanese names that were read in the wrong encoding repaired."""
    text = name
    if any("\x80" <= c <= "\xff" for c in text) or "�" in text:
        for wrong, right in (("latin-1", "shift_jis"), ("cp1252", "shift_jis"), ("latin-1", "gbk"), ("cp1252", "gbk")):
            try:
                attempt = text.encode(wrong).decode(right)
            except UnicodeError:
                continue
            if _JAPANESE_PARTS.search(attempt):
                text = attempt
                break
    return unicodedata.normalize("NFKC", text)


def _without_space(name: str) -> str:
    while True:
        shorter = _SPACE.sub("", name.strip())
        if shorter == name or not shorter:
            return name
        name = shorter


def _split(name: str) -> tuple[str, list[str]]:
    """Side and words of a name without name space."""
    if _NOT_LATIN.search(name):
        name = _JAPANESE_PARTS.sub(lambda m: f" {_JAPANESE[m.group()]} ", name)
        name = re.sub(r"(?<= )D(?=$|[ _])", " dbone ", name)  # doubles that follow the bone of the same name
        name = re.sub(r"(?<= )[PC](?=$|[ _])", " helper ", name)
    words = [w.lower() for w in _WORDS.findall(name)]
    words = [w for w in words if not (w.isdecimal() and int(w) <= 1 and w.startswith("0"))]  # upperarm_01_l, neck_01
    if len(words) > 1 and words[0] in ("c", "joint", "jnt", "bone"):
        words = words[1:]
    for tokens, side in ((_LEFT, "Left"), (_RIGHT, "Right")):
        marks = [i for i, w in enumerate(words) if w in tokens] if len(words) > 1 else []
        if marks and any(not w.isdigit() for i, w in enumerate(words) if i != marks[0]):
            del words[marks[0]]
            return side, words
    side, stem = _joined_side("".join(words))
    return (side, [stem]) if side else ("", words)


def _joined_side(stem: str) -> tuple[str, str]:
    """Side and part of one word: "leftupleg" -> ("Left", "upleg"), "kneeright" -> ("Right", "knee"); known parts only."""
    bare = stem.rstrip("0123456789")
    tail = stem[len(bare) :]
    for word, side in (("left", "Left"), ("right", "Right"), ("l", "Left"), ("r", "Right")):
        if bare.startswith(word) and bare[len(word) :] in _STEMS:
            return side, bare[len(word) :] + tail
        if len(word) > 1 and bare.endswith(word) and bare[: -len(word)] in _STEMS:
            return side, bare[: -len(word)] + tail
    return "", stem
