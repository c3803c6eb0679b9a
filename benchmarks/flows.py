"""Speed and memory of the flow family at its published sizes, against a plain transcription (flows_plain.py).

    python benchmarks/flows.py [MODEL ...] [--do generate train] [--batch 8] [--frames 4] [--rounds 3] [--clock wall]
    python benchmarks/flows.py --rates                     what this machine's matrix products reach
    python benchmarks/flows.py transflower --do memory     peak memory, a process each

Both sides have the same random weights and inputs and take turns in one process; the least of the rounds is given, and how far
apart their results are. A training step is: zero the gradients, forward, backward, clip the norm at 0.5, Adam. Threads as
OMP_NUM_THREADS says. On a machine that others use, `--clock cpu` with one thread is steadier than wall time.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from unittest import mock

import flows_plain
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from farandole._memory import keep_all_freed_memory, keep_freed_memory
from farandole.generation.autoregressive.sliding import generate
from farandole.models.acceleration import for_generation, for_training
from farandole.models.base import MotionModel, motion_and_audio
from farandole.models.flows.builders import FlowConfig
from farandole.models.kernels.linear import linear
from farandole.models.layers.multimodal import EncoderConfig, Modality
from farandole.models.moglow import MoGlow
from farandole.models.residualflower import Residualflower
from farandole.models.transflower import Transflower
from farandole.models.transformer import Transformer
from farandole.models.transformerflow import Transformerflow
from farandole.models.transglower import Transglower

LABEL_BS5 = {  # 2 cross-modal layers, 24 steps of width 800 conditioned by 100 tokens: 236,620,056 parameters
    "inputs": motion_and_audio(67, 85, 120, 140, style=16),
    "target": Modality("motion", 67, 1, 120),
    "encoder": EncoderConfig(layers=2, input_positions=("pairwise",), dropout=0.1),
    "flow": FlowConfig((24,), "actnorm", conditioning="tokens", dim=800, heads=10, prior="student-t", dropout=0.1),
    "condition_tokens": 100,
}
MODELS: dict[str, tuple[type, dict]] = {
    "transflower": (Transflower, {}),
    "transflower_cr4_label_bs5": (Transflower, LABEL_BS5),
    "transformer": (Transformer, {}),
    "transglower": (Transglower, {}),
    "moglow": (MoGlow, {}),
    "transformerflow": (Transformerflow, {}),
    "residualflower": (Residualflower, {}),
}
"""As released, but for these changes."""
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def build(name: str, preset: str = "as-released") -> MotionModel:
    """The model with random weights, its couplings not the identity they may start as."""
    kind, changes = MODELS[name]
    torch.manual_seed(0)
    model = kind(kind.Config.preset(preset, **(changes if preset == "as-released" else {})))
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, nn.Linear) and not part.weight.any():
                part.weight.normal_(std=0.01)
    return model


def random_windows(modalities: tuple[Modality, ...], batch: int, more: int = 0) -> dict[str, Tensor]:
    """Random inputs, `more` frames longer than a window."""
    return {
        m.name: torch.randint(m.tokens, (batch, 1)) if m.tokens else torch.randn(batch, m.frames + more, m.dim)
        for m in modalities
    }


def generation(name: str, frames: int) -> dict[str, Callable[[], Tensor]]:
    """Plain, ours with the same result, and ours as the preset farandole has it, keeping all predicted frames."""
    keep_freed_memory()  # as the engine does
    model = build(name).eval()
    given = random_windows(model.generation_inputs, 1, frames - 1)
    shape = (frames, 1, model.generation_frames, model.latent_channels)
    noise = torch.randn(shape) if model.latent_channels else None
    plain = flows_plain.with_inverses(flows_plain.plain(model).eval())
    mended = build(name, "farandole").eval()
    keep = mended.generation_frames
    other = random_windows(mended.generation_inputs, 1, max(frames, keep) - 1)
    model, mended = _ready(model), _ready(mended)
    return {
        "plain": lambda: flows_plain.generate(plain, given, noise, frames),
        "ours": lambda: generate(model, given, noise=noise, frames=frames),
        "farandole": lambda: generate(mended, other, keep=keep, frames=keep * -(-frames // keep)),
    }


def _ready(model: MotionModel) -> MotionModel:
    """As the torch engine of `farandole generate` has it."""
    return for_generation(model, consume=True)


def training(name: str, batch: int, dropout: bool, bf16: bool, compiled: bool) -> dict[str, Callable[[], float]]:
    """One step of each, returning the loss."""
    model = build(name)
    if not dropout:
        _without_dropout(model)
    windows, target = random_windows(model.inputs, batch), torch.randn(batch, model.target.frames, model.target.dim)
    many = max(batch, 24 // model.target.frames)  # normalisation that starts from fewer frames overflows on random ones
    model.initialize(random_windows(model.inputs, many), torch.randn(many, *target.shape[1:]))
    keep_all_freed_memory()  # as `farandole train` does; in one process both have it
    steps = {"plain": _step(flows_plain.plain(model).train(), windows, target)}
    if bf16:
        steps["bf16"] = _step(flows_plain.copy.deepcopy(model).train(), windows, target, fused=True, bf16=True)
    if compiled:
        steps["compiled"] = _step(torch.compile(flows_plain.copy.deepcopy(model).train()), windows, target, fused=True)
    steps["ours"] = _step(for_training(model).train(), windows, target, fused=True)
    return steps


def _without_dropout(model: nn.Module) -> None:
    for part in model.modules():
        if isinstance(part, nn.Dropout | nn.Dropout1d):
            part.p = 0.0
        if isinstance(getattr(part, "dropout", None), float):
            part.dropout = 0.0


def _step(model: nn.Module, windows, target, *, fused: bool = False, bf16: bool = False) -> Callable[[], float]:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6, fused=fused or None)

    def step() -> float:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = model(windows, target)["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        return float(loss.detach())

    return step


def take_turns(sides: dict[str, Callable], rounds: int, clock: Callable[[], float]) -> tuple[dict, dict]:
    """Least seconds of each, and each one's first result."""
    times: dict[str, float] = {}
    results: dict = {}
    for _ in range(rounds):
        for name, run in sides.items():
            start = clock()
            result = run()
            times[name] = min(times.get(name, float("inf")), clock() - start)
            results.setdefault(name, result)
    return times, results


def rates(clock: Callable[[], float]) -> dict[str, float]:
    """GFLOP/s of [2080, 800] x [800, 2400]: eight windows of 260 tokens through one layer's queries, keys and values."""
    x, w = torch.randn(2080, 800), torch.randn(2400, 800)
    ways = {"as torch does it": nn.functional.linear, "farandole": linear}
    with torch.no_grad():
        sides = {k: (lambda f=f: [f(x, w) for _ in range(5)]) for k, f in ways.items()}
        with torch.autocast("cpu", torch.bfloat16):
            half = partial(torch.mm, x.bfloat16(), w.bfloat16().mT)
        sides["bfloat16"] = lambda: [half() for _ in range(5)]
        times, _ = take_turns(sides, 7, clock)
    return {k: round(5 * 2 * 2080 * 800 * 2400 / t / 1e9, 1) for k, t in times.items()}


def work(name: str, what: str, batch: int) -> float:
    """GFLOP of a frame (one step of the model) or of a training step, as torch counts them, without computing anything."""
    kind, changes = MODELS[name]
    with torch.device("meta"):
        model = kind(kind.Config.preset("as-released", **changes))
        windows = random_windows(model.inputs if what == "train" else model.generation_inputs, batch)
        frames = model.target.frames if what == "train" else model.generation_frames
        target = torch.empty(batch, frames, model.latent_channels or model.target.dim)
        meta = mock.patch("farandole.models.flows.mixing._full_precision", nullcontext)  # no autocast there
        with meta, FlopCounterMode(display=False) as counter:
            if what == "train":
                model(windows, target)["loss"].backward()
            else:
                model.eval().requires_grad_(False).sample(windows, noise=target)
    return counter.get_total_flops() / 1e9


def main() -> None:
    """Print one JSON object per line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[*MODELS, []], help="which; default transflower")
    parser.add_argument("--do", nargs="+", choices=["generate", "train", "memory"], default=["generate", "train"])
    parser.add_argument("--frames", type=int, default=4, help="frames per run of generation")
    parser.add_argument("--batch", type=int, default=8, help="windows per training step")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, by turns")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--no-dropout", action="store_true", help="train without dropout, as published recipes intend")
    parser.add_argument("--bf16", action="store_true", help="also a step under bfloat16 autocast")
    parser.add_argument("--compile", action="store_true", help="also a step under torch.compile")
    parser.add_argument("--rates", action="store_true", help="only measure matrix products")
    parser.add_argument("--peak", choices=["plain", "ours"], help="one side alone, printing its peak memory")
    options = parser.parse_args()
    clock = CLOCKS[options.clock]
    make_steps = lambda name: training(  # noqa: E731
        name, options.batch, not options.no_dropout, options.bf16, options.compile
    )
    if options.peak:
        return _peak(options, make_steps)
    facts = {"threads": torch.get_num_threads(), "clock": options.clock, "gflops": rates(clock)}
    print(json.dumps(facts), flush=True)
    best = facts["gflops"]["farandole"]
    for name in () if options.rates else options.models or ["transflower"]:
        for what in options.do:
            if what == "memory":
                _memory(name, options)
                continue
            units = options.frames if what == "generate" else 1
            sides = generation(name, options.frames) if what == "generate" else make_steps(name)
            times, results = take_turns(sides, options.rounds, clock)
            if "farandole" in times:
                kept = results["farandole"].shape[1]
                times["farandole"] *= units / kept
            record: dict = {"model": name, "do": what} | ({"batch": options.batch} if what == "train" else {})
            record["seconds"] = {k: round(t / units, 4) for k, t in times.items()}
            record["times as fast"] = {k: round(times["plain"] / t, 2) for k, t in times.items() if k != "plain"}
            gflop = work(name, what, options.batch if what == "train" else 1)
            record["work GFLOP"] = round(gflop, 1)
            record["of the rate"] = round(gflop / (times["ours"] / units) / best, 2)
            if what == "generate":
                record["largest difference"] = float((results["plain"] - results["ours"]).abs().max())
            else:
                record["loss"] = {k: round(v, 5) for k, v in results.items()}
            print(json.dumps(record), flush=True)
            del sides, results


def _memory(name: str, options: argparse.Namespace) -> None:
    """Peak resident memory of a process that does one thing, MB."""
    for what in ("generate", "train"):
        peaks = {}
        for side in ("plain", "ours"):
            command = [sys.executable, __file__, name, "--do", what, "--peak", side, "--batch", str(options.batch)]
            peaks[side] = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(json.dumps({"model": name, "do": what, "batch": options.batch, "peak MB": peaks}), flush=True)


def _peak(options: argparse.Namespace, make_steps: Callable) -> None:
    name = options.models[0]
    if options.do == ["generate"]:
        model = build(name).eval()
        given = random_windows(model.generation_inputs, 1, 2)
        if options.peak == "plain":
            model = flows_plain.with_inverses(flows_plain.plain(model, copies=False).eval())
            flows_plain.generate(model, given, None, 3)
        else:
            generate(_ready(model), given, frames=3)
    else:
        model = build(name)
        windows, target = random_windows(model.inputs, options.batch), None
        target = torch.randn(options.batch, model.target.frames, model.target.dim)
        if options.peak == "plain":
            model = flows_plain.plain(model, copies=False)
        else:
            keep_all_freed_memory()
            model = for_training(model)
        step = _step(model.train(), windows, target, fused=options.peak == "ours")
        for _ in range(2):
            step()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    main()
