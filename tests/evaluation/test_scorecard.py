"""The scorecard: the range of real takes, what lies outside it, and which of two sets is the better."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from dancers import LAFAN1, LAFAN1_PARENTS, count, groove_dance, stepping, still

from farandole.errors import DataError, MotionError, RetargetError
from farandole.evaluation.figures import FIGURES
from farandole.evaluation.real_range import AS_GOOD_AS_REAL, DANCED, LineRule, RealRange, range_of, real_range
from farandole.evaluation.scorecard import score, scorecard_lines, scorecard_table
from farandole.motion import Motion, Skeleton
from farandole.motion import rotations as rot
from farandole.motion.retarget import retarget


def dances(seeds: range, seconds: float = 24.0) -> tuple[list[Motion], list[np.ndarray]]:
    made = [groove_dance(seed, 100 + 2 * seed, seconds) for seed in seeds]
    return [motion for motion, _ in made], [beats for _, beats in made]


@pytest.fixture(scope="module")
def real() -> RealRange:
    return real_range(*dances(range(9)), "groove", name="grooves")


def exploding(motion: Motion, by: float) -> Motion:
    """The body leaves for `by` m over the dance, ever faster, while its joints spin."""
    share = np.linspace(0, 1, len(motion))
    rng = np.random.default_rng(0)
    spin = rot.from_rotvec(share[:, None, None] * rng.normal(size=(*motion.rotations.shape[:2], 3)))
    leaving = by * share[:, None] ** 2 * np.array([1.0, 1.0, -1.0])
    return replace(
        motion, rotations=rot.multiply(motion.rotations, spin), root_positions=motion.root_positions + leaving
    )


def looped(motion: Motion, frames: int) -> Motion:
    at = np.arange(len(motion)) % frames
    return replace(motion, rotations=motion.rotations[at], root_positions=motion.root_positions[at])


def test_other_takes_of_the_same_dancer_are_as_good_as_real(real: RealRange) -> None:
    card = score(*dances(range(20, 24)), real)
    assert card.counted == len(AS_GOOD_AS_REAL) == 11
    assert card.passed >= 10, str(card)
    assert card.danced_passed >= 10, str(card)
    assert card.distance < 1


@pytest.mark.parametrize(
    ("figure", "change"),
    [
        ("hip_rise", lambda m: replace(m, root_positions=m.root_positions + np.array([0, 0.8, 0]))),
        ("penetration", lambda m: replace(m, root_positions=m.root_positions - np.array([0, 0.1, 0]))),
        ("support_median", lambda m: replace(m, root_positions=m.root_positions + np.arange(len(m))[:, None] * 0.01)),
        ("joint_speed", lambda m: replace(m, fps=m.fps * 3)),
        ("frechet_kinetic", lambda m: replace(m, rotations=m.rotations[np.zeros(len(m), int)])),
        ("frechet_geometric", lambda m: replace(m, rotations=m.rotations[np.zeros(len(m), int)])),
        ("diversity", lambda m: looped(m, 75)),
    ],
)
def test_a_fault_fails_its_line(real: RealRange, figure: str, change) -> None:
    motions, _ = dances(range(20, 22))
    good, bad = score(motions, None, real), score([change(m) for m in motions], None, real)
    assert good[figure].passed
    assert not bad[figure].passed
    assert bad.distance > good.distance
    assert bad < good


def test_a_wrong_tempo_fails_the_beat_and_no_music_leaves_it_out(real: RealRange) -> None:
    motions, beats = dances(range(20, 22))
    wrong = score(motions, [1.31 * b for b in beats], real)
    assert not wrong["coherence_gain"].passed
    silent = score(motions, None, real)
    assert (silent.counted, silent["coherence_gain"].counted) == (10, False)


@pytest.mark.parametrize("by", [100.0, 1e200])
def test_bodies_that_fly_apart_are_scored_without_a_warning(real: RealRange, by: float) -> None:
    motions, beats = dances(range(20, 22))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        card = score([exploding(m, by) for m in motions], beats, real)
    for name in ("joint_speed", "energy_ratio", "jerk", "hip_rise", "frechet_kinetic"):
        assert not card[name].passed, name
    assert np.isfinite(card.distance)
    assert card < score(motions, beats, real)


def test_a_dance_that_could_not_be_made_fails_every_line(real: RealRange) -> None:
    motions, beats = dances(range(20, 22))
    card = score([*motions, None], [*beats, None], real)
    assert (card.passed, card.counted) == (0, 11)
    assert card.names[-1] == "dance 3"
    nothing = score([None], None, real)
    assert nothing.distance == pytest.approx(110)
    assert nothing < card < score(motions, beats, real)


@pytest.mark.parametrize("frames", [1, 2, 3, 20])
def test_scraps_of_motion_do_not_break_it(real: RealRange, frames: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        card = score([still(1).slice(0, frames)], None, real)
    json.dumps(card.as_dict(), allow_nan=False)


def test_another_body_scores_like_the_same_dance(real: RealRange) -> None:
    motions, beats = dances(range(20, 22))
    tall = [
        replace(m, skeleton=m.skeleton.scaled(1.4), root_positions=1.4 * m.root_positions).resample(60) for m in motions
    ]
    long_beats = [
        np.interp(np.arange(len(m)) / 60, np.arange(len(b)) / 30, b) for m, b in zip(tall, beats, strict=True)
    ]
    same, other = score(motions, beats, real), score(tall, long_beats, real)
    assert other.passed >= same.passed - 1
    assert other["joint_speed"].value == pytest.approx(same["joint_speed"].value, rel=0.05)
    offsets = {name: motions[0].skeleton.offsets[j] for j, name in enumerate(motions[0].skeleton.names)}
    rest = [offsets.get({"LeftToe": "LeftToeBase", "RightToe": "RightToeBase"}.get(n, n), [0, 0.06, 0]) for n in LAFAN1]
    named = [retarget(m, Skeleton(LAFAN1, LAFAN1_PARENTS, rest)) for m in motions]
    assert score(named, beats, real).counted == 11


def test_the_better_card_has_more_lines_or_lies_nearer(real: RealRange) -> None:
    motions, beats = dances(range(20, 21))
    lift = lambda by: [replace(m, root_positions=m.root_positions + np.array([0, by, 0])) for m in motions]  # noqa: E731
    good, high, higher = (score(m, beats, real) for m in (motions, lift(0.4), lift(0.5)))
    assert high.passed == higher.passed < good.passed
    assert max((higher, good, high)) is good
    assert higher < high
    assert good.score == (good.passed, -good.distance)


def test_one_style_has_its_own_range() -> None:
    grooves, beats = dances(range(4))
    steps = [stepping(100 + 5 * i, seconds=24, sway=0.2 + 0.1 * i) for i in range(4)]
    both = real_range(
        [*grooves, *steps],
        [*beats, *(count(m, 100 + 5 * i) for i, m in enumerate(steps))],
        ["groove"] * 4 + ["steps"] * 4,
    )
    assert both.styles == ("groove", "steps")
    groove = both.of_style("groove")
    made, made_beats = dances(range(20, 22))
    assert score(made, made_beats, groove).passed > score(made, made_beats, both.of_style("steps")).passed
    assert "groove" in groove.ranges["joint_speed"].source
    with pytest.raises(DataError, match="styles: groove, steps"):
        both.of_style("waltz")


def test_ranges_follow_their_rules() -> None:
    values = np.array([1.0, 2.0, 3.0])
    both = range_of(values, LineRule("jerk", "both"), "takes")
    assert (both.low, both.high, both.real, both.spread) == (0, 4, 2, 1)
    assert not both.holds(4.1)
    assert both.excess(6) == 2
    assert both.excess(float("nan")) == float("inf")
    assert range_of(values, LineRule("jerk", "most", high=9, reason="why"), "takes").high == 9
    assert range_of(values, LineRule("jerk", "most", high=3, reason="why"), "takes").high == 4
    assert range_of(values, LineRule("jerk", "least", low=0.5), "takes").low == 0.5
    assert range_of(values, LineRule("jerk", "demand", 0.7, 1.4, "so"), "takes").source == "a demand: so"
    assert range_of(values, LineRule("jerk", "both", tolerance=5), "takes").high == 7
    many = range_of(np.append(np.linspace(0, 1, 99), 1000.0), LineRule("jerk", "both"), "takes")
    assert many.high < 1.1
    nothing = range_of(np.empty(0), LineRule("jerk", "both"), "takes")
    assert not nothing.known
    assert "no real take" in nothing.source


def test_every_line_is_defined_and_has_a_source(real: RealRange) -> None:
    for rule in (*AS_GOOD_AS_REAL, *DANCED):
        assert rule.figure in FIGURES
        assert real.ranges[rule.figure].source
    assert len({rule.figure for rule in (*AS_GOOD_AS_REAL, *DANCED)}) == 22


def test_a_card_is_written_as_plain_values_lines_and_a_table(real: RealRange) -> None:
    motions, beats = dances(range(20, 22))
    card = score(motions, beats, real, names=["a", "b"])
    data = json.loads(json.dumps(card.as_dict(), allow_nan=False))
    assert (data["passed"], data["counted"], data["dances"]) == (card.passed, 11, ["a", "b"])
    speed = data["lines"][0]
    assert speed["figure"] == "joint_speed"
    assert len(speed["each"]) == 2
    assert speed["low"] <= speed["value"] <= speed["high"]
    assert "9 takes of grooves" in speed["source"]
    table = scorecard_table({"one": card, "broken": score([None], None, real)})
    assert {line.count("|") for line in table.splitlines()} == {6}
    assert "**0 of 11**" in table
    assert card.table().startswith("| | grooves")
    assert scorecard_lines("one", card)[0].startswith(f"one: {card.passed} of 11")
    assert card.numbers()["joint_speed"] == card["joint_speed"].value


def test_what_cannot_be_scored_is_refused(real: RealRange) -> None:
    with pytest.raises(DataError, match="no real takes"):
        real_range([])
    with pytest.raises(MotionError, match="beat count"):
        score([still()], [np.zeros(3)], real)
    snake = Skeleton(["head", "middle", "tail"], [-1, 0, 1], np.ones((3, 3)))
    with pytest.raises(RetargetError):
        score([Motion(snake, rot.identity(9, 3), np.zeros((9, 3)), 30, name="snake")], None, real)


def test_one_take_alone_is_a_yardstick_without_distances() -> None:
    motions, beats = dances(range(1))
    alone = real_range(motions, beats)
    card = score(*dances(range(20, 21)), alone)
    assert not card["frechet_kinetic"].counted
    assert card.counted == 9
