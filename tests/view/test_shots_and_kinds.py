"""Cameras, backgrounds, kinds of video files, and a character's own meshes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from farandole.errors import FarandoleError, FileFormatError, MotionError, OutputError
from farandole.motion.characters import Character
from farandole.motion.edit import heading, turn
from farandole.view.background import colour_code, parse_background
from farandole.view.mesh_figure import MeshFigure, mesh_figure
from farandole.view.png import encode_png
from farandole.view.scene import make_scene
from farandole.view.shots import MODES, SAFE
from farandole.view.video import write_video

from ..motion.characters.dancer import dance
from ..motion.characters.played import Played
from ..motion.characters.rigs import Rig, build
from ..motion.characters.test_rigs import RIGS


def projected(scene, t):
    """Box of all of a scene's points in the picture, in -1..1 both ways: left, right, bottom, top."""
    points, radii = scene.bodies[0].outline(np.array([t]))
    camera = scene.shots.camera(t)
    seen = camera.to_camera(points[0])
    x, y = (
        seen[:, 0] / seen[:, 2] * camera.focal / camera.size[0] * 2,
        seen[:, 1] / seen[:, 2] * camera.focal / camera.size[1] * 2,
    )
    grow = radii / seen[:, 2] * camera.focal * 2
    return (
        (x - grow / camera.size[0]).min(),
        (x + grow / camera.size[0]).max(),
        (y - grow / camera.size[1]).min(),
        (y + grow / camera.size[1]).max(),
    )


@pytest.mark.parametrize("size", [(320, 180), (180, 320)], ids=["wide", "tall"])
@pytest.mark.parametrize("mode", [m for m in MODES if m != "close-up"])
def test_the_dance_fills_the_picture_and_stays_inside(mode, size) -> None:
    scene = make_scene([dance(90)], size=size, fps=30, camera=mode)
    boxes = np.array([projected(scene, t) for t in range(0, 90, 3)])
    assert np.abs(boxes).max() < 1.0
    assert max(np.ptp(boxes[:, :2]), np.ptp(boxes[:, 2:])) > 2 * SAFE * 0.93  # one direction is used to the full


def test_a_close_up_shows_head_to_hips_and_a_fixed_camera_stays() -> None:
    near, far = (make_scene([dance(60)], size=(320, 180), fps=30, camera=mode) for mode in ("close-up", "front"))
    distance = lambda s: np.linalg.norm(s.shots.eyes[30] - s.shots.targets[30])  # noqa: E731
    assert distance(near) < 0.75 * distance(far)
    head = dance(60).positions[30, dance(1).skeleton.index("Head")]
    assert 0 < near.shots.camera(30).project(head)[1] < 180
    fixed = make_scene([dance(60)], size=(320, 180), fps=30, camera="fixed")
    assert np.ptp(fixed.shots.eyes, axis=0).max() == 0.0
    around = make_scene([dance(60)], size=(320, 180), fps=30, camera="orbit")
    step = around.shots.eyes[-1] - around.shots.targets[-1], around.shots.eyes[0] - around.shots.targets[0]
    angle = np.arctan2(step[0][0], step[0][2]) - np.arctan2(step[1][0], step[1][2])
    assert angle == pytest.approx(2 * np.pi * 59 / (30 * 24.0), abs=1e-6)


def test_cuts_fall_on_bars_and_not_too_often() -> None:
    bars = [0.5 + 2.0 * k for k in range(10)]
    scene = make_scene([dance(600)], size=(96, 54), fps=30, bars=bars)
    steps = np.linalg.norm(np.diff(scene.shots.eyes - scene.shots.targets, axis=0), axis=1)
    cuts = np.flatnonzero(steps > 0.3) + 1
    assert len(cuts) >= 3
    assert set(cuts.tolist()) <= {round(b * 30) for b in bars}
    assert np.diff(np.array([0, *cuts.tolist(), 600])).min() >= 3.5 * 30
    with pytest.raises(MotionError, match="no camera 'side'"):
        make_scene([dance(30)], size=(96, 54), fps=30, camera="side")


def test_backgrounds(tmp_path: Path) -> None:
    scene = lambda text: make_scene([dance(30)], size=(96, 54), fps=30, background=parse_background(text, (96, 54)))  # noqa: E731
    green = scene("green").frame(5)
    assert green[2, 2].tolist() == [0, 0xB1, 0x40]
    assert (green != green[2, 2]).any(-1).mean() > 0.02
    clear = scene("transparent").frame(5)
    assert clear.shape == (54, 96, 4)
    assert clear[2, 2].tolist() == [0, 0, 0, 0]
    assert (clear[..., 3] == 255).mean() > 0.01
    photo = np.zeros((30, 90, 3), np.uint8)
    photo[:, 45:] = 255, 128, 0
    (tmp_path / "wall.png").write_bytes(encode_png(photo))
    pictured = scene(str(tmp_path / "wall.png")).frame(5)
    assert pictured[2, 3].tolist() == [0, 0, 0]
    assert np.abs(pictured[2, 93].astype(int) - [255, 128, 0]).max() < 4
    assert colour_code("#f80") == "#ff8800"
    for wrong in ("#12", "nocolour"):
        with pytest.raises(MotionError, match="no colour"):
            parse_background(wrong, (96, 54))
    with pytest.raises(FileFormatError, match="no such picture"):
        parse_background(str(tmp_path / "none.png"), (96, 54))


KINDS = {"clip.mp4": "h264", "clip.webm": "vp9", "clip.mov": "prores", "clip.gif": "gif"}


@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_video(name: str, clicks, tmp_path: Path) -> None:
    path = write_video(dance(20), tmp_path / name, song=clicks, size=(96, 64), fps=20, title="A b", colour="#336699")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == KINDS[name]
        assert len(container.streams.audio) == (0 if name.endswith("gif") else 1)
        assert sum(1 for _ in container.decode(video=0)) == 13  # 20 frames at 30 fps


@pytest.mark.parametrize("name", ["clip.webm", "clip.mov", "clip.gif", "pictures"])
def test_transparent_files(name: str, tmp_path: Path) -> None:
    path = write_video(dance(8), tmp_path / name, size=(96, 64), fps=30, background="transparent")
    if path.is_dir():
        assert [p.name for p in sorted(path.iterdir())] == [f"{k:04d}.png" for k in range(1, 9)]
        path = path / "0004.png"
    with av.open(str(path)) as container:
        if name.endswith("webm"):  # the decoder that is taken for VP9 leaves the alpha out
            told = {key.lower(): value for key, value in container.streams.video[0].metadata.items()}
            assert told["alpha_mode"] == "1"
            return
        alpha = next(container.decode(video=0)).reformat(format="rgba").to_ndarray()[..., 3]
    assert (alpha < 10).mean() > 0.5
    assert (alpha > 245).mean() > 0.01
    with pytest.raises(OutputError, match="cannot be transparent"):
        write_video(dance(8), tmp_path / "no.mp4", background="transparent")
    with pytest.raises(OutputError, match="cannot write '.avi'"):
        write_video(dance(8), tmp_path / "no.avi")


def test_a_song_that_begins_earlier_or_later(clicks, tmp_path: Path) -> None:
    first = {}
    for offset in (0.25, 0.0, -0.4):  # clicks from 0.5 s on
        path = write_video(
            dance(45), tmp_path / f"{offset}.mp4", song=clicks, size=(64, 64), fps=10, song_offset=offset
        )
        with av.open(str(path)) as container:
            sound = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
        first[offset] = np.flatnonzero(np.abs(sound).max(0) > 0.3)[0] / 44100
    for offset, seconds in first.items():
        assert seconds == pytest.approx(0.5 - offset, abs=0.015)


@pytest.mark.parametrize(
    "kind", ["plain", "mixamo", "armature times 100", "root bone", "vrm 0", "nodes rest mid-dance"]
)
def test_a_character_is_drawn_where_its_vertices_are(kind: str, tmp_path: Path) -> None:
    data, _ = build(RIGS[kind])
    (tmp_path / "rig.glb").write_bytes(data)
    character = Character.load(tmp_path / "rig.glb")
    steps = dance(20)
    figure = mesh_figure(character, steps)
    wanted = Played(character.animate(steps)).vertices()[11]
    if kind == "vrm 0":
        wanted = wanted * [-1.0, 1.0, -1.0]  # its file looks along -z
    vertices, normals = figure.frame(11)
    assert vertices.shape == wanted.shape
    np.testing.assert_allclose(vertices, wanted, atol=2e-4 * max(1.0, np.abs(wanted).max()))
    length = np.linalg.norm(normals, axis=1)
    assert (np.abs(length - 1.0) < 1e-4)[length > 0.0].all()  # a corner of no triangle has none
    assert (length > 0.0).mean() > 0.95
    both = replace(
        figure.mesh, looks=tuple(replace(look, two_sided=True) for look in figure.mesh.looks)
    )  # boxes of any winding
    figure = MeshFigure(both, figure.matrices)
    scene = make_scene(
        [steps], size=(160, 160), fps=30, bodies=[figure], background=parse_background("transparent", (160, 160))
    )
    picture = scene.frame(11)
    rows, columns = np.nonzero(picture[..., 3])
    at = scene.shots.camera(11).project(vertices[length > 0.0])
    for seen, points in ((columns, at[:, 0]), (rows, at[:, 1])):
        # Nothing is seen beyond the vertices; tips thinner than a sample may be missed.
        assert points.min() - 1.0 <= seen.min() < points.min() + 6.0
        assert points.max() - 6.0 < seen.max() <= points.max() + 1.0


def test_triangles_meet_without_holes_and_hide_what_is_behind() -> None:
    from farandole.view.camera import Camera
    from farandole.view.mesh_raster import Look, Mesh, mesh_layer

    def plane(z: float, colour) -> tuple:
        rng = np.random.default_rng(3)
        grid = np.stack(np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-1, 1, 9)), -1).reshape(-1, 2)
        inner = (np.abs(grid) < 0.99).all(1)
        grid[inner] += rng.uniform(-0.08, 0.08, (inner.sum(), 2))
        points = np.column_stack((grid, np.full(81, z)))
        cells = np.arange(72).reshape(8, 9)[:, :8].ravel()
        triangles = np.concatenate(
            [np.stack((cells, cells + 1, cells + 10), 1), np.stack((cells, cells + 10, cells + 9), 1)]
        )
        one = np.ones((81, 1))
        mesh = Mesh(
            points.astype(np.float32), np.tile(np.array([0, 0, 1], np.float32), (81, 1)), np.zeros((81, 2), np.float32),
            np.ones((81, 3), np.float32), np.zeros((81, 1), np.int64), one.astype(np.float32), triangles,
            np.zeros(len(triangles), np.int64), (Look(np.array([*colour, 1.0], np.float32), None, 0.0, False),),
        )  # fmt: skip
        return mesh, points, mesh.normals

    camera = Camera(np.array([0.0, 0.0, 6.0]), np.zeros(3), (120, 120), 0.45)
    red, blue = plane(0.0, (1, 0, 0)), plane(-0.5, (0, 0, 1))
    box, colour, alpha = mesh_layer([blue, red], camera)
    assert box is not None
    corners = camera.project(np.array([[-1.0, 1.0, 0.0], [1.0, -1.0, 0.0]]))
    assert np.abs(np.array([box[1].start, box[0].start]) - corners[0]).max() < 1.0
    assert (alpha[2:-2, 2:-2] == 1.0).all()  # every sample lies in one triangle of the front, none in between
    assert (colour[2:-2, 2:-2, 0] > 4 * colour[2:-2, 2:-2, 2]).all()
    turned = replace(red[0], triangles=red[0].triangles[:, ::-1])
    assert mesh_layer([(turned, *red[1:])], camera)[0] is None  # its back is to us


def test_a_character_without_meshes_says_so(tmp_path: Path) -> None:
    import json

    from ..motion.characters.played import chunks
    from ..motion.characters.rigs import pack

    parts = dict(chunks(build(Rig())[0]))
    document = json.loads(parts[b"JSON"])
    for node in document["nodes"]:
        node.pop("mesh", None), node.pop("skin", None)
    document.pop("meshes")
    (tmp_path / "bare.glb").write_bytes(pack(document, parts[b"BIN\0"]))
    with pytest.raises(FarandoleError, match="no triangles"):
        mesh_figure(Character.load(tmp_path / "bare.glb"), dance(5))


def test_follow_turns_with_the_dancer() -> None:
    still = dance(120)
    rotations = np.concatenate([turn(still[t : t + 1], 0.02 * t).rotations for t in range(120)])
    turning = replace(still, rotations=rotations)
    scene = make_scene([turning], size=(96, 54), fps=30, camera="follow")
    away = scene.shots.eyes - scene.shots.targets
    angles = np.unwrap(np.arctan2(away[:, 0], away[:, 2]))
    assert angles[-1] - angles[0] > 1.0
    off = angles - heading(turning)
    assert np.ptp(off) < 0.75 * np.ptp(heading(turning))  # lags behind, but goes along
    ahead = make_scene([turning], size=(96, 54), fps=30).shots
    assert np.ptp(np.arctan2(*(ahead.eyes - ahead.targets)[:, [0, 2]].T)) < 1e-6
