"""Completion in the shell: the script for each one, printed or installed."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

from farandole.cli import console

COMPLETE_VAR = "_FARANDOLE_COMPLETE"
"""The variable by which a shell's script asks for completions."""

Shell = Literal["bash", "zsh", "fish", "powershell", "pwsh"]


def asked() -> bool:
    """Whether a shell asks for completions."""
    return COMPLETE_VAR in os.environ


def prepare() -> None:
    """Make typer answer a shell that asks; costs nothing otherwise."""
    if asked():
        from typer.completion import completion_init

        completion_init()


def _show(shell: str | None) -> None:
    if shell:
        from typer.completion import get_completion_script

        console.result(get_completion_script(prog_name="farandole", complete_var=COMPLETE_VAR, shell=shell))
        raise typer.Exit


def _install(shell: str | None) -> None:
    if shell:
        from typer.completion import install

        _, path = install(shell=shell, prog_name="farandole", complete_var=COMPLETE_VAR)
        console.note(f"completion of {shell} written to {path}: open a new shell")
        raise typer.Exit


InstallCompletion = Annotated[
    Shell | None,
    typer.Option(
        "--install-completion",
        help="Install completion of commands and options for this shell.",
        callback=_install,
        is_eager=True,
        show_default=False,
    ),
]
ShowCompletion = Annotated[
    Shell | None,
    typer.Option(
        "--show-completion",
        help="Print the script of completion for this shell.",
        callback=_show,
        is_eager=True,
        show_default=False,
    ),
]
