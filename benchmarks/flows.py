"""Generation and training speed of full-size Transflower, against a plain transcription of the published loop.

    OMP_NUM_THREADS=1 python benchmarks/flows.py [--frames 3] [--rounds 3] [--train]

Both run the same random weights on the same inputs, by turns, and must agree. Time is the CPU time of this process, so
that other work on the machine disturbs little; one thread unless OMP_NUM_THREADS says otherwise. The transcription keeps
what the published code does: sequence-first layout through torch's own encoder layers, all tokens through all layers,
the first of three predicted frames kept, inverse matrices computed once in double precision, windows by concatenation.
"""

from __future__ import annotations

import argparse
import json
import time

import torch
from torch import Tensor, nn

from farandole.generation.autoregressive import generate
from farandole.models.flows.coupling import Coupling
from farandole.models.flows.mixing import FactoredLinear
from farandole.models.flows.normalisation import BatchNorm
from farandole.models.layers.transformer import TransformerBlock
from farandole.models.reference_names import block_names
from farandole.models.transflower import Transflower, TransflowerConfig


class PlainBlock(nn.Module):
    """Linear, torch's post-norm encoder, linear; tokens are [T, B, D]."""

    def __init__(self, block: TransformerBlock, dropout: float) -> None:
        super().__init__()
        dim, heads = block.inlet.out_features, block.layers[0].attention.heads
        layer = nn.TransformerEncoderLayer(dim, heads, dim, dropout)
        self.encoder1 = nn.Linear(block.inlet.in_features, dim)
        self.transformer_encoder = nn.TransformerEncoder(layer, len(block.layers), enable_nested_tensor=False)
        self.decoder = nn.Linear(dim, block.outlet.out_features)
        state = block.state_dict()
        self.load_state_dict({theirs: state[ours] for ours, theirs in block_names(block).items() if ours != "table"})

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, input] -> [T, B, output]."""
        return self.decoder(self.transformer_encoder(self.encoder1(x)))


class PlainTransflower(nn.Module):
    """The published model and its generation loop for one motion and one audio input, written down plainly."""

    def __init__(self, model: Transflower) -> None:
        super().__init__()
        dropout = model.config.encoder.dropout
        self.motion = PlainBlock(model.encoder.inputs["motion"], dropout)
        self.audio = PlainBlock(model.encoder.inputs["audio"], dropout)
        self.cross = PlainBlock(model.encoder.cross, dropout)
        self.steps = model.flow.bijection.layers
        self.nets = nn.ModuleList(PlainBlock(s.network.block, dropout) for s in self.steps if isinstance(s, Coupling))
        self.frames, self.inverses = model.target.frames, {}

    def condition(self, motion: Tensor, audio: Tensor) -> Tensor:
        """Windows [T, B, D] -> the first tokens of the cross-modal output [K, B, D]."""
        return self.cross(torch.cat((self.motion(motion), self.audio(audio))))[: self.frames]

    def inverse(self, z: Tensor, cond: Tensor) -> Tensor:
        """Latent [H, B, C] -> frames [H, B, C]."""
        x, net = z, len(self.nets)
        for i in range(len(self.steps) - 1, -1, -1):
            step = self.steps[i]
            if isinstance(step, Coupling):
                net -= 1
                first, second = x[..., : step.changed], x[..., step.changed :]
                out = self.nets[net](torch.cat((second, cond), dim=-1))
                scale, _ = step.scale(out[..., : step.changed])
                x = torch.cat((first / scale - out[..., step.changed :], second), dim=-1)
            elif isinstance(step, FactoredLinear):
                if i not in self.inverses:
                    self.inverses[i] = step.inverse_matrix()
                x = x @ self.inverses[i].mT
            elif isinstance(step, BatchNorm):
                x = step.inverse(x)[0]
        return x

    @torch.no_grad()
    def generate(self, motion: Tensor, audio: Tensor, noise: Tensor) -> Tensor:
        """Sequences [T, 1, D], noise [N, H, 1, C] -> [N, 1, C]."""
        past, heard, made = motion, audio[:140], None
        for t in range(len(noise)):
            frame = self.inverse(noise[t], self.condition(past, heard))[:1]
            made = frame if made is None else torch.cat((made, frame))
            past = torch.cat((past[1:], frame))
            if t + 1 < len(noise):
                heard = torch.cat((heard[1:], audio[140 + t : 141 + t]))
        return made

    def loss(self, motion: Tensor, audio: Tensor, target: Tensor) -> Tensor:
        """Negative log-likelihood of target [H, B, C]; only for timing, so without constants."""
        cond, x, total, net = self.condition(motion, audio), target, 0.0, 0
        for step in self.steps:
            if isinstance(step, Coupling):
                first, second = x[..., : step.changed], x[..., step.changed :]
                out = self.nets[net](torch.cat((second, cond), dim=-1))
                scale, log_scale = step.scale(out[..., : step.changed])
                x = torch.cat(((first + out[..., step.changed :]) * scale, second), dim=-1)
                total, net = total + log_scale.sum(), net + 1
            else:
                y, log_det = step(x.transpose(0, 1))
                x, total = y.transpose(0, 1), total + log_det.sum()
        return (0.5 * x.square().sum() - total) / target.shape[1]


def cpu_seconds(function) -> tuple[float, object]:
    """CPU seconds of this process for one call, and its result."""
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def matmul_rate() -> float:
    """Best of several GFLOP/s of a [260, 800] x [800, 2400] product, the shape the encoder is made of."""
    x, w = torch.randn(260, 800), torch.randn(2400, 800)
    seconds = min(cpu_seconds(lambda: [nn.functional.linear(x, w) for _ in range(10)])[0] for _ in range(5))
    return 10 * 2 * 260 * 800 * 2400 / seconds / 1e9


def flops_per_window(model: Transflower) -> float:
    """Multiply-adds of all linear maps for one window, times two (attention scores and the flow's few tokens included)."""
    tokens = {"motion": 120, "audio": 140}
    total = 0.0
    parts = [(model.encoder.inputs[k], n) for k, n in tokens.items()] + [(model.encoder.cross, 260)]
    parts += [(s.network.block, model.target.frames) for s in model.flow.bijection.layers if isinstance(s, Coupling)]
    for block, length in parts:
        weights = sum(p.numel() for n, p in block.named_parameters() if p.dim() == 2 and n != "table")
        total += 2 * length * weights + len(block.layers) * 4 * length**2 * block.inlet.out_features
    return total


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3, help="frames per run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, by turns; the least is reported")
    parser.add_argument("--train", action="store_true", help="also one training step at batch 8 (minutes, 6 GB)")
    options = parser.parse_args()
    torch.manual_seed(0)
    model = Transflower(TransflowerConfig.preset("as-released")).eval()
    plain = PlainTransflower(model).eval()
    frames = options.frames
    motion, audio = torch.randn(1, 120, 69), torch.randn(1, 139 + frames, 85)
    noise = torch.randn(frames, 1, 3, 69)
    mended = Transflower(TransflowerConfig.preset("farandole")).eval()
    keep = mended.target.frames
    long = {"motion": motion[..., :67].contiguous(), "audio": torch.randn(1, 140, 85)}
    times: dict[str, list[float]] = {"plain": [], "ours": [], "farandole": []}
    for round_number in range(options.rounds + 1):  # the first is a warm-up
        a, theirs = cpu_seconds(
            lambda: plain.generate(motion.transpose(0, 1), audio.transpose(0, 1), noise.transpose(1, 2))
        )
        b, ours = cpu_seconds(lambda: generate(model, {"motion": motion, "audio": audio}, noise=noise))
        c, _ = cpu_seconds(lambda: generate(mended, long, keep=keep))
        if round_number:
            for name, seconds, count in (("plain", a, frames), ("ours", b, frames), ("farandole", c, keep)):
                times[name].append(seconds / count)
    best = {k: min(v) for k, v in times.items()}
    rate, work = matmul_rate(), flops_per_window(model) / 1e9
    report = {
        "threads": torch.get_num_threads(),
        "seconds_per_frame": {k: round(v, 4) for k, v in best.items()},
        "speed_up_same_results": round(best["plain"] / best["ours"], 2),
        "speed_up_farandole_preset": round(best["plain"] / best["farandole"], 2),
        "largest_difference": float((theirs[:, 0] - ours[0]).abs().max()),
        "matmul_gflops": round(rate, 1),
        "fraction_of_matmul_rate": round(work / best["ours"] / rate, 2),
    }
    if options.train:
        report["train_step_batch_8"] = _training(model, plain)
    print(json.dumps(report, indent=1))


def _training(model: Transflower, plain: PlainTransflower) -> dict[str, float]:
    """CPU seconds of forward, backward, clipping and Adam at batch 8 for both."""
    windows = {"motion": torch.randn(8, 120, 69), "audio": torch.randn(8, 140, 85)}
    target = torch.randn(8, 3, 69)
    model.initialize(windows, target)
    flat = {k: v.transpose(0, 1).contiguous() for k, v in windows.items()}
    losses = {
        "plain": (plain, lambda: plain.loss(flat["motion"], flat["audio"], target.transpose(0, 1))),
        "ours": (model, lambda: model(windows, target)["loss"]),
    }
    seconds = {}
    for name, (module, loss) in losses.items():
        module.train()
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-5)

        def step(module=module, loss=loss, optimizer=optimizer) -> None:
            optimizer.zero_grad()
            loss().backward()
            nn.utils.clip_grad_norm_(module.parameters(), 0.5)
            optimizer.step()

        step()
        seconds[name] = round(min(cpu_seconds(step)[0] for _ in range(2)), 2)
    return seconds | {"speed_up": round(seconds["plain"] / seconds["ours"], 2)}


if __name__ == "__main__":
    main()
