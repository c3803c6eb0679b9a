"""The list of commands, in the order of `farandole --help`."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import typer

from farandole.cli import (
    compose,
    convert,
    dance,
    doctor,
    download,
    evaluate,
    extend,
    generate,
    inbetween,
    info,
    live,
    models,
    prepare,
    recipes,
    render,
    reroll,
    teach,
    train,
    view,
)

COMMANDS = (
    dance,
    inbetween,
    reroll,
    extend,
    live,
    teach,
    view,
    render,
    convert,
    info,
    compose,
    models,
    download,
    prepare,
    recipes,
    train,
    generate,
    evaluate,
    doctor,
)
FREE_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def named(name: str) -> tuple[ModuleType, ...]:
    """The command of this name, alone; none if there is no such command."""
    return tuple(module for module in COMMANDS if _name(module) == name)


def register(app: typer.Typer, modules: Sequence[ModuleType] = COMMANDS) -> None:
    """Add commands to the application: every one unless told otherwise."""
    for module in modules:
        name = _name(module)
        command = getattr(module, name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, context_settings=FREE_OPTIONS if module is train else {})(command)


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
