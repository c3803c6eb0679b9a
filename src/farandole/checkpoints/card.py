"""The card of a model, from its configuration: what it does, what it was made from, who may use it."""

from __future__ import annotations

from farandole.checkpoints.schema import CheckpointConfig
from farandole.models.abilities import Abilities, Autoregressive, CurveCorrection, LatentFlow, Masked

ABILITIES = {
    "nothing": "begins without a known frame",
    "past": "goes on from a past",
    "future": "fills gaps",
    "joints": "completes single joints",
    "music": "listens to music",
    "labels": "takes a style",
    "random": "draws at random",
}
"""Ability -> what a model that has it does."""


def card(config: CheckpointConfig, name: str) -> str:
    """The text of card.md."""
    made_from = f"{config.model}, preset {config.preset}" if config.preset else config.model
    lines = [
        f"# {name}",
        "",
        f"A {made_from}: {config.parameters / 1e6:.2f} M parameters, {config.fps:g} frames per second.",
        "",
        f"* What it can do: {abilities(config.abilities)}.",
        *_completion(config),
        f"* Features: {', '.join(f'{feature} ({modality})' for modality, feature in config.features.items())}.",
        *_training(config),
        f"* Weights are stored with {config.stored.removeprefix('float')} bits and run with 32.",
        *_exported(config),
    ]
    if config.held_out:
        lines += ["", "| held-out figure | value |", "|---|---|"]
        lines += [f"| {k.removeprefix('held_out/')} | {v:g} |" for k, v in config.held_out.items()]
    terms = config.terms or "Whether and how these weights may be used and shipped depends on the terms of the data."
    lines += ["", "## Terms", "", f"Data: {config.licence.strip() or 'not stated.'}", "", terms]
    return "\n".join(lines) + "\n"


def abilities(has: Abilities) -> str:
    """The abilities of a model in words."""
    words = [text for name, text in ABILITIES.items() if getattr(has, name)]
    if has.longest_gap is not None:
        words.append(f"gaps of up to {has.longest_gap} frames")
    return ", ".join(words) or "nothing"


def _completion(config: CheckpointConfig) -> list[str]:
    completion = config.completion
    if isinstance(completion, LatentFlow):
        return [f"* Styles: {', '.join(completion.styles)}."]
    if isinstance(completion, Autoregressive):
        windows = "; ".join(
            f"{w.name}, " + ("a label" if w.tokens else f"{w.frames} frames of {w.dim}") for w in completion.inputs
        )
        target = completion.target
        return [f"* Reads {windows}; predicts {target.frames} frames from frame {target.offset} on."]
    if isinstance(completion, Masked):
        return [f"* Windows of up to {completion.window} frames."]
    if isinstance(completion, CurveCorrection):
        return [f"* Corrects curves between known frames, in windows of up to {completion.window} frames."]
    return []


def _training(config: CheckpointConfig) -> list[str]:
    data, packages = config.data, ", ".join(f"{k} {v}" for k, v in config.packages.items())
    lines = [
        f"* Made with farandole {config.farandole}{f' ({packages})' if packages else ''}; every setting is in config.json."
    ]
    if data.sequences:
        lines.append(
            f"* Trained for {config.steps} steps on {data.sequences} sequences ({data.minutes:g} min) of {data.name}."
        )
    return lines


def _exported(config: CheckpointConfig) -> list[str]:
    if config.exported is None:
        return []
    facts = config.exported
    return [f"* Exported networks differ from torch by {facts.difference:.1e} at most (tolerance {facts.tolerance:g})."]
