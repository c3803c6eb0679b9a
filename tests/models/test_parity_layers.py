"""Layers against numbers recorded from the earlier public implementation, with its weights."""

from __future__ import annotations

import math

import pytest
import torch

from farandole.models.flows.builders import FlowConfig, GlowConfig, build_flow, build_glow
from farandole.models.flows.flow import bits_per_frame
from farandole.models.layers.positions import prefix_causal_mask
from farandole.models.layers.transformer_block import TransformerBlock
from farandole.models.reference_names import block_names, flow_names, glow_names, translate

EXACT = 1e-5
FLOWS = [
    "affine_batchnorm_chan_pos",
    "affine_batchnorm_chan_pos_odd",
    "affine_actnorm_seq_studentT",
    "affine_actnorm_seq_relpos_odd_1frame",
    "affine_nonorm_chan",
    "logmix_actnorm_chan_pos",
]
GLOWS = [
    "affine_invconv_lstm",
    "affine_invconv_lu_lstm",
    "affine_invconv_lstm_odd",
    "affine_invconv_lstm_studentT",
    "affine_shuffle_gru",
    "affine_reverse_ff",
]


def load(module, names, arrays):
    """Load weights under their names; nothing of ours may be left out."""
    report = module.load_state_dict(translate(names, arrays, module), strict=False)
    assert set(report.missing_keys) <= {k for k in module.state_dict() if k.endswith(".order")}


@pytest.mark.parametrize("name", ["plain", "pos_emb", "rel_pos_emb", "both"])
def test_transformer_block(parity, same, name: str) -> None:
    case = parity("transformer", name)
    sizes = case.config
    positions = ["frozen-table"] * sizes["use_pos_emb"] + ["pairwise"] * sizes["use_rel_pos_emb"]
    block = TransformerBlock(
        sizes["dinp"], sizes["dhid"], sizes["dout"], layers=sizes["nlayers"], heads=sizes["nhead"], positions=positions,
        length=sizes["seq_len"],
    )  # fmt: skip
    names = block_names(block)
    load(block, names, case.all("param"))
    x = case.get("in", "x").transpose(0, 1).requires_grad_()
    y = block(x)
    same(y, case.get("out", "y").transpose(0, 1), EXACT)
    same(block(x, mask=prefix_causal_mask(7, 3)), case.get("out", "y_masked_prefix3").transpose(0, 1), EXACT)
    (y * case.get("in", "grad_weight").transpose(0, 1)).sum().backward()
    same(x.grad, case.get("grad_in", "x").transpose(0, 1), EXACT)
    for key, parameter in block.named_parameters():
        same(parameter.grad, case.get("grad", names[key]), EXACT)


def test_transformer_block_on_labels(parity, same) -> None:
    case = parity("transformer", "discrete")
    block = TransformerBlock(6, 16, 16, layers=2, heads=2, tokens=4)
    load(block, block_names(block), case.all("param"))
    labels = case.get("in", "tokens_b3").long().reshape(3, 1)
    alone = block(case.get("in", "tokens_b1").long().reshape(1, 1))
    same(alone, case.get("out", "y_b1"), EXACT)
    together = block(labels)
    same(together[:1], alone, EXACT)  # the original lets the rows of a batch see each other
    assert (together[0] - case.get("out", "y_b3")[0, 0]).abs().max() > 1e-3


def transflower_flow(case, name: str):
    sizes = case.config
    config = FlowConfig(
        steps=(sizes["steps"],),
        norm=next((norm for norm in ("batchnorm", "actnorm") if norm in name), "none"),
        conditioning="channels" if sizes["concat_channels"] else "tokens",
        dim=sizes["hidden"],
        heads=sizes["heads"],
        layers=sizes["layers"],
        positions=("frozen-table",) * sizes["use_pos_emb"] + ("pairwise",) * sizes["use_rel_pos_emb"],
        components=sizes["components"],
        prior="student-t" if sizes["student_t"] else "normal",
    )
    return build_flow(sizes["channels"], sizes["frames"], sizes["cond_dim"], sizes["cond_frames"], config)


@pytest.mark.parametrize("name", FLOWS)
def test_transflower_flow_in_training(parity, same, name: str) -> None:
    case = parity("flow_transflower", name)
    flow, frames = transflower_flow(case, name), case.config["frames"]
    names = flow_names(flow)
    load(flow, names, case.all("param_init"))
    x, cond = case.get("in", "x_train1"), case.get("in", "cond")
    flow.train()
    flow.initialize(x, cond)
    z, log_det = flow(x, cond)
    loss = bits_per_frame(flow.prior.log_prob(z) + log_det, frames)
    same(z, case.get("train1", "z"), EXACT)
    same(log_det, case.get("train1", "sldj"), EXACT)
    same(loss, case.get("train1", "loss"), EXACT)
    loss.backward()
    for key, parameter in flow.named_parameters():
        same(parameter.grad, case.get("grad", names[key]), EXACT)
    z, log_det = flow(case.get("in", "x_train2"), case.get("in", "cond2"))
    same(z, case.get("train2", "z"), EXACT)
    same(log_det, case.get("train2", "sldj"), EXACT)


@pytest.mark.parametrize("name", FLOWS)
def test_transflower_flow_in_evaluation(parity, same, name: str) -> None:
    case = parity("flow_transflower", name)
    flow = transflower_flow(case, name).eval()
    load(flow, flow_names(flow), case.all("param"))
    x, cond = case.get("in", "x"), case.get("in", "cond")
    z, log_det = flow(x, cond)
    log_prior = flow.prior.log_prob(z)
    same(z, case.get("out", "z"), EXACT)
    same(log_det, case.get("out", "sldj"), EXACT)
    same(log_prior, case.get("out", "log_prior"), EXACT)
    same(bits_per_frame(log_prior + log_det, case.config["frames"]), case.get("out", "loss"), EXACT)
    back, log_det = flow.bijection.inverse(case.get("in", "z_reverse"), cond)
    loose = 1e-4 if case.config["components"] else EXACT
    same(back, case.get("out", "x_reverse"), loose)
    same(log_det, case.get("out", "sldj_reverse"), loose)


@pytest.mark.parametrize("name", GLOWS)
def test_moglow_flow(parity, same, name: str) -> None:
    case = parity("flow_moglow", name)
    sizes = case.config
    kinds = {"shuffle": "shuffle", "reverse": "reverse", "_lu_": "factored"}
    config = GlowConfig(
        steps=sizes["steps"],
        permutation=next((kind for mark, kind in kinds.items() if mark in name), "full"),
        network=next((kind for kind in ("gru", "ff") if name.endswith(kind)), "lstm"),
        dim=sizes["hidden"],
        layers=sizes["rnn_layers"],
        prior="student-t" if sizes["student_t"] else "normal",
    )
    flow, frames = build_glow(sizes["channels"], sizes["cond_dim"], config), sizes["frames"]
    for i in range(sizes["steps"]):
        if f"permutation_{i}" in sizes:
            flow.bijection.layers[3 * i + 1].order.copy_(torch.tensor(sizes[f"permutation_{i}"]))
    names = glow_names(flow)
    load(flow, names, case.all("param_init"))
    x, cond = case.get("in", "x_train1").mT, case.get("in", "cond").mT
    flow.initialize(x, cond)
    z, log_det = flow(x, cond)
    nll = -(flow.prior.log_prob(z) + log_det) / (math.log(2) * frames)
    same(z, case.get("train1", "z").mT, EXACT)
    same(nll, case.get("train1", "nll"), EXACT)
    nll.mean().backward()
    for key, parameter in flow.named_parameters():
        same(parameter.grad, case.get("grad", names[key]), EXACT)

    load(flow, names, case.all("param"))
    x = case.get("in", "x").mT
    z, _ = flow(x, cond)
    same(z, case.get("out", "z").mT, EXACT)
    same(-flow.log_prob(x, cond) / (math.log(2) * frames), case.get("out", "nll"), EXACT)
    latent = case.get("in", "z_reverse").mT
    same(flow.bijection.inverse(latent, cond)[0], case.get("out", "x_reverse").mT, EXACT)
    state, pieces = None, []
    for t in range(frames):
        piece, _, state = flow.bijection.stream_inverse(latent[:, t : t + 1], cond[:, t : t + 1], state)
        pieces.append(piece)
    same(torch.cat(pieces, dim=1), case.get("out", "x_reverse_frame_by_frame").mT, EXACT)
