"""What a model made to follow a motion, on the motion's own skeleton and at its frame rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import names
from farandole.motion.edit import concatenate, move
from farandole.motion.interpolation import resample_smoothly
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.root_travel import carried_by_root, travelling_like

STOOD = 4.0
"""Seconds before its end that tell on what level a motion stands."""
BLEND = 0.3
"""Seconds over which the join is smoothed."""


def follow(motion: Motion, made: Motion) -> Motion:
    """A motion and what was made to follow it on a model's body.

    The join is smoothed over 0.3 s after it. The dancer stays on the level where the motion's feet stood, and parts the model
    does not know (fingers) stay as they ended.

    Raises:
        RetargetError: If the skeleton is not humanoid.
    """
    if motion.skeleton != made.skeleton:
        made = _hold_the_rest(retarget(made, motion), motion)
    made = replace(_on_the_level_of(motion, resample_smoothly(made, motion.fps)), layout=motion.layout)
    if motion.translations is None:
        return replace(concatenate([motion, made], blend=BLEND), name=motion.name)
    whole = concatenate([carried_by_root(motion), carried_by_root(made)], blend=BLEND)
    new = travelling_like(whole.slice(len(motion), None), motion)
    both = lambda a, b: np.concatenate((a, b))  # noqa: E731
    return replace(
        motion,
        rotations=both(motion.rotations, new.rotations),
        root_positions=both(motion.root_positions, new.root_positions),
        translations=both(motion.translations, new.translations),
    )


def _hold_the_rest(made: Motion, motion: Motion) -> Motion:
    """Joints that retargeting leaves at rest, as they are at the end of `motion`."""
    still = np.abs(made.rotations[..., 1:]).max(axis=(0, 2)) < 1e-9
    still[0] = False
    rotations = made.rotations.copy()
    rotations[:, still] = motion.rotations[-1, still]
    return replace(made, rotations=rotations)


def _on_the_level_of(motion: Motion, made: Motion) -> Motion:
    """Moved up or down so that feet stand as high as in the last seconds of `motion`, wherever its file has the floor."""
    roles = names.humanoid_roles(motion.skeleton)
    ankles = [roles[f"{side}Foot"] for side in names.SIDES]
    last = motion.slice(-round(STOOD * motion.fps), None) if len(motion) > STOOD * motion.fps else motion
    low, other = (float(np.quantile(m.positions[:, ankles, 1].min(axis=1), 0.1)) for m in (last, made))
    return move(made, (0.0, low - other, 0.0))
