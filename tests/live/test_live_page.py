"""The live page in a browser: the plain figure and a VRM character take the pose of the dance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import farandole as fa
from farandole.live import LiveFrame
from farandole.live.outputs.page_server import PageServer
from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton

from ..view.chromium import Chromium, find_chromium
from .test_vmc import some_pose, some_rest, write_vrm

pytestmark = pytest.mark.browser
pytest.importorskip("websockets")
BODY = house_skeleton()


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium")
    chromium = Chromium(program)
    yield chromium
    chromium.close()


def show(browser: Chromium, page: PageServer, frame: LiveFrame, ready: str) -> None:
    """Open the page and send one frame until it is shown."""
    browser.send("Page.navigate", url="about:blank")  # the page before looks for its server, which is gone
    browser.evaluate("new Promise(done => setTimeout(done, 100))")
    browser.errors.clear()
    browser.send("Page.navigate", url=page.url)
    for _ in range(600):
        page.send(frame)
        if browser.evaluate(f"Boolean(window.farandoleLive?.frames > 3 && ({ready}))"):
            break
    for _ in range(4):  # two frames lie between the last ones and the picture
        page.send(frame)
        browser.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def value(browser: Chromium, expression: str) -> Any:
    assert browser.evaluate("farandoleLive.errors.join()") == ""
    assert browser.errors == []
    return browser.evaluate(expression)


def test_the_figure_and_the_beat_are_those_of_the_dance(browser: Chromium) -> None:
    turns, root = some_pose(3)
    page = PageServer(fa.Live(), port=0)
    try:
        show(browser, page, LiveFrame(1.0, turns, root, 2.0, 128.0, 2.0, 4, 1.0, 0.0, False), "true")
        joints = np.reshape(value(browser, "farandoleLive.jointPositions()"), (-1, 3))
        places, _ = kinematics.forward(BODY, turns, root)
        assert joints == pytest.approx(places, abs=2e-3)
        assert "128" in value(browser, "document.querySelector('.bpm').textContent")
        assert value(browser, "document.querySelector('.state').textContent") == "dancing"
    finally:
        page.close()


@pytest.mark.parametrize("rest", [None, some_rest()], ids=["VRM 0.x", "VRM 1.0"])
def test_a_character_takes_the_pose(rest: dict[str, np.ndarray] | None, browser: Chromium, tmp_path: Path) -> None:
    write_vrm(tmp_path / "a.vrm", rest)
    turns, root = some_pose(8)
    page = PageServer(fa.Live(), port=0, character=tmp_path / "a.vrm")
    try:
        show(
            browser,
            page,
            LiveFrame(1.0, turns, root, 2.0, 120.0, 2.0, 4, 1.0, 0.0, False),
            "farandoleLive.bonePositions()",
        )
        bones = value(browser, "farandoleLive.bonePositions()")
        places, _ = kinematics.forward(BODY, turns, root)
        pairs = [
            ("leftUpperArm", "leftLowerArm", "LeftArm", "LeftForeArm"), ("rightLowerLeg", "rightFoot", "RightLeg", "RightFoot"),
            ("leftUpperLeg", "leftLowerLeg", "LeftUpLeg", "LeftLeg"), ("rightLowerArm", "rightHand", "RightForeArm", "RightHand"),
        ]  # fmt: skip
        for bone, below, joint, end in pairs:
            shown = rot.normalize(np.array(bones[below]) - bones[bone])
            ours = rot.normalize(places[BODY.index(end)] - places[BODY.index(joint)])
            assert np.degrees(np.arccos(np.clip(shown @ ours, -1, 1))) < 2.0, bone
    finally:
        page.close()
