"""Do the styles of a dancer dance like real takes of them, and can they be told apart? Prints Markdown.

    python benchmarks/dance_styles.py [--model starter] [--songs 10] [--seconds 60] [-o report.md]

Every style dances to the same composed songs, which training never heard, and is held against the figures of real takes of that
style which come with the package. A classifier that saw real takes alone is asked which style each dance is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from farandole.data.starter.groove_clips import groove_clip
from farandole.data.starter.songs import compose
from farandole.evaluation.clip_figures import ClipFigures
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.measuring import measure_for_lines
from farandole.evaluation.metrics.landings_on_beat import landings_on_beat
from farandole.evaluation.reference_file import starter_reference
from farandole.evaluation.scorecard import Scorecard, score_clips
from farandole.evaluation.style_recognition import StyleClassifier, recognise_styles, style_distances
from farandole.generation.completion import open_model
from farandole.generation.dance import dance
from farandole.generation.latent_flow.dancer import LatentDancer
from farandole.music.song import Song

SONGS = (
    ("house", 122.0), ("hiphop", 94.0), ("pop", 104.0), ("disco", 118.0), ("funk", 108.0),
    ("latin", 98.0), ("rock", 132.0), ("reggaeton", 92.0), ("pop", 84.0), ("house", 128.0),
)  # fmt: skip
SALSA = tuple(("salsa", bpm) for bpm in (152.0, 160.0, 168.0, 172.0, 176.0, 180.0, 186.0, 192.0, 200.0, 208.0))
SHOWN = (
    "joint_speed",
    "holds",
    "straight_knees",
    "long_arms",
    "speed_deviation_short",
    "phrase_variety",
    "support_median",
)


def main() -> None:
    """Dance, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--songs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    lines: list[str] = []

    def say(text: str = "") -> None:
        lines.append(text)
        print(text, flush=True)

    model = open_model(options.model)
    assert isinstance(model, LatentDancer)
    families = tuple(dict.fromkeys(style.family for style in model.facts.styles.values()))
    reference = starter_reference()
    real = [*reference.clips, *made_groove()]
    dances, cards, beats = {}, {}, {}
    for family in families:
        found = [danced(model, family, k, options.seconds) for k in range(options.songs)]
        dances[family] = [figures for figures, _ in found]
        beats[family] = np.mean([kept for _, kept in found], axis=0)
        yardstick = replace(reference, clips=tuple(c for c in real if c.style == family), style=family)
        cards[family] = (score_clips(dances[family], yardstick), [score_clips([f], yardstick) for f in dances[family]])
    by_style(cards, beats, say)
    by_line(cards, say)
    say("\nReal takes taught a classifier; it says of the dances:\n")
    told = recognise_styles(StyleClassifier.fit(real), [clip for clips in dances.values() for clip in clips])
    say(told.table())
    say(
        f"\n{told.accuracy:.0%} are told right (chance {1 / len(families):.0%}). Frechet distances between the styles danced:\n"
    )
    apart = style_distances([clip for clips in dances.values() for clip in clips])
    say(apart.table())
    say(f"\nTwo styles are {apart.ratio:.1f} times as far apart as two halves of one.")
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


def made_groove() -> list[ClipFigures]:
    """Groove is made, not recorded: its clips stand for its takes."""
    clips = [groove_clip(number) for number in range(12)]
    return [measure_for_lines(clip.motion, clip.count, name=clip.name, style="groove") for clip in clips]


def danced(model: LatentDancer, family: str, number: int, seconds: float) -> tuple[ClipFigures, tuple[float, float]]:
    """Figures of one dance; and how many of its steps land on a beat, and between two."""
    song = song_of(*(SALSA if family == "salsa" else SONGS)[number % 10], 900 + number, seconds)
    motion = dance(song, style=family, seed=number, model=model)
    count = model.score(song, len(motion), style=family, role=number).count
    kept = landings_on_beat(view_humanoid(motion), count)
    return measure_for_lines(motion, count, name=f"{family} to {song.name}", style=family), kept


@cache
def song_of(genre: str, bpm: float, seed: int, seconds: float) -> Song:
    """A composed song, analysed once for all styles that dance to it."""
    made = compose(bpm, seconds, genre=genre, seed=seed)
    return Song.from_samples(made.samples, made.sample_rate, name=f"{genre} {bpm:g}")


def by_style(cards: dict[str, tuple[Scorecard, list[Scorecard]]], beats: dict[str, np.ndarray], say: Callable) -> None:
    """A row per style."""
    say(
        "| style | as good as real, all songs | danced, all songs | songs with 9 or more of 11 danced | steps on / off beat |"
    )
    say("|---|---:|---:|---:|---:|")
    for family, (card, each) in cards.items():
        good = sum(one.danced_passed >= len(one.danced) - 2 for one in each)
        kept = " / ".join(f"{value:.0%}" for value in beats[family])
        say(
            f"| {family} | {card.passed} of {card.counted} | {card.danced_passed} of {len(card.danced)} | "
            f"{good} of {len(each)} | {kept} |"
        )
    say()


def by_line(cards: dict[str, tuple[Scorecard, list[Scorecard]]], say: Callable) -> None:
    """Real and made figures of each style, and songs within the range of each danced line."""
    say(f"| style | | {' | '.join(SHOWN)} |")
    say(f"|---|---|{'---:|' * len(SHOWN)}")
    for family, (card, _) in cards.items():
        say(f"| {family} | real | {' | '.join(f'{card[name].range.real:.2f}' for name in SHOWN)} |")
        say(f"| | danced | {' | '.join(f'{card[name].value:.2f}' for name in SHOWN)} |")
    rules = [line.figure for line in next(iter(cards.values()))[0].danced]
    say(f"\nSongs within the range of real takes of the style:\n\n| style | {' | '.join(rules)} |")
    say(f"|---|{'---:|' * len(rules)}")
    for family, (_, each) in cards.items():
        passed = [sum(one[name].passed for one in each) for name in rules]
        say(f"| {family} | {' | '.join(f'{n} of {len(each)}' for n in passed)} |")


if __name__ == "__main__":
    main()
