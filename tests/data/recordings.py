"""Small recordings in the formats of real corpora."""

import pickle

import numpy as np
import soundfile

from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.layout import FileLayout
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton


def dancer(seconds=3.0, fps=30.0, seed=0, skeleton=None):
    """A body that sways and walks."""
    skeleton = skeleton or house_skeleton()
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * fps)) / fps
    swing = rng.normal(size=(len(skeleton), 3)) * 0.2
    local = rot.from_rotvec(swing * np.sin(2 * t[:, None, None] + rng.uniform(0, 6, (len(skeleton), 1))))
    path = np.stack((np.sin(t), 0.9 + 0.02 * np.sin(6 * t), 0.3 * t), axis=1)
    return Motion(skeleton, local, path, fps, name="dancer")


def beeps(path, seconds, bpm=120.0, rate=8000):
    """A sound file with a beep on every beat."""
    t = np.arange(round(seconds * rate)) / rate
    phase = t % (60 / bpm)
    sound = 0.5 * np.sin(2 * np.pi * 440 * t) * np.exp(-phase * 20)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound.astype(np.float32), rate)
    return path


def pairs(folder, names, seconds=3.0):
    """BVH and wav files of the same names."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        dancer(seconds, seed=seed).save(folder / f"{name}.bvh", force=True)
        beeps(folder / f"{name}.wav", seconds)
    return folder


def aistpp(folder, sequences, ignored=(), seconds=2.0):
    """Annotations as AIST++ has them.

    motions/<sequence>.pkl: a dictionary, pickle protocol 4, of smpl_poses float64 [T, 72] (rotation vectors, global orientation
    first), smpl_trans float64 [T, 3] (in units of smpl_scaling per metre), smpl_scaling float64 [1] and smpl_loss, a float.
    splits/crossmodal_{train,val,test}.txt: one name a line. ignore_list.txt: likewise, with a blank line and a blank at a line's
    end, as in the original. Music: <piece>.wav, longer than the dances. Beside them lie splits/pose_*.txt, splits/all.txt,
    cameras/ and keypoints3d/; nothing reads the last three.

    Args:
        sequences: Name -> split.
    """
    (folder / "motions").mkdir(parents=True)
    (folder / "splits").mkdir()
    for seed, name in enumerate(sequences):
        rng = np.random.default_rng(seed)
        t = np.arange(round(60 * seconds)) / 60
        data = {
            "smpl_loss": 0.01,
            "smpl_poses": rng.normal(0, 0.2, 72) * np.sin(3 * t)[:, None],
            "smpl_scaling": np.array([95.0]),
            "smpl_trans": np.stack((10 * np.sin(t), 110 + 0 * t, 20 * t), axis=1),
        }
        (folder / "motions" / f"{name}.pkl").write_bytes(pickle.dumps(data, protocol=4))
        beeps(folder / "wav" / f"{name.split('_')[-2]}.wav", seconds + 3, rate=30720)
    for split in ("train", "val", "test"):
        names = [n for n, s in sequences.items() if s == split]
        (folder / "splits" / f"crossmodal_{split}.txt").write_text("".join(f"{n}\n" for n in names))
        others = [n for n, s in sequences.items() if s and (s if s == "test" else "train") == split]
        (folder / "splits" / f"pose_{split}.txt").write_text("".join(f"{n}\n" for n in others))
    (folder / "splits" / "all.txt").write_text("".join(f"{n}\n" for n in sequences))
    (folder / "cameras").mkdir()
    (folder / "cameras" / "mapping.txt").write_text("".join(f"{n} setting1\n" for n in sequences))
    (folder / "keypoints3d").mkdir()
    for name in sequences:
        (folder / "keypoints3d" / f"{name}.pkl").write_bytes(b"not to be opened")
    (folder / "ignore_list.txt").write_text("".join(f"{n} \n" for n in ignored) + "\n")
    return folder


# Joint, parent and offset (cm) of LAFAN1's files: bones lie along the parent's x axis.
_LAFAN1 = (
    ("Hips", None, (0.0, 0.0, 0.0)),
    *((f"{s}{n}", p if n == "UpLeg" else f"{s}{p}", o) for s, z in (("Left", 10.5), ("Right", -10.5)) for n, p, o in (
        ("UpLeg", "Hips", (0.1, 1.9, z)), ("Leg", "UpLeg", (43.5, 0.0, 0.0)), ("Foot", "Leg", (42.4, 0.0, 0.0)),
        ("Toe", "Foot", (17.3, 0.0, 0.0)))),
    ("Spine", "Hips", (6.9, -2.6, 0.0)), ("Spine1", "Spine", (12.6, 0.0, 0.0)), ("Spine2", "Spine1", (12.3, 0.0, 0.0)),
    ("Neck", "Spine2", (25.8, 0.0, 0.0)), ("Head", "Neck", (11.8, 0.0, 0.0)),
    *((f"{s}{n}", p if n == "Shoulder" else f"{s}{p}", o) for s, z in (("Left", 6.0), ("Right", -6.0)) for n, p, o in (
        ("Shoulder", "Spine2", (19.7, -1.5, z)), ("Arm", "Shoulder", (11.3, 0.0, 0.0)),
        ("ForeArm", "Arm", (33.0, 0.0, 0.0)), ("Hand", "ForeArm", (25.2, 0.0, 0.0)))),
)  # fmt: skip


def amass(folder, takes, seconds=2.0, fps=120.0):
    """Archives as AMASS (SMPL-H) has them, in a z-up world: <data set>/<subject>/<take>_poses.npz.

    poses float64 [T, 156]: rotation vectors, rad: global orientation (3), 21 body joints (63), fingers of the left and of the
    right hand (45 each). trans float64 [T, 3], m. mocap_framerate float64 []. gender str []. betas float64 [16], body shape.
    dmpls float64 [T, 8], soft tissue. Beside them <data set>/<subject>/shape.npz with the subject's shape (no poses), and, as in
    the newer release for SMPL-X, an object pickled into an archive.

    Args:
        takes: "<data set>/<subject>/<take>" of each.

    Returns:
        Name of the file -> what is in it.
    """
    written = {}
    for seed, take in enumerate(takes):
        rng = np.random.default_rng(seed)
        t = np.arange(round(seconds * fps)) / fps
        poses = rng.normal(0, 0.2, 156) * np.sin(3 * t)[:, None]
        # The body's own up is y: in the recording's world, it stands along z and faces -y, and turns to the left.
        upright = rot.from_axis_angle(np.array([1.0, 0.0, 0.0]), 0.5 * np.pi)
        left = rot.from_axis_angle(np.array([0.0, 0.0, 1.0]), 0.4 * t)
        poses[:, :3] = rot.to_rotvec(rot.multiply(left, np.broadcast_to(upright, left.shape)))
        data = {
            "poses": poses,
            "trans": np.stack((0.5 * t, np.sin(t), 0.95 + 0.02 * np.sin(6 * t)), axis=1),
            "mocap_framerate": np.array(fps),
            "gender": np.array("female"),
            "betas": rng.normal(size=16),
            "dmpls": rng.normal(size=(len(t), 8)),
        }
        path = folder / f"{take}_poses.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **data, markers_latent_vids=np.array({"ARIEL": 411}, dtype=object))
        np.savez(path.parent / "shape.npz", betas=data["betas"], gender=data["gender"])
        written[path.name] = data
    return written


def lafan1(folder, names, seconds=2.0, fps=30.0):
    """BVH files as LAFAN1 has them: 22 joints, centimetres, root with XYZ position and ZYX rotation, others ZYX rotation."""
    joints = [n for n, *_ in _LAFAN1]
    parents = [-1 if p is None else joints.index(p) for _, p, _ in _LAFAN1]
    body = Skeleton(joints, parents, np.array([o for *_, o in _LAFAN1]) / 100)
    turns = ("Zrotation", "Yrotation", "Xrotation")
    layout = FileLayout(body.names, (("Xposition", "Yposition", "Zposition", *turns), *[turns] * 21), 0.01)
    folder.mkdir(parents=True, exist_ok=True)
    from farandole.motion.files.bvh import write_bvh

    for seed, name in enumerate(names):
        motion = dancer(seconds, fps, seed, body)
        # The root stands the body up: its x axis along the legs' bones points down, the spine is turned back up.
        local = motion.rotations.copy()
        up = rot.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.pi / 2)
        down = rot.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.pi)
        local[:, 0] = rot.multiply(np.broadcast_to(up, local[:, 0].shape), local[:, 0])
        for thigh in ("LeftUpLeg", "RightUpLeg"):
            local[:, body.index(thigh)] = rot.multiply(
                local[:, body.index(thigh)], np.broadcast_to(down, local[:, 0].shape)
            )
        write_bvh(Motion(body, local, motion.root_positions, fps), folder / f"{name}.bvh", layout=layout)
    return folder


def cmu_salsa(folder, takes, seconds=12.0):
    """BVH files named and built as the public conversions of CMU's salsa: their joints and unit, 60 fps, afloat, one torn frame."""
    from farandole.data.starter.groove.dancer import steady_groove
    from farandole.data.starter.salsa import _FROM_CMU, SOURCE_UNIT

    unit = 100 * SOURCE_UNIT  # our writer gives centimetres, and their files have units of their own
    house = house_skeleton()
    ours = [n for n in house.names if n in _FROM_CMU]
    parents = []
    for name in ours:
        above = house.parents[house.index(name)]
        while above >= 0 and house.names[above] not in ours:
            above = house.parents[above]
        parents.append(ours.index(house.names[above]) if above >= 0 else -1)
    rest = house.rest_positions[[house.index(n) for n in ours]]
    offsets = [rest[k] - (rest[p] if p >= 0 else 0) for k, p in enumerate(parents)]
    body = Skeleton([_FROM_CMU[n] for n in ours], parents, np.array(offsets) / unit)
    for number, take in enumerate(takes):
        dance = steady_groove(82.0 + number, seconds, seed=number, fps=60.0)
        local = dance.rotations[:, [house.index(n) for n in ours]].copy()
        local[200, ours.index("LeftArm")] = rot.from_rotvec(np.array([2.5, 0.0, 0.0]))
        root = np.add(dance.root_positions, (0.0, 0.04, 0.0)) / unit
        Motion(body, local, root, 60.0, name=take).save(folder / f"salsa_{take}.bvh")
    return folder
