"""The page in a real browser: opens without complaint, moves, follows the sound, asks nothing of the network."""

import io
import time

import numpy as np
import pytest
from chromium import Chromium, find_chromium
from made_motions import step_in_place

from farandole.motion import rotations as rot
from farandole.motion.edit import move
from farandole.motion.files import load_motion
from farandole.view.page import VERSION, write_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    browser = Chromium(program)
    yield browser
    browser.close()


def pixels(png: bytes) -> np.ndarray:
    """A screenshot as uint8 [H, W, 3]."""
    import av

    with av.open(io.BytesIO(png), format="png_pipe") as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def test_the_page_opens_moves_and_follows_the_sound(browser, clicks, tmp_path):
    dance = step_in_place(seconds=20.0)
    browser.open(write_page([dance], tmp_path / "dance.html", song=clicks, title="Steps & <tests>", marks=[0, 60]))
    assert browser.evaluate("document.title") == "Steps & <tests>"
    assert browser.evaluate("farandole.duration") == pytest.approx(20.0)

    # The body stands where the motion says, at frames and between them.
    for seconds in (0.0, 1.0, 1.55, 19.99):
        browser.evaluate(f"farandole.seek({seconds})")
        shown = np.array(browser.evaluate("farandole.jointPositions()")).reshape(-1, 3)
        at = min(seconds * 30, len(dance) - 1)
        low, high = dance.slice(int(at), int(at) + 1), dance.slice(min(int(at) + 1, len(dance) - 1), None)
        middle = dance.__class__(
            dance.skeleton,
            rot.slerp(low.rotations[:1], high.rotations[:1], np.full((1, 21), at % 1)),
            low.root_positions[:1] + (high.root_positions[:1] - low.root_positions[:1]) * (at % 1),
            30,
        )
        np.testing.assert_allclose(shown, middle.positions[0], atol=2e-3)

    # The clock follows the sound; slowly, so that a machine without a graphics card is not at the end before we have looked.
    browser.evaluate("document.querySelector('.speed').value = '0.25'")
    browser.evaluate("document.querySelector('.speed').dispatchEvent(new Event('change'))")
    browser.evaluate("farandole.seek(0.5)")
    browser.evaluate("farandole.play()")
    browser.wait("farandole.time > 0.9")
    # Asked right after the viewer has set the picture's time, in the same animation frame.
    compare = "new Promise(r => requestAnimationFrame(() => r(farandole.time - farandole.audio.currentTime)))"
    close = "Math.abs(farandole.time - farandole.audio.currentTime) < 0.05"  # the picture catches up with a sound that starts late
    look = f"const look = () => {close} ? r(true) : requestAnimationFrame(look)"
    assert browser.evaluate(f"new Promise(r => {{ {look}; requestAnimationFrame(look) }})")
    distances = [abs(browser.evaluate(compare)) for _ in range(12)]
    assert np.median(distances) < 0.05, distances
    assert browser.evaluate("farandole.audio.playbackRate") == 0.25
    moved = browser.evaluate("[farandole.time, farandole.playing, farandole.audio.paused]")
    assert moved[0] > 1.0
    assert moved[1:] == [True, False]
    browser.evaluate("farandole.pause()")
    assert browser.evaluate("farandole.audio.paused")

    assert browser.errors == []
    assert browser.evaluate("farandole.errors") == []
    assert [url for url in browser.requests if not url.startswith(("file:", "blob:", "data:"))] == []


def test_a_screenshot_shows_a_body_that_moves(browser, tmp_path):
    page = write_page([step_in_place()], tmp_path / "dance.html")
    shots = []
    for seconds in (0.0, 0.25):
        browser.open(page, f"?t={seconds}")
        assert browser.evaluate("farandole.time") == pytest.approx(seconds)
        time.sleep(0.3)
        shots.append(pixels(browser.screenshot()).astype(int))
    teal = (shots[0][..., 1] - shots[0][..., 0] > 40)[60:480]
    coral = (shots[0][..., 0] - shots[0][..., 2] > 60)[60:480]
    assert teal.mean() > 0.005
    assert coral.mean() > 0.005
    assert np.nonzero(teal)[1].mean() > np.nonzero(coral)[1].mean()  # the dancer's left is on our right
    assert (np.abs(shots[0] - shots[1]).max(-1) > 30).mean() > 0.002


def test_keys_takes_and_ghosts(browser, tmp_path):
    takes = [step_in_place(2.0, name="one"), step_in_place(3.0, name="two")]
    browser.open(write_page(takes, tmp_path / "two.html", names=["A", "B"], ghosts=[takes[1]]))
    assert browser.evaluate("farandole.duration") == pytest.approx(3.0)
    apart = np.array(browser.evaluate("[farandole.jointPositions(0), farandole.jointPositions(1)]")).reshape(2, -1, 3)
    assert np.linalg.norm(apart[0, 0] - apart[1, 0]) > 1.0
    browser.key("End")
    assert browser.evaluate("farandole.time") == pytest.approx(3.0)
    browser.key("Home")
    assert browser.evaluate("farandole.time") == 0
    browser.key("ArrowRight")
    assert browser.evaluate("farandole.time") == pytest.approx(2.0)
    browser.key(" ")
    browser.wait("farandole.time > 2.2")
    browser.wait("!farandole.playing")  # the end of the longest take stops it
    browser.evaluate("document.querySelectorAll('.chip')[1].click()")  # take B off: A moves to the middle
    alone = np.array(browser.evaluate("farandole.jointPositions(0)")).reshape(-1, 3)
    assert abs(alone[0, 0]) < 0.5
    browser.key("s")
    browser.key("2")
    assert browser.evaluate("[...document.querySelectorAll('[aria-pressed=true]')].map(b => b.textContent)") == [
        "Front", "Skeleton", "A", "Original"
    ]  # fmt: skip
    assert browser.evaluate(
        "[...document.querySelectorAll('button, select, input')].every(e => e.ariaLabel || e.textContent)"
    )
    assert browser.errors == []


def _changed(a, b):
    return (np.abs(a - b).max(-1) > 12).mean()


def _when_still(browser, seconds=6.0):
    """The picture once the camera has come to rest."""
    end, last = time.monotonic() + seconds, None
    while True:
        time.sleep(0.4)
        picture = pixels(browser.screenshot()).astype(int)
        if (last is not None and _changed(picture, last) < 1e-4) or time.monotonic() > end:
            return picture
        last = picture


def test_marked_frames_and_the_ghost(browser, tmp_path):
    take = step_in_place(2.0)
    other = move(take, (0.4, 0.0, 0.0))
    marks = [0, 15, *range(30, 41), 59]
    browser.open(write_page([take], tmp_path / "marked.html", ghosts=[other], marks=marks))
    said = (
        "[document.querySelector('.frame').textContent, document.querySelector('.frame').classList.contains('marked')]"
    )
    assert browser.evaluate(said) == ["frame 0", True]
    seen = []
    for key in ("n", "n", ".", "p", "p", "p"):
        browser.key(key)
        time.sleep(0.3)  # the text is drawn with the next picture
        seen.append(browser.evaluate(said))
    assert seen == [
        ["frame 15", True], ["frame 30", True], ["frame 31", True], ["frame 30", True], ["frame 15", True], ["frame 0", True]
    ]  # fmt: skip
    browser.evaluate("farandole.seek(0.6)")
    browser.wait("document.querySelector('.frame').textContent === 'frame 18'")
    assert not browser.evaluate(said)[1]
    amber = "(() => { const c = document.querySelector('.timeline canvas'); const d = c.getContext('2d')"
    amber += ".getImageData(0, Math.round(6 * devicePixelRatio), c.width, 1).data; let n = 0;"
    amber += "for (let i = 0; i < d.length; i += 4) n += d[i] - d[i + 2] > 60 && d[i + 3] > 60; return n / c.width })()"
    share = browser.evaluate(amber)  # eleven frames of 60 in a row, and three lone ones
    assert 0.15 < share < 0.35
    shots = []
    for key in ("2", "g", "g"):  # the second picture without the ghost
        browser.key(key)
        shots.append(_when_still(browser))
    differs = [_changed(a, b) for a, b in ((shots[0], shots[1]), (shots[0], shots[2]))]
    assert differs[0] > 0.005
    assert differs[1] < 0.2 * differs[0]
    assert browser.errors == []


def test_it_fits_a_phone(browser, clicks, tmp_path):
    page = write_page([step_in_place()], tmp_path / "dance.html", song=clicks)
    browser.resize((360, 700), mobile=True)
    try:
        browser.open(page)
        inside = "[...document.querySelectorAll('button:not([hidden]), select')].every(e => {"
        inside += "const b = e.getBoundingClientRect(); return b.left >= 0 && b.right <= innerWidth && b.bottom <= innerHeight})"
        assert browser.evaluate(inside)
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    finally:
        browser.resize((960, 640))
    assert browser.errors == []


def test_the_downloaded_bvh_is_the_motion(browser, tmp_path):
    dance = step_in_place(1.0)
    browser.open(write_page([dance], tmp_path / "dance.html"))
    (tmp_path / "dance.bvh").write_text(browser.evaluate("farandole.bvh()"))
    loaded = load_motion(tmp_path / "dance.bvh")
    assert loaded.skeleton.names == dance.skeleton.names
    np.testing.assert_allclose(loaded.positions, dance.positions, atol=1e-3)


def test_a_broken_page_says_so(browser, steps, tmp_path):
    page = write_page([steps], tmp_path / "dance.html")
    page.write_text(page.read_text().replace(f'"version":{VERSION}', '"version":99'))
    browser.open(page, ready="document.querySelector('.fatal')")
    assert "version 99" in browser.evaluate("document.querySelector('.fatal').textContent")
