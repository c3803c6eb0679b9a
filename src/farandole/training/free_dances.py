"""While a model trains: it dances held-out sequences on its own, and the dances are judged beside real takes and drawn."""

from __future__ import annotations

import copy
import json
import logging
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np

from farandole._io import atomic_path
from farandole.errors import FarandoleError
from farandole.evaluation.free_running import FreeRun
from farandole.evaluation.real_range import RealRange
from farandole.evaluation.run_dances import corpus_range, judge_run
from farandole.generation.completion import open_model
from farandole.training.data.training_data import HELD_OUT
from farandole.training.finish import save_run
from farandole.training.loggers import show_picture
from farandole.view.dance_sheet import dance_sheet
from farandole.view.png import encode_png

if TYPE_CHECKING:
    from farandole.training.data.training_data import TrainingData
    from farandole.training.recipe import Recipe

log = logging.getLogger(__name__)


class FreeDances(lightning.Callback):
    """After every so many validations the model dances with the validated weights, always from the same seeds and noise.

    Held-out sequences give music and beginning; models that only fill gaps fill those of the sequences. The figures of the
    scorecard go to the logs, a contact sheet and the card to `run`/dances. A model that has not learnt yet may make no picture
    worth seeing, but never stops the training.

    Args:
        recipe: Of the run; its training.dances says how often, how many and how long.
        data: With a held-out split.
        run: Folder of the run.
        best: Where the state with the best dances is kept; None for nowhere.
    """

    def __init__(self, recipe: Recipe, data: TrainingData, run: Path, best: Path | None = None) -> None:
        self.recipe, self.data, self.run, self.path = recipe, data, run, best
        self.settings = recipe.training.dances
        self.best: tuple[int, float] | None = None
        self._validations = 0

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Dance and judge in the first process; keep the weights in all of them if they dance better than before."""
        self._validations += 1
        if self._validations % self.settings.every:
            return
        better = False
        if trainer.is_global_zero:
            better = self._judge(trainer, pl_module)
        if self.path is not None and trainer.strategy.broadcast(better):
            trainer.save_checkpoint(self.path, weights_only=True)

    def state_dict(self) -> dict[str, Any]:
        """For resuming."""
        return {"validations": self._validations, "best": None if self.best is None else list(self.best)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting and comparing."""
        self._validations = state_dict["validations"]
        best = state_dict["best"]
        self.best = None if best is None else (int(best[0]), float(best[1]))

    def _judge(self, trainer: lightning.Trainer, task: Any) -> bool:
        """Write figures and pictures; whether these dances are the best so far."""
        step = trainer.global_step
        try:
            danced = self.dance(task, step)
        except (FarandoleError, ArithmeticError, ValueError) as problem:
            log.warning("no dances after step %d: %s", step, problem)
            return False
        card = danced.scorecard
        for logger in trainer.loggers:
            logger.log_metrics({f"dances/{k}": v for k, v in card.numbers().items() if np.isfinite(v)}, step=step)
            logger.log_metrics({"dances/lines": card.passed, "dances/distance": min(card.distance, 1e6)}, step=step)
        (self.run / "dances").mkdir(parents=True, exist_ok=True)
        with atomic_path(self.run / "dances" / f"{step:07d}.json", force=True) as path:
            path.write_text(json.dumps(danced.as_dict(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        if danced.motions:
            sheet = dance_sheet({d.name: d.motion for d in danced.dances if d.motion is not None}, tile=(120, 150))
            with atomic_path(self.run / "dances" / f"{step:07d}.png", force=True) as path:
                path.write_bytes(encode_png(sheet))
            show_picture(trainer.loggers, "dance", sheet, step)
        if self.best is not None and card.score <= self.best:
            return False
        self.best = card.score
        return True

    def dance(self, task: Any, step: int) -> FreeRun[Any]:
        """Dances with the weights of the moment, and their scorecard.

        Raises:
            FarandoleError: If no held-out sequence is long enough, or the model cannot make one.
        """
        with tempfile.TemporaryDirectory(dir=self.run) as place:
            model = copy.deepcopy(task.kept).cpu().eval()
            save_run(Path(place) / "checkpoint", model, self.recipe, self.data, steps=step, held_out={})
            completer = open_model(Path(place) / "checkpoint", engine="torch", device="cpu")
            held_out = [n for split in HELD_OUT for n in self.data.corpus.split(split)][: self.settings.songs]
            return judge_run(completer, self.data.corpus, held_out, self.reference, seconds=self.settings.seconds)

    @cached_property
    def reference(self) -> RealRange:
        """Real takes of the data."""
        corpus = self.data.corpus
        return corpus_range(corpus, self.recipe.features.get("motion") or next(iter(corpus.codecs)))
