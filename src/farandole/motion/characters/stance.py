"""Where the feet of a motion stand, and how a character's feet come to stand there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.motion import kinematics, names, retarget
from farandole.motion import rotations as rot
from farandole.motion.characters.body import Body
from farandole.motion.characters.soles import Sole, find_soles
from farandole.motion.characters.solve import NodePose, Solver
from farandole.motion.feet import runs
from farandole.motion.ik import two_bone
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

_LOW, _SLOW = 0.035, 0.45  # a foot stands below this height (share of the leg) and speed (legs per second)
_HIGH = 0.12  # height of a sole (share of the leg) from which it need not be as high as the motion's
_ANKLE = (0.03, 0.18)  # heights an ankle may have, as a share of the leg
_FAR = 0.3  # distance of the hips joint from the legs, as a share of the leg, from which it is none of the pelvis
_DRIFT = 0.3  # distance (share of the leg) by which a standing foot may be off its leg's own way before it follows
_REST = 0.1  # legs per second below which a foot rests
_FOLLOW = 0.15  # share of its movement by which a resting foot may be off
_LEVEL = 0.15  # greatest correction of the hips' height, as a share of the leg
_ROUNDS = 8


@dataclass(frozen=True)
class Steps:
    """What the feet of a motion do, in its own lengths; left and right.

    Attributes:
        balls: World positions of the balls of the feet, [T, 2, 3] m.
        clearance: Height of the lowest point of each sole above the floor, [T, 2] m.
        standing: Whether each foot stands, [T, 2] bool.
        hips: World positions of the hips above the floor, [T, 3] m.
        ankle: Height of the ankle of a foot that stands flat, m.
        leg: Length of a leg, m.
    """

    balls: Array
    clearance: Array
    standing: Array
    hips: Array
    ankle: float
    leg: float


def find_steps(motion: Motion) -> Steps:
    """Soles, floor and stances of a motion. The floor is where its feet are lowest, whatever height the file gives it."""
    skeleton, roles = motion.skeleton, retarget.source_roles(motion)
    leg = retarget.leg_length(skeleton, roles)
    frames = retarget.anatomy_frames(skeleton, roles, motion)
    ankle, toe_height = _heights(motion, roles, leg)
    balls, lowest, heels = [], [], []
    for side in names.SIDES:
        foot = roles[side + "Foot"]
        turn = rot.multiply(motion.global_rotations[:, foot], frames[side + "Foot"])
        at = motion.positions[:, foot]
        heel = at + rot.rotate(turn, np.array([0.0, -ankle, -0.05 * leg]))
        if side + "ToeBase" in roles:
            toe = roles[side + "ToeBase"]
            bend = rot.multiply(motion.global_rotations[:, toe], frames[side + "ToeBase"])
            joint, down = motion.positions[:, toe], toe_height
        else:
            bend, joint, down = turn, at + rot.rotate(turn, np.array([0.0, 0.0, 0.13 * leg])), ankle
        tip = skeleton.end_sites.get(skeleton.names[roles.get(side + "ToeBase", foot)])
        reach = min(float(np.linalg.norm(tip)) if tip is not None else 0.06 * leg, 0.1 * leg)
        ball = joint + rot.rotate(bend, np.array([0.0, -down, 0.0]))
        end = joint + rot.rotate(bend, np.array([0.0, -down, reach]))
        balls.append(joint)
        heels.append(heel)
        lowest.append(np.minimum(np.minimum(heel[:, 1], ball[:, 1]), end[:, 1]))
    low = np.stack(lowest, 1)
    floor = float(np.quantile(low.min(1), 0.05))
    clearance = low - floor
    ball, heel = np.stack(balls, 1), np.stack(heels, 1)
    speed = np.minimum(
        *(np.linalg.norm(kinematics.velocity(p, motion.fps)[..., [0, 2]], axis=-1) for p in (ball, heel))
    )
    standing = (clearance < _LOW * leg) & (speed < _SLOW * leg)
    hips = motion.positions[:, roles["Hips"]] - np.array([0.0, floor, 0.0])
    return Steps(ball, clearance, standing, hips, ankle, leg)


def _heights(motion: Motion, roles: dict[str, int], leg: float) -> tuple[float, float]:
    """Heights of ankle and toe joint above the sole of a foot that stands flat, m.

    From the rest pose if it stands, else from the lowest that is seen of both; where neither makes sense (an end site below the
    floor, a floor at another height), usual ones.
    """
    skeleton = motion.skeleton
    toes = [s + "ToeBase" for s in names.SIDES if s + "ToeBase" in roles]
    if retarget.rests_standing(skeleton, roles):
        rest = skeleton.rest_positions[:, 1]
        ankle = retarget.ankle_height(skeleton, roles, None)
        toe = (
            ankle - float(np.mean([rest[roles[t[:-7] + "Foot"]] - rest[roles[t]] for t in toes]))
            if toes
            else 0.03 * leg
        )
    else:
        low = lambda joints: float(np.quantile(motion.positions[:, [roles[j] for j in joints], 1].min(axis=1), 0.05))  # noqa: E731
        ankle, toe = low([s + "Foot" for s in names.SIDES]), low(toes) if toes else 0.03 * leg
        if not 0.0 <= toe < ankle:
            ankle, toe = ankle - toe + 0.03 * leg, 0.03 * leg
    if not _ANKLE[0] * leg < ankle < _ANKLE[1] * leg:
        ankle = 0.085 * leg
    return ankle, float(np.clip(toe, 0.0, ankle))


class Feet:
    """The feet of a body on the floor."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.soles, self.floor = find_soles(body)
        self.ankle = np.mean([body.positions[body.roles[s + "Foot"]][1] for s in names.SIDES]) - self.floor

    def hips(self, motion: Motion, steps: Steps, turn: Array) -> Array:
        """World positions [T, 3] of the hips joint for a motion whose hips turn by `turn` [T, 4] from the bind pose.

        The joint goes the way of the motion's hips, scaled by the length of the legs, at the height at which the tops of the legs
        are as high above the ankles. A hips joint far from the legs (on the floor) is carried by where they part instead.
        """
        body, ratio = self.body, self.body.leg_length / steps.leg
        source = retarget.source_roles(motion)
        rest, own = motion.skeleton.rest_positions, body.positions
        middle = lambda p, r: 0.5 * (p[r["LeftUpLeg"]] + p[r["RightUpLeg"]])  # noqa: E731
        above = (rest[source["Hips"]] - middle(rest, source)) * retarget.rests_standing(motion.skeleton, source)
        arm = own[body.roles["Hips"]] - middle(own, body.roles)
        path = rot.rotate(body.facing, steps.hips * ratio)
        path[:, 1] += self.ankle - (steps.ankle + above[1]) * ratio
        if np.linalg.norm(arm) > _FAR * body.leg_length:
            return path + rot.rotate(turn, arm)
        return path + np.array([0.0, arm[1], 0.0])

    def stand(self, solver: Solver, steps: Steps, turns: dict[int, Array], places: dict[int, Array], fps: float,
              shift: Array) -> dict[int, NodePose]:  # fmt: skip
        """Node poses with the feet where they stand and every sole above the floor; `turns` of the legs are changed.

        Args:
            shift: What was taken from the path of the hips, [T, 3].
        """
        ratio = self.body.leg_length / steps.leg
        hips = self.body.roles["Hips"]
        poses = solver.solve(turns, places)
        level = self._level(poses, steps, ratio)
        if abs(level) > 1e-3 * self.body.leg_length:
            places[hips] = places[hips] + np.array([0.0, level, 0.0])
            poses = solver.solve(turns, places)
        offsets = [self._off_ground(poses, steps, foot, ratio, shift, fps) for foot in range(2)]
        targets: list[Array] = []
        for foot, side in enumerate(names.SIDES):
            ankle = poses[self.body.roles[side + "Foot"]].position
            targets.append(ankle + offsets[foot])
        sink = self._sink(poses, targets, fps)
        if sink.min() < -1e-6:
            places[hips] = places[hips] + sink[:, None] * np.array([0.0, 1.0, 0.0])
            poses = solver.solve(turns, places)
        # Once, but under uneven scales bones change their lengths as they turn: there half the way each time, until it is gone.
        ankles = [self.body.roles[side + "Foot"] for side in names.SIDES]
        step = 1.0
        for _ in range(_ROUNDS):
            for joint, side, target in zip(ankles, names.SIDES, targets, strict=True):
                here = poses[joint].position
                self._reach(poses, turns, side, here + step * (target - here))
            poses = solver.solve(turns, places)
            if solver.even:
                break
            step = 0.5
        return poses

    def _level(self, poses: dict[int, NodePose], steps: Steps, ratio: float) -> float:
        """How much higher the hips must be for the soles to stand, as they are, on the floor: what ankles tell is not exact."""
        off = steps.clearance * ratio - np.stack([self.sole_points(poses, f)[..., 1].min(axis=1) for f in range(2)], 1)
        if steps.standing.mean() < 0.2:
            return 0.0
        level, most = float(np.median(off[np.nonzero(steps.standing)])), _LEVEL * self.body.leg_length
        return min(max(level, -most), most)

    def _off_ground(
        self, poses: dict[int, NodePose], steps: Steps, foot: int, ratio: float, shift: Array, fps: float
    ) -> Array:
        """What a foot must be moved by, [T, 3]: standing soles keep the motion's way, and soles its height above the floor."""
        side = names.SIDES[foot]
        joint = self.body.roles.get(side + "ToeBase", self.body.roles[side + "Foot"])
        way = rot.rotate(self.body.facing, steps.balls[:, foot] * ratio) + shift
        leg = self.body.leg_length
        offset = _held(way - poses[joint].position, steps.standing[:, foot], _free_steps(way, leg, fps), _DRIFT * leg)
        lowest = self.sole_points(poses, foot)[..., 1].min(axis=1)
        wanted = np.maximum(steps.clearance[:, foot] * ratio, 0.0)
        # The nearer to the floor, the more exactly; high up a longer foot may hang lower, but for the floor.
        near = np.clip((_HIGH - wanted / leg) / (_HIGH - _LOW), 0.0, 1.0)
        near = near * near * (3.0 - 2.0 * near)
        above = 0.01 * leg * np.logaddexp(0.0, -lowest / (0.01 * leg))
        offset[:, 1] = near * (wanted - lowest) + (1.0 - near) * above
        return offset

    def sole_points(self, poses: dict[int, NodePose], foot: int) -> Array:
        """World positions of a sole's points, [T, P, 3]."""
        side = names.SIDES[foot]
        sole: Sole = self.soles[foot]
        result = np.zeros((len(poses[self.body.roles[side + "Foot"]].position), len(sole.points), 3))
        for part, share in zip(("Leg", "Foot", "ToeBase"), sole.shares.T, strict=True):
            joint = self.body.roles.get(side + part)
            used = share > 0.0
            if joint is not None and used.any():
                result[:, used] += share[used, None] * self._carried(poses[joint], joint, sole.points[used])
        return result

    def _carried(self, pose: NodePose, joint: int, points: Array) -> Array:
        bind = self.body.world[self.body.nodes[joint]]
        local = (points - bind[:3, 3]) @ np.linalg.inv(bind[:3, :3]).T
        return pose.position[:, None] + local @ np.swapaxes(pose.linear, -1, -2)

    def _sink(self, poses: dict[int, NodePose], targets: list[Array], fps: float) -> Array:
        """How much lower the hips must be for the legs to reach, smooth over time, [T]."""
        from farandole.motion.filters import gaussian_filter1d, minimum_filter1d

        need = np.zeros(len(targets[0]))
        for side, target in zip(names.SIDES, targets, strict=True):
            hip, knee, ankle = (poses[self.body.roles[side + part]].position for part in ("UpLeg", "Leg", "Foot"))
            length = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
            reach = np.maximum(0.995 * length, np.minimum(np.linalg.norm(ankle - hip, axis=-1), length))
            away = target - hip
            flat = np.hypot(away[:, 0], away[:, 2])
            need = np.minimum(need, np.sqrt(np.maximum(reach**2 - flat**2, 0.0)) + away[:, 1])
        need = np.maximum(need, -0.3 * self.body.leg_length)
        width = 0.1 * fps
        return gaussian_filter1d(minimum_filter1d(need, int(2 * width) | 1), width, mode="nearest")

    def _reach(self, poses: dict[int, NodePose], turns: dict[int, Array], side: str, target: Array) -> None:
        upper, lower, foot = (self.body.roles[side + part] for part in ("UpLeg", "Leg", "Foot"))
        pole = rot.rotate(turns[self.body.roles["Hips"]], rot.rotate(self.body.facing, np.array([0.0, 0.0, 1.0])))
        first, second = two_bone(
            poses[upper].position, poses[lower].position, poses[foot].position, target, soft=0.995, pole=pole
        )
        shares = {upper: first, lower: second}
        for joint in solver_between(self.body, upper, lower):
            shares[joint] = first
        for joint in solver_between(self.body, lower, foot):
            shares[joint] = second
        for joint, turn in shares.items():
            if joint in turns:
                turns[joint] = rot.normalize(rot.multiply(turn, turns[joint]))


def solver_between(body: Body, upper: int, lower: int) -> list[int]:
    """Twist bones of a limb's bone."""
    from farandole.motion.humanoid.fingers import twist_bones

    between, beside = twist_bones(body.skeleton, upper, lower)
    return between + [j for j, _ in beside]


def _held(gap: Array, standing: Array, free: Array, drift: float) -> Array:
    """Offsets [T, 3] (horizontal) that keep a standing foot on the motion's way, but for a distance that hardly changes.

    Args:
        gap: From where the leg leads the foot to the motion's way, [T, 3].
        standing: Whether it stands, [T] bool. While it swings the offset passes from the one stance's to the next one's.
        free: By how much the distance may follow the gap from frame to frame, [T - 1].
        drift: Greatest offset; beyond it the foot goes with its leg.
    """
    gap = gap * np.array([1.0, 0.0, 1.0])
    stands = [(a, b) for a, b in runs(standing) if b - a >= 2]
    offset = np.zeros_like(gap)
    if not stands:
        return offset
    known = np.zeros(len(gap), bool)
    for first, last in stands:
        some, room = gap[first:last], free[first : last - 1]
        # From both ends, so that it neither lags nor leads.
        distance = 0.5 * (_followed(some, room) + _followed(some[::-1], room[::-1])[::-1])
        away = some - distance
        reach = np.linalg.norm(away, axis=-1, keepdims=True)
        offset[first:last] = away * np.minimum(1.0, drift / np.maximum(reach, 1e-9))
        known[first:last] = True
    frames, at = np.arange(len(gap)), np.flatnonzero(known)
    before = at[np.clip(np.searchsorted(at, frames, side="right") - 1, 0, len(at) - 1)]
    after = at[np.clip(np.searchsorted(at, frames), 0, len(at) - 1)]
    span = np.maximum(after - before, 1)
    t = np.clip((frames - before) / span, 0.0, 1.0)[:, None]
    ease = t * t * t * (t * (6.0 * t - 15.0) + 10.0)
    return offset[before] * (1.0 - ease) + offset[after] * ease


def _free_steps(way: Array, leg: float, fps: float) -> Array:
    """By how much a foot on the floor may leave the motion's `way` [T, 3] from frame to frame, [T - 1].

    A share of what it moves itself: little while it rests, all while it shuffles and pivots. In a stance that lasts while the body
    turns, what differs between the bodies (width of the hips, length of the feet) turns with it, and would lead the leg away.
    """
    step = np.linalg.norm(np.diff(way[:, [0, 2]], axis=0), axis=1)
    moving = np.clip((step * fps / leg - _REST) / (2.0 * _REST), 0.0, 1.0)
    return step * (_FOLLOW + (1.0 - _FOLLOW) * moving)


def _followed(values: Array, steps: Array) -> Array:
    """What follows `values` [T, 3] from the median of their beginning on, by no more than `steps` [T - 1] from frame to frame."""
    result = np.empty_like(values)
    here = result[0] = np.median(values[: max(len(values) // 4, 2)], axis=0)
    for t, most in enumerate(steps.tolist(), 1):
        away = values[t] - here
        far = float(np.sqrt(away @ away))
        here = result[t] = here + away * (min(1.0, most / far) if far > 0.0 else 0.0)
    return result
