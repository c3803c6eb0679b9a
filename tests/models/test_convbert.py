"""The ConvBERT encoder: the library's numbers, its wiring, masks, export."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the [train] extra")

from farandole.models.errors import ConfigError, ShapeError  # noqa: E402
from farandole.models.inbetweener import Inbetweener, InbetweenerConfig  # noqa: E402
from farandole.models.layers.convbert import ConvBert, ConvBertConfig, convolve  # noqa: E402

SMALL = ConvBertConfig(layers=2, dim=32, heads=4, inner=48, length=20, dropout=0.0, attention_dropout=0.0)


def library(config: ConvBertConfig, words: int = 50):
    """The library's own model with a table of words, and ours with its weights but for that table."""
    transformers = pytest.importorskip("transformers", reason="the yardstick needs the [dev] extra")
    torch.manual_seed(3)
    theirs = transformers.ConvBertModel(
        transformers.ConvBertConfig(
            vocab_size=words,
            hidden_size=config.dim,
            embedding_size=config.dim,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.inner,
            max_position_embeddings=config.length,
            num_groups=config.groups,
            conv_kernel_size=config.kernel,
            head_ratio=config.head_ratio,
        )
    ).eval()
    for p in theirs.parameters():  # biases begin at zero and norms at one: move them
        p.data += 0.1 * torch.randn_like(p)
    ours = ConvBert(config).eval()
    state = theirs.state_dict()
    table = state.pop("embeddings.word_embeddings.weight")
    ours.load_state_dict(state)
    return theirs, ours, table.numel()


@pytest.mark.parametrize(
    "changes", [{"heads": 4}, {"heads": 8}, {"heads": 1}, {"groups": 2}, {"kernel": 3, "head_ratio": 4}]
)
def test_without_its_table_of_words_it_returns_what_the_library_returns(changes: dict) -> None:
    theirs, ours, words = library(replace(SMALL, mask_convolution=False, **changes))
    count = lambda model: sum(p.numel() for p in model.parameters())  # noqa: E731
    assert count(theirs) - count(ours) == words
    x = torch.randn(3, 17, 32)
    mask = torch.arange(17) < torch.tensor([[17], [9], [12]])
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(inputs_embeds=x).last_hidden_state, atol=2e-5, rtol=1e-5)
        expected = theirs(inputs_embeds=x, attention_mask=mask.long()).last_hidden_state
        torch.testing.assert_close(ours(x, mask), expected, atol=2e-5, rtol=1e-5)


def test_it_starts_as_the_library_starts() -> None:
    torch.manual_seed(3)
    net = ConvBert(replace(SMALL, dim=256, inner=300, groups=2))
    for name, weight in net.named_parameters():
        if name.endswith("LayerNorm.weight"):
            assert (weight == 1).all()
        elif name.endswith("bias"):
            assert (weight == 0).all()
        else:
            assert float(weight.std()) == pytest.approx(0.02, rel=0.2), name


def test_shipped_weights_fit() -> None:
    safetensors = pytest.importorskip("safetensors.torch", reason="weights need the [train] extra")
    folder = resources.files("farandole.models") / "shipped" / "inbetween"
    facts = json.loads((folder / "config.json").read_text())
    net = Inbetweener(InbetweenerConfig(**facts["recipe"]["config"]))
    net.load_state_dict(safetensors.load_file(str(folder / "model.safetensors")))
    scales = json.loads((folder / "scalers.json").read_text())["features"]
    net.load_state_dict({k: torch.tensor(v) for k, v in scales.items()}, strict=False)
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    features, window = torch.randn(2, 30, net.config.dims["motion"]), torch.rand(2, 30)
    exported = session.run(None, {"features": features.numpy(), "window": window.numpy()})
    with torch.no_grad():
        for own, other in zip(net.eval()(features, window), exported, strict=True):
            np.testing.assert_allclose(own.numpy(), other, atol=2e-4)


@pytest.mark.parametrize("positions", ["table", "rotary"])
def test_empty_frames_change_nothing(positions) -> None:
    net = ConvBert(replace(SMALL, positions=positions)).double().eval()
    x = torch.randn(2, 20, 32).double()
    mask = torch.arange(20) < torch.tensor([[13], [20]])
    garbage = torch.where(mask[..., None], x, 50.0)
    torch.testing.assert_close(net(garbage, mask)[0, :13], net(x[:1, :13])[0])
    leaky = ConvBert(replace(SMALL, positions=positions, mask_convolution=False)).double().eval()
    leaky.load_state_dict(net.state_dict())
    change = (leaky(garbage, mask)[0, :13] - leaky(x[:1, :13])[0]).abs().amax(dim=-1)
    assert (change[-8:] > 1e-6).all()  # four frames per layer, two layers
    assert (change[:5] < change[-1] / 10).all()


@pytest.mark.parametrize("positions", ["table", "rotary"])
def test_order_in_time_matters(positions) -> None:
    net = ConvBert(replace(SMALL, positions=positions)).eval()
    x = torch.randn(1, 20, 32)
    order = torch.randperm(20)
    assert (net(x[:, order]) - net(x)[:, order]).abs().max() > 1e-3


def test_rotary_positions_see_differences_in_time_only_and_any_length() -> None:
    net = ConvBert(replace(SMALL, positions="rotary")).double().eval()
    x = torch.randn(1, 45, 32).double()
    torch.testing.assert_close(net(x, times=torch.arange(45) + 700), net(x))
    assert (net(x, times=2 * torch.arange(45)) - net(x)).abs().max() > 1e-5


def test_types_and_times_are_told() -> None:
    net = ConvBert(SMALL).eval()
    x = torch.randn(1, 10, 32)
    types = torch.tensor([0] * 5 + [1] * 5)
    assert (net(x, types=types) - net(x)).abs().max() > 1e-4
    assert (net(x, times=torch.arange(10).flip(0)) - net(x)).abs().max() > 1e-4


def test_norms_before_their_parts_leave_the_way_around_them_free() -> None:
    net = ConvBert(replace(SMALL, norm="pre")).double().eval()
    for name, weight in net.named_parameters():
        if name.endswith("output.dense.weight"):
            weight.data.zero_()
    x = torch.randn(2, 20, 32).double()
    torch.testing.assert_close(net(x), net.last(net.embeddings(x, None, torch.arange(20))))
    other = ConvBert(replace(SMALL, norm="pre")).double().eval()
    layer, frames = next(other.encoder["layer"].children()), torch.arange(20)
    attention, output = layer.attention["output"], layer.output
    y = x + attention.dense(layer.attention["self"](attention.LayerNorm(x), None, frames))
    inner = torch.nn.functional.gelu(layer.intermediate["dense"](output.LayerNorm(y)))
    torch.testing.assert_close(layer(x, None, frames), y + output.dense(inner))
    assert set(other.state_dict()) - set(ConvBert(SMALL).state_dict()) == {"last.weight", "last.bias"}


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_every_weight_learns(norm) -> None:
    net = ConvBert(replace(SMALL, norm=norm))
    net(torch.randn(2, 20, 32), types=torch.arange(20) % 2).square().mean().backward()
    silent = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent


def test_kernels_of_their_own_are_a_sum_over_shifts() -> None:
    values, taps = torch.randn(2, 7, 3, 4), torch.randn(2, 7, 3, 5)
    expected = torch.zeros_like(values)
    for t in range(7):
        for j in range(5):
            if 0 <= t + j - 2 < 7:
                expected[:, t] += taps[:, t, :, j, None] * values[:, t + j - 2]
    torch.testing.assert_close(convolve(values, taps), expected)


@pytest.mark.slow  # the exporter takes ten seconds
def test_onnx_gives_the_same_numbers_for_other_batches(tmp_path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    net = ConvBert(SMALL).eval()
    batch = torch.export.Dim("batch")
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (torch.randn(2, 15, 32), torch.ones(2, 15)),
            str(path),
            input_names=["inputs", "mask"],
            output_names=["encoded"],
            dynamic_shapes={"inputs": {0: batch}, "mask": {0: batch}},
            dynamo=True,
            verbose=False,
        )
    x, mask = torch.randn(5, 15, 32), (torch.arange(15) < torch.tensor([[15], [9], [4], [1], [12]])).float()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = session.run(None, {"inputs": x.numpy(), "mask": mask.numpy()})[0]
    np.testing.assert_allclose(given, net(x, mask).detach().numpy(), atol=2e-5)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ConfigError, match=r"convbert: dim 30 is no multiple of 4 \(2 x 2 heads\); kernel 4 is not odd"):
        replace(SMALL, dim=30, kernel=4)
    with pytest.raises(ConfigError, match="must be positive: layers 0, heads -1"):
        replace(SMALL, layers=0, heads=-1)
    net = ConvBert(SMALL)
    with pytest.raises(ShapeError, match=r"expected vectors \[B, T, 32\], got \(2, 5, 31\)"):
        net(torch.randn(2, 5, 31))
    with pytest.raises(ShapeError, match="21 frames, but it has positions for 20"):
        net(torch.randn(2, 21, 32))
    with pytest.raises(ShapeError, match=r"expected a mask \(2, 5\), got \(2, 6\)"):
        net(torch.randn(2, 5, 32), torch.ones(2, 6))
