"""The list of commands, in the order of `farandole --help`."""

from __future__ import annotations

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
    train,
    view,
)

COMMANDS = (
    dance,
    inbetween,
    extend,
    live,
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


def register(app: typer.Typer) -> None:
    """Add every command to the application."""
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        command = getattr(module, name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, context_settings=FREE_OPTIONS if module is train else {})(command)
