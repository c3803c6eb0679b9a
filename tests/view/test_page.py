import base64
import hashlib
import json
import re
import zlib

import numpy as np
import pytest

from farandole.errors import MotionError, OutputError
from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.t_pose import in_t_pose
from farandole.view.packing import packed_rotations, unpack_rotations
from farandole.view.page import page_html, page_script, write_page


def data_of(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="farandole-data">(.*?)</script>', text, re.S)[1])


def test_the_page_holds_the_motion_and_asks_for_nothing(steps, clicks, tmp_path):
    path = write_page([steps], tmp_path / "dance.html", song=clicks, title='A </script> "title" & more', marks=[0, 30])
    text = path.read_text(encoding="utf-8")
    script = page_script("viewer")[0]
    own = text.replace(script, "")
    assert not re.search(r"https?://", own)
    assert not re.search(r"<(link|img|iframe|script|audio|video)[^>]+(src|href)=\"(?!data:)", own)
    assert own.count("</script>") == 2
    # The policy names exactly the script that is there.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in own
    assert "default-src 'none'" in own

    data = data_of(text)
    assert data["title"] == 'A </script> "title" & more'
    assert data["marks"] == [0, 1.0]
    take = data["takes"][0]
    q = unpack_rotations(take["rotations"], take["frames"])
    root = np.frombuffer(zlib.decompress(base64.b64decode(take["root"])), "<f4").reshape(-1, 3)
    # It rests in the T-pose in which its .bvh rests, and every joint is where it was.
    back = Motion(in_t_pose(steps).skeleton, q, root, take["fps"])
    np.testing.assert_allclose(back.positions, steps.positions, atol=2e-4)
    expected = np.maximum(clicks.beats.times[clicks.beats.times <= clicks.seconds], 0)
    assert data["song"]["beats"] == pytest.approx(expected, abs=1e-3)
    assert len(base64.b64decode(data["song"]["data"])) > 10_000
    energy = np.frombuffer(base64.b64decode(data["energy"]["data"]), np.uint8)
    assert len(energy) == pytest.approx(clicks.seconds * data["energy"]["rate"], abs=1)
    assert energy.max() == 255


@pytest.mark.parametrize("frames", [1, 2, 50])
def test_rotations_survive_quantising(frames):
    rng = np.random.default_rng(frames)
    q = rot.normalize(rng.standard_normal((frames, 5, 4)))  # wild: differences wrap around 16 bits, signs flip
    text = "".join(packed_rotations([q], frames))
    assert "".join(packed_rotations(np.array_split(q, 3) if frames > 2 else [q], frames)) == text
    back = unpack_rotations(text, frames)
    assert np.abs(np.abs((q * back).sum(-1)) - 1).max() < 1e-8
    assert ((back[1:] * back[:-1]).sum(-1) >= -1e-4).all()  # continuous for the viewer's interpolation


def test_a_minute_of_dance_is_small():
    rng = np.random.default_rng(0)
    steps = np.cumsum(rng.standard_normal((1800, 21, 3)) * 0.02, 0)
    assert len("".join(packed_rotations([rot.from_rotvec(steps)], len(steps)))) < 400_000


def test_what_does_not_fit_is_refused(steps, tmp_path):
    with pytest.raises(MotionError, match="at least one motion"):
        page_html([])
    with pytest.raises(MotionError, match="2 names for 1"):
        page_html([steps], names=["a", "b"])
    with pytest.raises(MotionError, match="cannot mark frame 75"):
        page_html([steps], marks=[75])
    with pytest.raises(MotionError, match="2 ghosts"):
        page_html([steps], ghosts=[steps, None])
    target = tmp_path / "there.html"
    target.write_text("mine")
    with pytest.raises(OutputError):
        write_page([steps], target)
    assert target.read_text() == "mine"


def test_bones_that_change_length_are_carried(steps):
    translations = np.broadcast_to(steps.skeleton.offsets, (len(steps), 21, 3)) * 1.1
    stretched = Motion(steps.skeleton, steps.rotations, steps.root_positions, 30, translations=translations)
    take = data_of(page_html([stretched]))["takes"][0]
    values = np.frombuffer(zlib.decompress(base64.b64decode(take["translations"])), "<f4").reshape(-1, 21, 3)
    wanted = in_t_pose(stretched).translations
    assert wanted is not None
    np.testing.assert_allclose(values, wanted, atol=1e-6)
