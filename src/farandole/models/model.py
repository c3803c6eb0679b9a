"""What every model in the registry offers: settings, objective, abilities, how it completes a motion, its networks."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn

from farandole.models.abilities import Abilities
from farandole.models.networks import Network
from farandole.models.objectives.objective import Objective


class Model(nn.Module):
    """A model that is trained, kept and used like every other; knows no data, trainer or file.

    The constructor takes the settings as its only argument.
    """

    name: ClassVar[str] = ""
    """Name in recipes and checkpoints, see `models.registry.register`."""
    Config: ClassVar[type]
    """Settings, a frozen dataclass and a `base.ModelConfig`."""
    Objective: ClassVar[type[Objective]]
    """What it is trained for."""

    def abilities(self) -> Abilities:
        """What it can use and make."""
        raise NotImplementedError

    def completion(self) -> dict[str, Any]:
        """How it completes a partial motion: fields of the dataclass in `models.abilities` that `kind` names; what the data or
        the recipe know is added by the training stack.
        """
        raise NotImplementedError

    def networks(self) -> dict[str, Network]:
        """Its networks by name, as functions of tensors: what a session runs, and what is exported."""
        raise NotImplementedError
