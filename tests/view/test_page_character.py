"""Characters on the page, in a real browser: those it carries, those that are dropped onto it, and what it saves."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chromium import Chromium, find_chromium

from farandole.motion.characters import Character
from farandole.motion.files import load_motion
from farandole.motion.files.bvh.bvh_writer import render_bvh
from farandole.motion.files.gltf.vrma import render_vrma
from farandole.view.page import write_page
from farandole.view.page_character import costumes, own_costume

from ..motion.characters.dancer import HOUSE, dance
from ..motion.characters.played import Played, chunks, directions, slide, soles, standing
from ..motion.characters.rigs import Rig, arms_down, build, fingers, pack
from ..motion.characters.test_rigs import RIGS

pytestmark = pytest.mark.browser

SIZES = ((320, 640), (390, 844), (844, 390), (1440, 900))


@pytest.fixture(scope="module")
def browser():
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    browser = Chromium(program)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def steps():
    return replace(dance(60), name="steps")


@pytest.fixture(scope="module")
def page(steps, tmp_path_factory) -> Path:
    return write_page([steps], tmp_path_factory.mktemp("page") / "steps.html")


def put_on(browser: Chromium, data: bytes) -> None:
    text = base64.b64encode(data).decode()
    browser.evaluate(f"farandole.putOn('rig', Uint8Array.from(atob('{text}'), c => c.charCodeAt(0)))")


def saved(browser: Chromium, kind: str) -> bytes:
    return base64.b64decode(browser.evaluate(f"farandole.{kind}()"))


# The page tells parts by names, and turns nodes as if scales were even: those are the command's.
@pytest.mark.parametrize("kind", [kind for kind in RIGS if kind not in ("no names", "uneven scale")])
def test_the_dance_on_a_file_that_is_dropped(kind: str, browser, page, steps) -> None:
    data, names = build(RIGS[kind])
    browser.open(page)
    put_on(browser, data)
    browser.evaluate("farandole.seek(1.1)")
    at = browser.evaluate("farandole.characterPlaces()")
    # On the page it looks where the dancer looks, whatever its file does.
    for a, b in (
        ("LeftArm", "LeftForeArm"),
        ("RightForeArm", "RightHand"),
        ("LeftUpLeg", "LeftLeg"),
        ("RightLeg", "RightFoot"),
    ):
        bone = np.subtract(at[b], at[a])
        wanted = steps.positions[33, HOUSE.index(b)] - steps.positions[33, HOUSE.index(a)]
        cos = bone @ wanted / np.linalg.norm(bone) / np.linalg.norm(wanted)
        assert np.degrees(np.arccos(min(cos, 1.0))) < 8.0
    played = Played(saved(browser, "glb"))
    roles = {r: n for r, n in names.items() if n in played.index}
    off = directions(played, roles, steps, RIGS[kind].facing)
    assert max(v for k, v in off.items() if "Arm" in k or "Leg" in k) < 8.0, off
    assert np.median(list(off.values())) < 8.0
    # Its soles stand where the dancer's stand.
    leg = sum(
        np.linalg.norm(played.position(roles[a])[0] - played.position(roles[b])[0])
        for a, b in (("LeftUpLeg", "LeftLeg"), ("LeftLeg", "LeftFoot"))
    )
    ratio = leg / 0.9155  # the leg of farandole's own body, m
    stands = standing(steps)
    for n, side in enumerate(("Left", "Right")):
        low = soles(played, roles, side)
        assert np.abs(low[stands[:, n]]).max() < 0.01 * max(ratio, 1.0), (side, low[stands[:, n]])
        assert low.min() > -0.02
        tip = side + ("ToeBase" if side + "ToeBase" in roles else "Foot")
        own = slide(steps.positions[:, HOUSE.index(tip)], stands[:, n], steps.fps) * ratio
        assert slide(played.position(roles[tip]), stands[:, n], steps.fps) < 1.2 * own + 0.003
    assert browser.errors == []


@pytest.mark.parametrize("vrm", ["0", "1"])
def test_morphs_stay_as_the_file_has_them(vrm: str, browser, page) -> None:
    """Expressions of a VRM would put their own weights on the meshes."""
    data, _ = build(Rig(vrm=vrm))
    document, content = (dict(chunks(data))[kind] for kind in (b"JSON", b"BIN\0"))
    document = json.loads(document)
    mesh = document["meshes"][0]
    mesh["primitives"][0]["targets"] = [{"POSITION": mesh["primitives"][0]["attributes"]["POSITION"]}]
    mesh["weights"] = [0.3]
    node = next(n for n, node in enumerate(document["nodes"]) if node.get("mesh") == 0)
    if vrm == "1":
        binds = [{"node": node, "index": 0, "weight": 1.0}]
        document["extensions"]["VRMC_vrm"]["expressions"] = {"preset": {"happy": {"morphTargetBinds": binds}}}
    else:
        group = {"name": "Joy", "presetName": "joy", "binds": [{"mesh": 0, "index": 0, "weight": 100}]}
        document["extensions"]["VRM"]["blendShapeMaster"] = {"blendShapeGroups": [group]}
    browser.open(page)
    put_on(browser, pack(document, content))
    for seconds in (0.2, 0.3, 0.4):
        browser.evaluate(f"farandole.seek({seconds})")
    look = "(() => { const w = []; farandole.figures[0].character.object.traverse(o => w.push(...(o.morphTargetInfluences ?? [])));"
    assert browser.evaluate(look + "return w })()") == [0.3]
    played = Played(saved(browser, "glb"))
    assert played.document["meshes"][0]["weights"] == [0.3]
    assert {path for _, path in played.channels} <= {"rotation", "translation"}
    assert browser.errors == []


def test_a_file_that_is_nobody_says_so(browser, page) -> None:
    browser.open(page)
    data, _ = build(Rig(rename=lambda n: f"bone_{sum(map(ord, n)) * 7919 % 1000:03d}"))
    with pytest.raises(RuntimeError, match="no human skeleton is recognised"):
        put_on(browser, data)
    with pytest.raises(RuntimeError, match="cannot be read"):
        put_on(browser, b"glTF nothing")
    assert browser.evaluate("farandole.characterPlaces()") is None


@pytest.mark.parametrize("kind", ["mixamo", "nodes rest mid-dance", "root bone", "vrm 0", "vrm 1"])
def test_a_character_that_the_page_carries(kind: str, browser, steps, tmp_path) -> None:
    data, names = build(RIGS[kind])
    file = tmp_path / ("me.vrm" if kind.startswith("vrm") else "me.glb")
    file.write_bytes(data)
    character = Character.load(file)
    browser.open(write_page([steps], tmp_path / "page.html", characters=costumes(character, [steps])))
    played = Played(character.glb(steps, replace=True))
    turn = np.diag([-1.0, 1.0, -1.0]) if kind == "vrm 0" else np.eye(3)  # looks along -z in its file, to us on the page
    for frame in (0, 31):
        browser.evaluate(f"farandole.seek({frame / 30})")
        at = browser.evaluate("farandole.characterPlaces()")
        for role, name in names.items():
            if role in at and name in played.index:
                np.testing.assert_allclose(at[role], turn @ played.position(name)[frame], atol=2e-3)
    assert saved(browser, "glb") == character.glb(steps, replace=True)
    assert browser.errors == []
    assert [url for url in browser.requests if not url.startswith(("file:", "blob:", "data:"))] == []


def test_a_rig_at_rest_shows_its_mapping(browser, tmp_path) -> None:
    data, names = build(Rig(rename="mixamorig:{}".format, rest=arms_down(40.0), extra=fingers()))
    (tmp_path / "rig.glb").write_bytes(data)
    (tmp_path / "map.yaml").write_text("Head: mixamorig:Neck\nNeck:\n")
    for mapping, head in ((None, names["Head"]), (tmp_path / "map.yaml", names["Neck"])):
        costume = own_costume(tmp_path / "rig.glb", mapping=mapping)
        page = write_page([load_motion(tmp_path / "rig.glb")], tmp_path / "rig.html", characters=[costume], force=True)
        browser.open(page)
        rows = "[...document.querySelectorAll('.part')].map(r => [...r.children].map(c => c.textContent))"
        shown = dict(browser.evaluate(rows))
        assert shown["Head"] == head
        assert shown["LeftArm"] == names["LeftArm"]
        assert len(shown) == 21
    assert browser.errors == []


def test_what_is_saved_without_a_character(browser, page, steps, tmp_path) -> None:
    browser.open(page)
    (tmp_path / "saved.glb").write_bytes(saved(browser, "glb"))
    np.testing.assert_allclose(load_motion(tmp_path / "saved.glb").positions, steps.positions, atol=2e-3)
    played, own = (Played(data) for data in (saved(browser, "vrma"), render_vrma(steps)))
    assert json.dumps(played.document["extensions"]["VRMC_vrm_animation"]["humanoid"]).count("node") == 21
    for bone, node in own.index.items():
        a, b = played.world(bone)[:, :3, :3], own.world(node)[:, :3, :3]
        angles = np.degrees(np.arccos(np.clip((np.einsum("tij,tij->t", a, b) - 1) / 2, -1, 1)))
        assert np.median(angles) < 2.0, bone
    np.testing.assert_allclose(played.position("hips"), own.position("hips"), atol=0.01)
    hips = [p.document["nodes"][p.index["hips"]]["translation"] for p in (played, own)]
    np.testing.assert_allclose(*hips, atol=1e-4)
    # The BVH rests in the same T-pose as the one that the command writes.
    text = browser.evaluate("farandole.bvh()")
    offsets = lambda t: [[float(v) for v in line.split()[1:]] for line in t.splitlines() if "OFFSET" in line]  # noqa: E731
    np.testing.assert_allclose(offsets(text), offsets(render_bvh(steps).decode()), atol=2e-3)


def test_loop_of_a_part_keys_and_menu(browser, page) -> None:
    browser.open(page)
    for seconds, key in ((0.4, "a"), (0.9, "b")):
        browser.evaluate(f"farandole.seek({seconds})")
        browser.key(key)
    assert browser.evaluate("document.querySelector('.notice').textContent") == "Loop 0:00.4 to 0:00.9"
    browser.evaluate("farandole.seek(0.7)")
    browser.evaluate("window.most = 0; window.backs = 0; window.before = 0")
    watch = "(() => { const f = () => { const t = farandole.time; if (t < before) backs++; before = t; most = Math.max(most, t);"
    browser.evaluate(watch + "requestAnimationFrame(f) }; f() })()")
    browser.evaluate("farandole.play()")
    browser.wait("backs >= 2")
    assert browser.evaluate("farandole.playing")
    assert browser.evaluate("most") < 0.9 + 0.3
    browser.key("x")
    browser.evaluate("farandole.pause()")
    browser.key("PageUp")
    assert browser.evaluate("farandole.time") == browser.evaluate("farandole.duration")
    browser.key("PageDown")
    assert browser.evaluate("farandole.time") == 0
    browser.key("?")
    assert browser.evaluate("document.querySelector('.help').open")
    browser.key("?")
    assert not browser.evaluate("document.querySelector('.help').open")
    assert browser.errors == []


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_every_control_can_be_touched(size: tuple[int, int], browser, clicks, steps, tmp_path) -> None:
    page = write_page([steps], tmp_path / "page.html", song=clicks, title="A dance with quite a long title")
    browser.resize(size, mobile=size[0] < 900)
    try:
        browser.open(page)
        boxes = "[...document.querySelectorAll('button, select, .timeline')].map(e => [e.ariaLabel || e.textContent || e.className,"
        boxes += "e.getBoundingClientRect()]).filter(([, b]) => b.width).map(([n, b]) => [n, b.left, b.top, b.right, b.bottom])"
        browser.evaluate("document.querySelector('.anchor button').click()")
        controls = browser.evaluate(boxes)
        assert len(controls) > 12
        for name, left, top, right, bottom in controls:
            assert right - left >= 44, name
            assert bottom - top >= 44, name
            assert -0.5 <= left <= right <= size[0] + 0.5, name
            assert -0.5 <= top <= bottom <= size[1] + 0.5, name
        rows = np.array(
            [box for name, *box in controls if name in ("Play", "Loop", "Loop a part", "Playback speed", "Time")]
        )
        for i, a in enumerate(rows):
            for b in rows[i + 1 :]:
                assert min(a[2], b[2]) - max(a[0], b[0]) <= 0.5 or min(a[3], b[3]) - max(a[1], b[1]) <= 0.5
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    finally:
        browser.resize((960, 640))
