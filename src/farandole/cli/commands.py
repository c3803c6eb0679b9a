"""The list of commands, in the order of `farandole --help`."""

from __future__ import annotations

import typer

from farandole.cli import compose, convert, dance, info, render, view


def register(app: typer.Typer) -> None:
    """Add every command to the application."""
    for module in (dance, view, render, convert, info, compose):
        name = module.__name__.rpartition(".")[2]
        app.command(name)(getattr(module, name))
