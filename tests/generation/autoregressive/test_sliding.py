"""The research generation loop: which frames are read and kept, and its errors. Parity is tested in tests/models."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the flow family needs the [train] extra")

from farandole.errors import DataError  # noqa: E402
from farandole.generation.autoregressive.latents import truncated  # noqa: E402
from farandole.generation.autoregressive.sliding import frames_available, generate  # noqa: E402
from farandole.models.base import MotionModel  # noqa: E402
from farandole.models.layers.multimodal import Modality  # noqa: E402


class Ledger(MotionModel):
    """Writes down which frames it is shown: predicts [number of the call, first motion, first audio, last audio]."""

    def __init__(self, frames: int = 3) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.inputs = (
            Modality("style", 2, 1, tokens=9, fixed=True), Modality("motion", 4, 5), Modality("audio", 1, 7),
        )  # fmt: skip
        self.target, self.latent_channels = Modality("motion", 4, frames, 5), 4

    def sample(self, windows, *, noise=None, temperature=1.0, generator=None, state=None):
        self.check(windows)
        calls = 0 if state is None else state
        rows = [torch.full_like(windows["audio"][:, 0, 0], calls), windows["motion"][:, 0, 0]]
        rows += [windows["audio"][:, 0, 0], windows["audio"][:, -1, 0]]
        y = torch.stack(rows, dim=-1)[:, None].repeat(1, self.target.frames, 1)
        y[:, :, 0] += 0.1 * torch.arange(self.target.frames)
        return y + (0 if noise is None else temperature * noise), calls + 1


def sequences(audio: int = 12, motion: int = 30) -> dict:
    return {
        "style": torch.tensor([[1], [2]]),
        "motion": 100.0 + torch.arange(motion).repeat(2, 1)[..., None].repeat(1, 1, 4),
        "audio": torch.arange(float(audio)).repeat(2, 1)[..., None],
    }


def test_one_frame_a_step_is_the_published_loop() -> None:
    motion = generate(Ledger(), sequences())[0]
    assert motion.shape == (12 - 7 + 1, 4)
    assert motion[:, 0].tolist() == [0, 1, 2, 3, 4, 5]  # only the first frame of each prediction is kept
    assert motion[:, 1].tolist() == [100, 101, 102, 103, 104, 0]  # the seed passes out of the window, own frames enter
    assert motion[:, 2].tolist() == [0, 1, 2, 3, 4, 5]
    assert motion[:, 3].tolist() == [6, 7, 8, 9, 10, 11]


def test_keeping_more_takes_fewer_steps_and_reaches_further() -> None:
    given = sequences(audio=13)
    assert frames_available(Ledger(), given, keep=3) == 9
    motion = generate(Ledger(), given, keep=3)[1]
    torch.testing.assert_close(motion[:, 0], torch.tensor([0, 0.1, 0.2, 1, 1.1, 1.2, 2, 2.1, 2.2]))
    assert motion[::3, 3].tolist() == [6, 9, 12]
    shorter = generate(Ledger(), given, keep=3, frames=7)[1]
    torch.testing.assert_close(shorter, motion[:7])


def test_noise_temperature_and_progress() -> None:
    noise = torch.ones(6, 2, 3, 4)
    plain = generate(Ledger(), sequences())
    told: list[tuple[int, int]] = []
    warm = generate(Ledger(), sequences(), noise=noise, temperature=0.5, progress=lambda *at: told.append(at))
    torch.testing.assert_close(warm[..., 0], plain[..., 0] + 0.5)
    assert told == [(i, 6) for i in range(1, 7)]


def test_the_model_goes_on_from_frames_within_the_bounds() -> None:
    bounds = torch.tensor([-1.0, -50.0, -2.0, -9.0]), torch.tensor([3.0, 50.0, 2.0, 9.0])
    motion = generate(Ledger(), sequences(), bounds=bounds)[0]
    assert motion[:, 0].tolist() == [0, 1, 2, 3, 3, 3]
    assert motion[:, 1].tolist() == [50, 50, 50, 50, 50, 0]
    assert motion[:, 2].tolist() == [0, 1, 2, 2, 2, 2]


def test_truncated_noise_has_no_rare_numbers_and_keeps_the_others() -> None:
    z = np.random.default_rng(0).standard_normal((400, 3, 5), dtype=np.float32)
    cut = truncated(z.copy(), 1.5, np.random.default_rng(1))
    assert np.abs(cut).max() <= 1.5
    assert (cut == z)[np.abs(z) <= 1.5].all()
    assert 0.6 < cut.std() < 0.8  # of a Gaussian cut at 1.5 deviations: 0.74


def test_what_cannot_be_generated_is_one_clear_line() -> None:
    with pytest.raises(DataError, match=r"cannot generate 0 frames: .* audio 6 \(window 7\), enough for 0"):
        generate(Ledger(), sequences(audio=6))
    with pytest.raises(DataError, match="cannot generate 7 frames.*enough for 6"):
        generate(Ledger(), sequences(), frames=7)
    with pytest.raises(DataError, match="seed motion: 4 frames, but a window needs 5"):
        generate(Ledger(), sequences(motion=4))
    with pytest.raises(DataError, match="keep must be from 1 to the model's 3 predicted frames, got 4"):
        generate(Ledger(), sequences(), keep=4)
    with pytest.raises(DataError, match="missing modality audio"):
        generate(Ledger(), {k: v for k, v in sequences().items() if k != "audio"})
