"""How far corrections are believed: by what can be seen of a gap, never by the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.errors import CheckpointError
from farandole.generation.curve_correction.trust import COLUMNS, PARTS, BodyParts, gap_signs, trusted_share
from farandole.generation.inbetween import fill_kept
from farandole.generation.patterns import kept_frames
from farandole.models.abilities import CurveTrust
from farandole.motion import rotations as rot
from farandole.motion.interpolation import hermite_between
from farandole.motion.motion import Motion


def corrected(take: Motion, kept: np.ndarray, metres: float) -> tuple[Motion, Motion]:
    """Curves, and the same with the whole body moved aside in gaps."""
    curves = hermite_between(take, kept)
    aside = np.array([metres, 0.0, 0.0]) * ~kept[:, None]
    return curves, replace(curves, root_positions=curves.root_positions + aside)


def test_every_joint_belongs_to_a_part(take: Motion) -> None:
    parts, names = BodyParts.of(take.skeleton), take.skeleton.names
    of = {part: {names[j] for j in np.flatnonzero(parts.number == k)} for k, part in enumerate(PARTS)}
    assert {"LeftUpLeg", "RightFoot"} <= of["legs"]
    assert {"LeftShoulder", "RightArm", "LeftHand"} <= of["arms"]
    assert {"Hips", "Spine", "Head"} <= of["trunk"]
    aside = parts.own(take.positions + np.array([1.0, 0.0, 0.0])) - parts.own(take.positions)
    np.testing.assert_allclose(parts.means(aside[..., 0]), np.tile([1.0, 0.0, 0.0], (len(take), 1)), atol=1e-9)


def test_signs_are_those_of_each_gap_and_part(take: Motion) -> None:
    kept = kept_frames(len(take), keep=[0, 15, 45, 46, 239])
    curves, made = corrected(take, kept, 0.1)
    signs, trunk = gap_signs(curves, made, kept), BodyParts.of(take.skeleton).number == 0
    assert signs.columns.shape == (3, len(PARTS), len(COLUMNS))
    np.testing.assert_allclose(np.exp(signs.columns[:, 1, 1]), [1.0, 2.0, 193 / 15])  # half seconds
    assert (np.bincount(signs.number) == [14, 29, 192]).all()
    way = [
        np.linalg.norm((take.positions[b] - take.positions[a])[trunk], axis=-1).mean()
        for a, b in ((0, 15), (15, 45), (46, 239))
    ]
    np.testing.assert_allclose(np.exp(signs.columns[:, 0, 4]), [(0.1 + 1e-3) / (w + 1e-3) for w in way])
    other = gap_signs(curves, corrected(take, kept, 0.2)[1], kept)
    np.testing.assert_allclose((other.columns - signs.columns)[:, 0, 3], np.log(4.0), atol=1e-3)
    # The body moved as a whole: nothing of it is a correction of limbs.
    np.testing.assert_allclose(other.columns[:, 1:], signs.columns[:, 1:], atol=1e-9)
    np.testing.assert_array_equal(other.columns[..., [0, 1, 2, 5]], signs.columns[..., [0, 1, 2, 5]])


def test_shares_lie_between_nothing_and_caution_part_by_part(take: Motion) -> None:
    kept = kept_frames(len(take), keep=[0, 15, 45, 46, 239])
    curves, made = corrected(take, kept, 0.1)
    assert (gap_signs(curves, made, kept).most > 0.99).all()  # it stands, and no gap is short
    nothing, length = (0.0,) * 6, (0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    share = trusted_share(curves, made, kept, CurveTrust(trunk=nothing, legs=length, arms=nothing, caution=0.5))
    number = BodyParts.of(take.skeleton).number
    assert share[kept].max() == share[:, number != 1].max() == 0.0
    np.testing.assert_allclose(
        share[[5, 30, 100]][:, number == 1], np.tile([[0.0], [0.5 * np.log(2.0)], [0.5]], (number == 1).sum())
    )
    with pytest.raises(CheckpointError, match="caution must be from 0 to 1"):
        CurveTrust(nothing, nothing, nothing, 1.5)


def test_nothing_is_kept_in_short_gaps_and_of_a_body_that_lies(take: Motion) -> None:
    kept = kept_frames(len(take), keep=[0, 6, 30, 239])
    curves, made = corrected(take, kept, 0.1)
    np.testing.assert_allclose(gap_signs(curves, made, kept).most, [0.0, 1.0, 1.0], atol=1e-6)
    down = rot.from_rotvec(np.array([np.pi / 2, 0.0, 0.0]))
    lying = take.rotations.copy()
    lying[:, 0] = rot.multiply(np.broadcast_to(down, lying[:, 0].shape), lying[:, 0])
    curves, made = corrected(replace(take, rotations=lying), kept, 0.1)
    np.testing.assert_allclose(gap_signs(curves, made, kept).most, 0.0, atol=1e-6)
    share = trusted_share(curves, made, kept, CurveTrust(*[(1.0, 0.0, 0.0, 0.0, 0.0, 0.0)] * 3))
    np.testing.assert_allclose(share, 0.0, atol=1e-6)


def test_the_shipped_model_leaves_short_gaps_to_the_curves(take: Motion) -> None:
    assert find_checkpoint("inbetween").completion.trust is not None
    far = lambda every: np.abs(  # noqa: E731
        fill_kept(take, kept_frames(len(take), every=every), feet=False)[0].positions
        - hermite_between(take, kept_frames(len(take), every=every)).positions
    ).max()
    assert far(4) < 0.01
    assert far(40) > 0.05
