"""Transformer blocks: what may look at what (zeros of the Jacobian), positions, rows, recomputation."""

from __future__ import annotations

import pytest
import torch

from farandole.models.errors import ConfigError
from farandole.models.layers.convolution import GatedConvolutions
from farandole.models.layers.positions import POSITIONS, prefix_causal_mask, rotate_by_time
from farandole.models.layers.transformer_block import TransformerBlock


def block(*positions: str, layers: int = 2, **options) -> TransformerBlock:
    made = TransformerBlock(3, 8, 2, layers=layers, heads=2, positions=positions, length=6, **options).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        if "frozen-table" in positions:
            made.table.normal_()
    return made


def influence(function, x: torch.Tensor) -> torch.Tensor:
    """[T, T]: does output token (row) depend on input token (column)?"""
    jacobian = torch.autograd.functional.jacobian(lambda v: function(v[None])[0], x)  # [T, out, T, in]
    return jacobian.abs().amax(dim=(1, 3)) > 0


@pytest.mark.parametrize("positions", [(), *((p,) for p in POSITIONS), ("table", "pairwise", "relative", "rotary")])
def test_masked_tokens_have_no_influence(positions: tuple[str, ...]) -> None:
    made, x = block(*positions), torch.randn(6, 3).double()
    for prefix in (0, 3):
        mask = prefix_causal_mask(6, prefix)
        assert torch.equal(influence(lambda v, mask=mask: made(v, mask=mask), x), mask)
    assert influence(made, x).all()


@pytest.mark.parametrize("positions", [(), ("pairwise",), ("relative", "rotary")])
def test_only_the_asked_rows_are_computed_and_they_are_the_same(positions: tuple[str, ...]) -> None:
    made, x = block(*positions), torch.randn(4, 6, 3).double()
    mask = prefix_causal_mask(6, 2)
    for rows in (slice(0, 2), slice(4, None)):
        torch.testing.assert_close(made(x, rows=rows), made(x)[:, rows])
        torch.testing.assert_close(made(x, rows=rows, mask=mask), made(x, mask=mask)[:, rows])


def test_without_positions_the_order_does_not_matter_and_with_any_it_does() -> None:
    x, order = torch.randn(1, 6, 3).double(), torch.tensor([3, 0, 5, 1, 4, 2])
    plain = block()
    torch.testing.assert_close(plain(x)[:, order], plain(x[:, order]))
    for name in POSITIONS:
        made = block(name)
        assert (made(x)[:, order] - made(x[:, order])).abs().max() > 1e-3, name


@pytest.mark.parametrize("name", ["relative", "rotary"])
def test_relative_positions_see_differences_of_time_only(name: str) -> None:
    made, x = block(name), torch.randn(2, 6, 3).double()
    times = torch.tensor([0, 1, 2, 0, 1, 4])
    torch.testing.assert_close(made(x, times=times), made(x, times=times + 17), rtol=1e-5, atol=1e-6)
    assert (made(x, times=times) - made(x)).abs().max() > 1e-3


def test_rotation_keeps_lengths() -> None:
    x = torch.randn(1, 2, 6, 8).double()
    turned = rotate_by_time(x, torch.arange(6))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned[:, :, 0], x[:, :, 0])


def test_rows_of_a_batch_of_labels_do_not_see_each_other() -> None:
    made = TransformerBlock(5, 8, 2, layers=2, heads=2, tokens=4)
    together = made(torch.tensor([[0], [3], [0]]))
    torch.testing.assert_close(together[0], together[2])
    torch.testing.assert_close(together[:1], made(torch.tensor([[0]])))
    assert (together[0] - together[1]).abs().max() > 1e-4


def test_recomputation_gives_the_same_gradients() -> None:
    torch.manual_seed(1)
    kept = block("relative")
    torch.manual_seed(1)
    recomputed = block("relative", recompute=True)
    recomputed.load_state_dict(kept.state_dict())
    x = torch.randn(2, 6, 3).double()
    for made in (kept, recomputed):
        made(x).square().sum().backward()
    for a, b in zip(kept.parameters(), recomputed.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_dropout_of_zero_is_zero_and_of_more_is_not() -> None:
    x = torch.randn(1, 6, 3).double()
    none, some = block().train(), block(dropout=0.5).train()
    assert torch.equal(none(x), none(x))
    assert not torch.equal(some(x), some(x))
    assert torch.equal(some.eval()(x), some(x))


@pytest.mark.parametrize("attention", [False, True])
def test_convolutions_reach_as_far_as_their_kernels(attention: bool) -> None:
    made = GatedConvolutions(3, 8, 2, blocks=1, attention=attention, dropout=0.0).double()
    reach = influence(made, torch.randn(9, 3).double())
    at = torch.arange(9)
    near = (at[:, None] - at).abs() <= 3  # three kernels of size three
    assert torch.equal(reach, torch.ones_like(near) if attention else near)


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ConfigError, match="3 heads do not divide width 8"):
        TransformerBlock(3, 8, 2, layers=1, heads=3)
    with pytest.raises(ConfigError, match="unknown positions \\['absolute'\\]; accepted: table"):
        TransformerBlock(3, 8, 2, layers=1, heads=2, positions=("absolute",))
    with pytest.raises(ConfigError, match="positions need a length"):
        TransformerBlock(3, 8, 2, layers=1, heads=2, positions=("table",))
