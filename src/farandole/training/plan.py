"""How a model is trained: stages of steps and rates, the optimiser, what is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from farandole.models.errors import require
from farandole.training.schedules import Schedule


@dataclass(frozen=True)
class Stage:
    """So many steps at a learning rate."""

    steps: int
    """Optimiser steps."""
    lr: float
    """Base learning rate."""
    schedule: Schedule
    """Of the learning rate, counted from the stage's first step."""
    batch_size: int
    """Windows per step, over all processes."""
    ema: float
    """Memory of the average of the weights that is validated and kept; 0 for none."""
    options: Any
    """What the stage trains or hides: the objective's options."""


@dataclass(frozen=True)
class DanceChecks:
    """How a model is judged by dancing while it trains: free-running, beside real takes."""

    every: int = 0
    """Validations from one time to the next; 0 for never."""
    songs: int = 2
    """Held-out sequences that it dances to."""
    seconds: float = 20.0
    """Length of each dance."""

    def __post_init__(self) -> None:
        fine = self.every >= 0 and self.songs > 0 and self.seconds > 0
        require("training.dances", [(fine, "every must not be negative, songs and seconds must be positive")])


@dataclass(frozen=True)
class Training:
    """How a model is trained."""

    steps: int = 600_000
    """Optimiser steps of a stage that does not say its own."""
    batch_size: int = 84
    """Windows per step, over all processes, of a stage that does not say its own."""
    lr: float = 7e-5
    """Base learning rate of a stage that does not say its own."""
    schedule: Schedule = field(default_factory=Schedule)
    """Of the learning rate of a stage that does not say its own."""
    ema: float = 0.0
    """Memory of the average of the weights that is validated and kept; 0 for none."""
    stages: tuple[dict[str, Any], ...] = ()
    """One after the other, each a mapping of steps, lr, schedule, batch_size, ema and what the objective offers; none: one."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    """Optimiser."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Memory of adam's and adamw's averages."""
    weight_decay: float = 0.0
    """Of the optimiser."""
    restart_optimizer: bool = False
    """Forget the optimiser's averages where a stage begins."""
    clip_norm: float = 0.5
    """Largest norm of the gradient; 0 for no clipping."""
    accumulate: int = 1
    """Batches whose gradients make one step."""
    seed: int = 0
    """Of weights, order of windows, chance."""
    threads: int = 0
    """CPU threads of torch; 0: as many as it takes by itself."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """bf16-mixed runs the networks in bfloat16; the flows' own arithmetic stays in float32."""
    compile: bool = False
    """Compile the model with torch.compile."""
    fast_kernels: bool = True
    """On a processor, take quicker kernels for the same arithmetic (models.kernels), and the fused optimiser."""
    recompute: bool = False
    """Gradient checkpointing: transformers keep only the input of each layer, for a third more time."""
    validate_every: int = 0
    """Batches from one validation to the next; 0: an epoch, or 1000 where epochs have no meaning."""
    keep: Literal["best", "dances", "last"] = "best"
    """Which weights the checkpoint holds: best: of least held-out loss of the last stage (where there is a held-out split);
    dances: whose dances have most lines within the range of real takes, ties by distance (needs dances.every); or the last."""
    stored: Literal["float16", "float32"] = "float32"
    """Precision of the weights in the checkpoint's files."""
    export: bool = False
    """Write the ONNX files with the checkpoint, so that it runs without torch."""
    save_every: int = 1000
    """Optimiser steps from one saved state of training to the next; a run that is killed loses no more."""
    save_minutes: float = 0.0
    """Minutes from one saved state of training to the next, in addition; 0 for none."""
    dances: DanceChecks = field(default_factory=DanceChecks)
    """How the model is judged by dancing while it trains."""
    loggers: tuple[Literal["tensorboard", "csv", "wandb"], ...] = ("tensorboard",)
    """Where losses, figures and pictures go, all in RUN/logs: tensorboard, csv (logs/csv/version_N/metrics.csv), wandb (Weights &
    Biases offline: nothing is sent before `wandb sync`)."""
    workers: int = 0
    """Processes that read windows, so that a fast device does not wait for them; the batches are the same."""

    def __post_init__(self) -> None:
        require(
            "training",
            [
                (
                    min(self.steps, self.batch_size, self.accumulate) > 0,
                    "steps, batch_size and accumulate must be positive",
                ),
                (self.lr > 0, f"lr must be positive, got {self.lr}"),
                (0 <= self.ema < 1, f"ema must be in [0, 1), got {self.ema}"),
                (all(0 <= b < 1 for b in self.betas), f"betas must be in [0, 1), got {self.betas}"),
                (min(self.workers, self.threads) >= 0, "workers and threads must not be negative"),
                (
                    self.save_every > 0 and min(self.save_minutes, self.validate_every) >= 0,
                    "save_every must be positive, save_minutes and validate_every not negative",
                ),
                (self.keep != "dances" or self.dances.every > 0, "keep: dances needs dances.every"),
                (self.clip_norm >= 0, f"clip_norm must not be negative, got {self.clip_norm}"),
            ],
        )


@dataclass(frozen=True)
class StageKeys:
    """What a stage may say of itself beside the objective's options; None: what `Training` says."""

    steps: int | None = None
    lr: float | None = None
    schedule: Schedule | None = None
    batch_size: int | None = None
    ema: float | None = None


@dataclass(frozen=True)
class Plan:
    """The stages of a run in order."""

    stages: tuple[Stage, ...]

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(s.steps for s in self.stages)

    def begins(self) -> list[int]:
        """First step of each stage."""
        return [sum(s.steps for s in self.stages[:k]) for k in range(len(self.stages))]

    def at(self, step: int) -> tuple[int, Stage, int]:
        """Number of the stage of optimiser step `step` (from 0), the stage, and its first step; beyond the end the last one."""
        begins = self.begins()
        number = max(k for k, begin in enumerate(begins) if begin <= step)
        return number, self.stages[number], begins[number]
