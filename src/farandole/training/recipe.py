"""Recipes: everything needed to repeat a training run, checked against the model, its objective and its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from farandole.errors import DataError
from farandole.models.registry import model_type
from farandole.models.settings import build, plain
from farandole.training.data.kinds import data_kind
from farandole.training.plan import Plan, Stage, StageKeys, Training
from farandole.training.window_offsets import from_zero

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.models.objectives.objective import Objective
    from farandole.training.data.training_data import TrainingData


@dataclass(frozen=True)
class Recipe:
    """Everything needed to repeat a training run."""

    model: str
    """Name in the registry of models."""
    about: str = ""
    """What it is, in a line."""
    preset: str = ""
    """Settings that `config` changes; "": the model's own defaults."""
    features: dict[str, str] = field(default_factory=dict)
    """Modality -> name of its feature in the feature folder."""
    dims: Literal["recipe", "data"] = "recipe"
    """Whether the recipe says how many columns each modality has, or the data do."""
    fps: float = 0.0
    """Frame rate of data that do not tell theirs (plain arrays); 0: they do."""
    config: Any = None
    """The model's settings."""
    windows: Any = None
    """Which windows it is trained on: settings of its kind of data."""
    objective: Any = None
    """What it is trained for: settings of its objective."""
    training: Training = field(default_factory=Training)
    """Optimisation."""
    completion: dict[str, Any] = field(default_factory=dict)
    """Fields of the checkpoint's `completion` that belong to these weights: styles, temperature, steps ..."""
    start: str = ""
    """Run, checkpoint or shipped model whose weights to begin with; "": fresh ones."""
    trainer: dict[str, Any] = field(default_factory=dict)
    """Arguments of Lightning's Trainer: devices, strategy ..."""
    terms: str = ""
    """What the model's card says of the use of its weights."""

    @property
    def plan(self) -> Plan:
        """The stages."""
        options = objective_of(self.model).Options
        given = self.training.stages or ({},)
        return Plan(
            tuple(_stage(self.training, options, values, f"training.stages[{k}]") for k, values in enumerate(given))
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `read_values` takes them."""
        values = {f.name: plain(getattr(self, f.name)) for f in fields(self)}
        return values | {"dims": "recipe"}


def objective_of(model: str) -> type[Objective]:
    """The objective of a model. Raises DataError if there is no such model."""
    return model_type(model).Objective


def read_values(values: Mapping[str, Any], corpus: FeatureFolder | None = None) -> Recipe:
    """A recipe from nested plain values, as YAML gives them.

    Args:
        values: Fields of `Recipe` by name.
        corpus: The data; with `dims: data` they say how many columns there are, and which of the target's never vary.

    Raises:
        DataError: Listing unknown keys and wrong values.
    """
    if not isinstance(values, Mapping):
        raise DataError(f"recipe: needed is a mapping of names to values, not {values!r}")
    known = [f.name for f in fields(Recipe)]
    unknown = [str(k) for k in values if k not in known]
    if unknown:
        raise DataError(f"recipe has no key '{unknown[0]}'; there are: {', '.join(known)}")
    if "model" not in values:
        raise DataError(f"recipe needs the key 'model'; there are: {', '.join(known)}")
    kind = model_type(values["model"])
    objective = kind.Objective
    data = data_kind(objective.data)
    inner = ("config", "windows", "objective", "training")
    outer = build(Recipe, {k: v for k, v in values.items() if k not in inner}, "recipe")
    settings = {
        "windows": build(data.Settings, values.get("windows") or {}, "windows", start=data.Settings()),
        "objective": build(objective.Settings, values.get("objective") or {}, "objective", start=objective.Settings()),
        "training": build(Training, values.get("training") or {}, "training", start=Training()),
    }
    fit: dict[str, Any] = {}
    if outer.dims == "data" and corpus is not None:
        still = _still(corpus, outer.features.get("motion", ""))
        fit = {"dims": data.dims(corpus, outer.features, settings["windows"]), "still": still}
    if outer.fps < 0:
        raise DataError(f"recipe.fps: {outer.fps:g} is no frame rate")
    recipe = replace(outer, config=_config(kind.Config, outer.preset, values.get("config") or {}, fit), **settings)
    assert recipe.plan.steps > 0  # its stages are checked, too
    return recipe


def take_rate(recipe: Recipe, corpus: FeatureFolder) -> None:
    """Give plain arrays the frame rate that a recipe tells.

    Raises:
        DataError: If neither tells one, or they tell two.
    """
    told = corpus.frame_rate
    if told is None and not recipe.fps:
        raise DataError(f"{corpus.folder} holds plain arrays, which do not tell their frame rate: add --fps=RATE")
    if told is not None and recipe.fps and abs(told - recipe.fps) > 1e-3:
        raise DataError(f"{corpus.folder} has {told:g} fps, but the recipe says fps: {recipe.fps:g}")
    corpus.frame_rate = told or recipe.fps


def make_data(recipe: Recipe, model: Any, corpus: FeatureFolder) -> TrainingData:
    """The recipe's kind of data. Raises DataError if recipe and data do not fit each other."""
    kind = data_kind(objective_of(recipe.model).data)
    return kind(corpus, model, recipe.features, recipe.windows, recipe.training.seed)


def difference(before: Any, now: Any, where: str) -> str:
    """Where two nested plain values differ first, in words; empty if they do not."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*before, *now)):
            found = difference(before.get(key), now.get(key), f"{where}.{key}" if where else str(key))
            if found:
                return found
        return ""
    return "" if before == now else f"{where} was {before}, now {now}"


def _config(kind: Any, preset: str, values: Any, fit: Mapping[str, Any]) -> Any:
    """The model's settings: of a preset, changed, and fitted to the data where `fit` holds arguments of `fitted`."""
    start = kind.preset(preset) if preset else None
    values = from_zero(values, start)
    try:
        config = build(kind, values, "config", start=start)
    except DataError:
        if start is None or not fit:
            raise
        # They may fit the data's columns, but not those of the preset.
        config = build(kind, values, "config", start=start.fitted(**fit))
    return config.fitted(**fit) if fit else config


def _stage(training: Training, options: type, values: Mapping[str, Any], where: str) -> Stage:
    own = [f.name for f in fields(StageKeys)]
    keys = build(StageKeys, {k: v for k, v in values.items() if k in own}, where, start=StageKeys())
    said = {k: v for k, v in vars(keys).items() if v is not None}
    defaults = {k: getattr(training, k) for k in own}
    extra = build(options, {k: v for k, v in values.items() if k not in own}, where, start=options())
    stage = Stage(**(defaults | said), options=extra)
    if min(stage.steps, stage.batch_size) < 1 or stage.lr <= 0 or not 0 <= stage.ema < 1:
        raise DataError(f"{where}: steps, batch_size and lr must be positive, ema in [0, 1)")
    if len(training.stages) > 1 and stage.schedule.unit != "step":
        raise DataError(f"{where}: a stage's schedule counts steps")
    return stage


def _still(corpus: FeatureFolder, feature: str) -> tuple[int, ...]:
    """Columns of a feature that never vary in the training split."""
    from farandole.data.feature_folder import CONSTANT

    if feature not in corpus.features:
        return ()
    scaler = corpus.scaler(feature)
    return tuple(int(i) for i in ((scaler.maximum - scaler.minimum) < CONSTANT).nonzero()[0])
