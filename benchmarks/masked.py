"""What the masked models cost on the CPU: a window through each, and a training step.

    OMP_NUM_THREADS=1 python benchmarks/masked.py [--rounds 5] [--models motionbert ...] [--library]

Windows of 300 frames, batch 1, random weights; CPU time of this process, least of the rounds, so that other work on the machine
disturbs little. A training step is forward, squared error, backward and Adam. --library: the same encoder through the
transformers library's own forward, beside ours, by turns; they must agree.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from farandole.models.acceleration import for_training
from farandole.models.layers.convbert import ConvBert, ConvBertConfig
from farandole.models.registry import model_type

FRAMES = 300


def least(act: Callable[[], object], rounds: int) -> float:
    """CPU time of the quickest round, s."""
    times = []
    for _ in range(rounds + 1):
        begin = time.process_time()
        act()
        times.append(time.process_time() - begin)
    return min(times[1:])


def costs(name: str, preset: str, rounds: int) -> str:
    """One row of the table."""
    kind = model_type(name)
    model = for_training(kind(kind.Config.preset(preset)))
    config = model.config
    motion = torch.randn(1, FRAMES, config.motion)
    music = torch.randn(1, FRAMES, config.music) if "music" in config.dims else None
    hidden = (torch.arange(FRAMES) % 15 > 0).float()[None, :, None]
    shown, attention = motion * (1 - hidden), torch.ones(1, FRAMES)
    model.eval()
    with torch.inference_mode():
        window = least(lambda: model(shown, hidden, attention, music), rounds)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        ((model(shown, hidden, attention, music) - motion).square() * hidden).mean().backward()
        optimizer.step()

    train = least(step, rounds)
    size = sum(p.numel() for p in model.parameters())
    return f"| {name}, {preset} | {size / 1e6:.2f} M | {1000 * window:.0f} ms | {1000 * train:.0f} ms |"


def against_library(rounds: int) -> str:
    """Our forward of the published motionbert encoder beside the library's, with the same weights."""
    from transformers import ConvBertConfig as LibraryConfig
    from transformers import ConvBertModel

    config = ConvBertConfig(mask_convolution=False)
    ours = ConvBert(config).eval()
    theirs = ConvBertModel(
        LibraryConfig(
            vocab_size=1, pad_token_id=0, bos_token_id=None, eos_token_id=None, hidden_size=512, embedding_size=512,
            num_hidden_layers=10, num_attention_heads=8, max_position_embeddings=300,
        )
    ).eval()  # fmt: skip
    theirs.load_state_dict(ours.state_dict(), strict=False)
    x, mask = torch.randn(1, FRAMES, 512), torch.ones(1, FRAMES, dtype=torch.long)
    with torch.inference_mode():
        expected = theirs(inputs_embeds=x, attention_mask=mask).last_hidden_state
        torch.testing.assert_close(ours(x, mask), expected, atol=1e-4, rtol=1e-4)
        plain = least(lambda: ours(x, mask), rounds)
        library = least(lambda: theirs(inputs_embeds=x, attention_mask=mask), rounds)
        for_training(ours)
        fast = least(lambda: ours(x, mask), rounds)
    told = {"library": library, "ours": plain, "ours with oneDNN's products": fast}
    return "encoder of motionbert: " + ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in told.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--models", nargs="+", choices=("crossmodal", "motionbert", "threebert"), default=["motionbert"]
    )
    parser.add_argument("--library", action="store_true")
    options = parser.parse_args()
    print(f"{torch.get_num_threads()} thread(s)\n")
    print(f"| model | parameters | window of {FRAMES} frames | training step |\n|---|---|---|---|")
    for name in options.models:
        for preset in model_type(name).Config.presets():
            print(costs(name, preset, options.rounds), flush=True)
    if options.library:
        print("\n" + against_library(options.rounds))


if __name__ == "__main__":
    main()
