"""What is in a feature folder, for a person to check: sequences, hours, features, splits, problems."""

from __future__ import annotations

from typing import Any

import numpy as np

from farandole.data.feature_folder import CONSTANT, SPLITS, FeatureFolder
from farandole.errors import DataError
from farandole.motion import names, units
from farandole.motion.skeleton import Skeleton


def describe(folder: FeatureFolder) -> dict[str, Any]:
    """Facts of a feature folder in plain values; `problems` lists what is wrong, files that are missing or damaged included."""
    sequences = folder.sequences
    rate = folder.frame_rate or 1.0  # where it is unknown, a frame counts as a second
    seconds = {n: s["frames"] / rate for n, s in sequences.items()}
    problems = [f"{p['name']}: {p['problem']}" for p in folder.problems]
    splits = {}
    for split in SPLITS:
        try:
            names = folder.split(split)
        except DataError as error:
            problems.append(str(error))
            continue
        copies = sum("copy_of" in sequences[n] for n in names)
        splits[split] = {"sequences": len(names), "copies": copies, "hours": sum(seconds[n] for n in names) / 3600}
    features = {}
    for feature, columns in folder.features.items():
        facts: dict[str, Any] = {"columns": len(columns), "constant": [], "smallest": None, "largest": None}
        facts["kind"] = "motion" if feature in folder.codecs else "music"
        try:
            scaler = folder.scaler(feature)
            still = scaler.maximum - scaler.minimum < CONSTANT
            facts["constant"] = [name for name, constant in zip(columns, still, strict=True) if constant]
            facts |= {"smallest": float(scaler.minimum.min()), "largest": float(scaler.maximum.max())}
        except (DataError, ZeroDivisionError) as error:
            problems.append(str(error))
        features[feature] = facts
        problems += _damaged(folder, feature)
    styles: dict[str, int] = {}
    for sequence in sequences.values():
        if "style" in sequence:
            styles[sequence["style"]] = styles.get(sequence["style"], 0) + 1
    lengths = np.array(list(seconds.values())) if seconds else np.zeros(1)
    split_of = {n: split for split in splits for n in folder.split(split)}
    return {
        "kind": "feature folder",
        "sequences": len(sequences),
        "hours": float(lengths.sum() / 3600),
        "shortest_s": float(lengths.min()),
        "longest_s": float(lengths.max()),
        "fps": folder.frame_rate,
        "joints": len(folder.skeleton) if folder.has_skeleton else None,
        "height_m": _height(folder.skeleton) if folder.has_skeleton else None,
        "styles": styles,
        "features": features,
        "splits": splits,
        "licence": folder.licence,
        "problems": problems,
        "each": {
            n: {**facts, "seconds": seconds[n], "split": split_of.get(n, ""), "sources": folder.sources(n)}
            for n, facts in sequences.items()
        },
    }


def _height(skeleton: Skeleton) -> float:
    """Standing height, m; also of bodies that do not rest standing."""
    roles = names.find_roles(skeleton)
    if any(role not in roles for role in names.ESSENTIAL):
        return skeleton.height
    return units.body_height(skeleton, roles, axis=1)


def _damaged(folder: FeatureFolder, feature: str) -> list[str]:
    """Arrays that are missing, cut off or of another shape than corpus.json says."""
    found = []
    for name, facts in folder.sequences.items():
        try:
            frames = len(folder.load(name, feature))
        except DataError as error:
            found.append(str(error))
            continue
        if frames not in (facts["frames"], 1):  # 1: a label of the whole sequence
            found.append(f"{name}: {feature} has {frames} frames, but {facts['frames']} were expected")
    return found
