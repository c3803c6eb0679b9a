"""Networks are exported only if they give torch's numbers; engines agree; 16-bit weights are the same in both."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="exporting needs the [train] extra")
pytest.importorskip("onnxscript", reason="exporting needs the [train] extra")

from torch import Tensor, nn  # noqa: E402

from farandole.checkpoints import export  # noqa: E402
from farandole.checkpoints.checkpoint import Checkpoint, find_checkpoint, shipped_models  # noqa: E402
from farandole.checkpoints.export import export_networks  # noqa: E402
from farandole.checkpoints.session import OnnxSession, open_session  # noqa: E402
from farandole.checkpoints.weights import load_model  # noqa: E402
from farandole.checkpoints.write import export_checkpoint, package_versions, write_checkpoint  # noqa: E402
from farandole.errors import CheckpointError  # noqa: E402
from farandole.models.networks import Network  # noqa: E402


class Scale(nn.Module):
    """x W, and its sum."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 400).reshape(20, 20))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        made = x @ self.weight
        return made, made.sum(dim=-1)


class Toy(nn.Module):
    """One network."""

    def __init__(self) -> None:
        super().__init__()
        self.step = Scale()

    def networks(self) -> Mapping[str, Network]:
        inputs = {"x": torch.ones(2, 8, 20)}
        return {"step": Network(self.step, inputs, ("made", "sum"), {"x": {0: "batch", 1: "frames"}})}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    assert export_networks(Toy().eval(), folder) < 1e-6
    return folder


def test_axes_that_vary_may_vary(exported: Path) -> None:
    session, x = OnnxSession(exported), np.random.default_rng(1).standard_normal((5, 13, 20)).astype(np.float32)
    made, total = session.run("step", {"x": x})
    expected = Toy().step(torch.from_numpy(x))
    np.testing.assert_allclose(made, expected[0].detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(total, expected[1].detach().numpy(), atol=1e-4)
    assert session.inputs("step") == {"x": (None, None, 20)}


@pytest.mark.parametrize("factor", [1.01, float("nan")])
def test_what_differs_from_torch_is_not_written(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    monkeypatch.setattr(export, "_write", lambda _, path: shutil.copy(exported / "step.onnx", path))
    changed = Toy().eval()
    with torch.no_grad():
        changed.step.weight.mul_(factor)
    with pytest.raises(
        CheckpointError, match=r"nothing was exported, for ONNX Runtime differs from torch by \S+ \(tolerance 0.0001\)"
    ):
        export_networks(changed, tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "step.onnx").write_bytes(b"as it was")
    with pytest.raises(CheckpointError):
        export_networks(changed, tmp_path)
    assert (tmp_path / "step.onnx").read_bytes() == b"as it was"
    assert [p.name for p in tmp_path.iterdir()] == ["step.onnx"]


def test_what_cannot_be_exported_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    class Moody(Scale):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return super().forward(x if float(x.sum()) > 0 else -x)

    toy = Toy().eval()
    toy.step = Moody()
    with pytest.raises(CheckpointError, match="step cannot be exported: "):
        export_networks(toy, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_16_bits_halve_the_file_and_the_numbers_agree(exported: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(export, "_write", lambda _, path: shutil.copy(exported / "step.onnx", path))
    plain = Toy().eval()
    with torch.no_grad():
        plain.step.weight.copy_(plain.step.weight.half().float())
    assert export_networks(plain, tmp_path, half=True, tolerance=1e-3) < 1e-3
    sizes = [(folder / "step.onnx").stat().st_size for folder in (tmp_path, exported)]
    assert sizes[0] < sizes[1] - 0.9 * 800


@pytest.mark.parametrize("name", shipped_models())
def test_both_engines_give_the_same_numbers_for_shipped_models(name: str) -> None:
    checkpoint = find_checkpoint(name)
    sessions = [open_session(checkpoint, engine, device="cpu") for engine in ("onnx", "torch")]
    for network, part in load_model(checkpoint).networks().items():
        random = np.random.default_rng(0)
        inputs = {
            n: x.numpy() if not x.is_floating_point() else random.standard_normal(x.shape).astype(np.float32)
            for n, x in part.inputs.items()
        }
        one, other = (session.run(network, inputs) for session in sessions)
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
        assert set(sessions[0].inputs(network)) == set(sessions[1].inputs(network)) == set(part.inputs)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    source = find_checkpoint("inbetween")
    model = load_model(source)
    assert source.config.stored == "float16"
    made = write_checkpoint(tmp_path / "run" / "checkpoint", model, source.config, source.scalers, source.skeleton)
    assert made.config == source.config
    assert made.skeleton == source.skeleton
    assert made.exported == ()
    for name, scaler in source.scalers.items():
        np.testing.assert_array_equal(made.scalers[name].mean, scaler.mean)
    again = load_model(Checkpoint(made.folder))
    for (name, one), other in zip(model.state_dict().items(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, msg=name)
    assert made.weights.stat().st_size < 0.6 * 4 * source.config.parameters
    assert set(package_versions()) <= {"torch", "librosa"}


@pytest.mark.slow
def test_a_checkpoint_says_on_its_card_that_it_is_exported(tmp_path: Path) -> None:
    source = find_checkpoint("inbetween")
    made = write_checkpoint(tmp_path / "checkpoint", load_model(source), source.config, source.scalers, source.skeleton)
    difference = export_checkpoint(made)
    again = Checkpoint(made.folder)
    assert again.config.exported is not None
    assert again.config.exported.difference == pytest.approx(difference, rel=1e-2)
    assert f"differ from torch by {difference:.1e} at most" in again.card
    assert again.exported == ("model",)
