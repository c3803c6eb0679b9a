"""From folders of motion to report.json and a page."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from dancers import sliding, stepping, still

from farandole.errors import DataError, OutputError
from farandole.evaluation.clip_figures import Settings, measure_clip, measure_clips
from farandole.evaluation.dance_clips import find_clips
from farandole.evaluation.figures import FIGURES
from farandole.evaluation.reference_file import starter_reference
from farandole.evaluation.reporting.dance_report import Report, evaluate
from farandole.evaluation.reporting.dance_report_files import write_report
from farandole.evaluation.reporting.dance_report_page import render_page
from farandole.evaluation.reporting.report_sheet import write_sheet
from farandole.evaluation.set_figures import kinetic_map, small_set_warnings, strangeness


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of real steps, one of alike steps, one of slides; beats at the steps' tempo for all but the slides."""
    root = tmp_path_factory.mktemp("motion")
    for name, bpms in (("real", (100, 104, 108, 112, 116)), ("alike", (102, 106, 110))):
        (root / name).mkdir()
        for bpm in bpms:
            stepping(bpm, seconds=6, sway=0.2 + bpm / 500).save(root / name / f"steps{bpm}.npz")
            (root / name / f"steps{bpm}.beats.json").write_text(json.dumps({"bpm": bpm}))
    (root / "bad").mkdir()
    for i, speed in enumerate((0.2, 0.5, 1.0, 2.0)):
        sliding(speed, seconds=6).save(root / "bad" / f"slide{i}.npz")
    return root


@pytest.fixture(scope="module")
def report(folders: Path) -> Report:
    return evaluate([folders / "alike", folders / "bad"], folders / "real", workers=1)


def test_alike_motion_is_nearer_to_the_reference_than_slides_in_every_set_distance(report: Report) -> None:
    alike, bad = (run.figures.values for run in report.runs)
    for name in ("fid_k", "fid_k_fixed", "fid_g", "fpd", "fmd"):
        assert alike[name].value < bad[name].value, name
    assert report.reference.figures.values["fid_k"].value > 0
    assert "fpd" in report.reference.figures.reasons


def test_the_scorecard_tells_what_is_wrong(report: Report) -> None:
    alike, bad = (run.scorecard for run in report.runs)
    assert alike is not None
    assert bad is not None
    assert alike["support_median"].passed
    assert alike["coherence_gain"].passed
    assert alike > bad
    assert not bad["joint_speed"].passed
    assert not bad["coherence_gain"].counted
    assert report.reference.scorecard is None


def test_differences_from_the_first_run_have_intervals(report: Report) -> None:
    gaps = report.runs[1].differences
    assert gaps["support_median"].low > 0
    assert "coherence" not in gaps
    assert report.runs[0].differences == {}


def test_best_and_worst_clips_are_ranked_by_likeness_to_the_reference(report: Report) -> None:
    bad = report.runs[1]
    assert bad.worst()[0].name == "slide3"
    assert not {c.name for c in bad.best()} & {c.name for c in bad.worst()}


def test_readers_are_warned_of_small_sets_missing_music_and_other_frame_rates(report: Report) -> None:
    text = "\n".join(report.warnings)
    assert "real has 5 clips" in text
    assert "720 are needed" in text
    assert "bad: 4 of 4 clips have neither a song nor beats" in text
    assert "30 fps" in text
    assert small_set_warnings({"x": 720, "y": 900}) == []


def test_report_json_is_plain_versioned_and_complete(report: Report, tmp_path: Path) -> None:
    page = write_report(report, tmp_path / "out")
    data = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    assert (data["schema"], data["version"]) == ("farandole.evaluation", 2)
    assert [run["name"] for run in data["runs"]] == ["alike", "bad"]
    assert data["runs"][0]["scorecard"]["counted"] == 8  # clips of 6 s have one window: no distances from real takes
    assert data["reference"]["scorecard"] is None
    assert set(data["runs"][0]["figures"]) <= set(FIGURES) == set(data["definitions"])
    assert data["runs"][0]["figures"]["bas_bailando"]["count"] == 3
    assert data["runs"][1]["sequences"][0]["figures"]["coherence"] is None
    assert len(data["reference"]["sequences"]) == 5
    assert page == tmp_path / "out/index.html"
    assert str(tmp_path) not in json.dumps(data)
    again = write_report(report, tmp_path / "again")
    assert (again.parent / "report.json").read_bytes() == (tmp_path / "out/report.json").read_bytes()


def test_markdown_tables_have_a_line_per_figure_and_a_column_per_set(report: Report) -> None:
    from farandole.evaluation.reporting.markdown_tables import figures_table, verdict_table

    lines = figures_table(report).splitlines()
    assert lines[0] == "| figure | real (5) | alike (3) | bad (4) |"
    assert {line.count("|") for line in lines} == {5}
    assert any(line.startswith("| FID_k |") for line in lines)
    assert len(figures_table(report, ["pfc"]).splitlines()) == 3
    verdict = verdict_table(report)
    assert "As good as real" in verdict
    assert {line.count("|") for line in verdict.splitlines()} == {6}
    assert "e-1" not in figures_table(report)


class _Checker(HTMLParser):
    """Collects tags left open and addresses outside the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.outside += [v for k, v in attrs if k in ("src", "href") and v and "://" in v]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_needs_nothing_else(report: Report, tmp_path: Path) -> None:
    def pages(folder: Path) -> dict[str, str]:
        (folder / "clips").mkdir()
        (folder / "clips/0.html").write_text("plays")
        return {"bad/slide3": "clips/0.html"}

    text = write_report(report, tmp_path / "out", pages=pages).read_text(encoding="utf-8")
    checker = _Checker()
    checker.feed(text)
    assert checker.open == []
    assert checker.outside == []
    assert "script" not in checker.seen
    assert checker.seen["svg"] >= 4
    assert checker.seen["circle"] == 5 + 3 + 4
    assert '<a href="clips/0.html">slide3</a>' in text
    assert (tmp_path / "out/clips/0.html").is_file()
    assert "nan" not in text.replace("dominant", "")


def test_names_of_runs_clips_and_files_stay_text_on_the_page(report: Report) -> None:
    nasty, script = "<b>\"x'&", "<script>alert(1)</script>"
    run = report.runs[0]
    clips = tuple(replace(clip, name=script) for clip in run.clips)
    changed = replace(report, runs=(replace(run, name=nasty, clips=clips),), warnings=(script,))
    text = render_page(changed, {f"{nasty}/{script}": nasty}, picture=nasty)
    checker = _Checker()
    checker.feed(text)
    assert checker.open == []
    assert "script" not in checker.seen
    escaped = "&lt;b&gt;&#34;x&#39;&amp;"
    for markup in (f"<h1>{escaped} against real</h1>", f'href="{escaped}"', f'src="{escaped}"'):
        assert markup in text


def test_a_report_is_not_overwritten_unasked_and_not_left_half_written(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path / "out")
    with pytest.raises(OutputError, match="exists already"):
        write_report(report, tmp_path / "out")
    write_report(report, tmp_path / "out", force=True)

    def failing(folder: Path) -> dict[str, str]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_report(report, tmp_path / "other", pages=failing)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_processes_give_the_same_figures_in_the_same_order(folders: Path) -> None:
    clips = find_clips(folders / "real")
    done = []
    together = measure_clips(clips, workers=2, progress=lambda n, total: done.append((n, total)))
    assert [c.name for (c,) in together] == [c.name for c in clips]
    (alone,) = measure_clip(clips[2])
    np.testing.assert_array_equal(together[2][0].kinetic, alone.kinetic)
    np.testing.assert_equal(together[2][0].all_numbers(), alone.all_numbers())
    assert done[-1] == (5, 5)


def test_only_the_first_seconds_and_absolute_positions_if_asked(folders: Path) -> None:
    clip = find_clips(folders / "real")[0]
    (short,) = measure_clip(clip, Settings(seconds=2))
    assert short.quality.seconds == pytest.approx(2)
    (absolute,) = measure_clip(clip, Settings(root="absolute"))
    (relative,) = measure_clip(clip)
    assert absolute.kinetic[0, 2] != pytest.approx(relative.kinetic[0, 2])
    np.testing.assert_allclose(absolute.kinetic[1], relative.kinetic[1])  # mended features do not care


def test_clips_cut_into_pieces_keep_their_beats(folders: Path) -> None:
    clip = find_clips(folders / "real")[0]
    (whole,), pieces = measure_clip(clip), measure_clip(clip, Settings(cut=2.5))
    assert [p.name for p in pieces] == ["steps100 1", "steps100 2"]
    assert [p.group for p in pieces] == [
        f"{whole.group} 1",
        f"{whole.group} 2",
    ]  # only like pieces of a song are takes of it
    assert all(p.quality.seconds == pytest.approx(2.5) for p in pieces)
    np.testing.assert_allclose(pieces[1].beats + 2.5, [b for b in whole.beats if 2.5 <= b < 5])
    cut = evaluate(folders / "alike", folders / "real", settings=Settings(cut=2), workers=1)
    assert (len(cut.reference.clips), len(cut.runs[0].clips)) == (15, 9)
    with pytest.raises(DataError, match="no clip is 9 s long"):
        evaluate(folders / "alike", folders / "real", settings=Settings(cut=9), workers=1)


def test_one_clip_against_one_still_makes_a_report(tmp_path: Path) -> None:
    for name, motion in (("a", stepping(seconds=3)), ("b", still(3))):
        (tmp_path / name).mkdir()
        motion.save(tmp_path / name / "one.npz")
    tiny = evaluate(tmp_path / "a", tmp_path / "b")
    assert "fid_k" in tiny.runs[0].figures.reasons
    assert write_report(tiny, tmp_path / "out").is_file()


def test_takes_of_one_song_have_a_multimodality(tmp_path: Path) -> None:
    import soundfile

    from farandole.data.starter.songs import compose, genres
    from farandole.evaluation.set_figures import set_figures

    song = compose(120, 6, genre=genres()[0], seed=1)
    soundfile.write(tmp_path / "song.wav", song.samples, song.sample_rate)
    for i, sway in enumerate((0.1, 0.5, 0.9)):
        stepping(120, seconds=5, sway=sway).save(tmp_path / f"song-{i}.npz")
    clips = [piece for pieces in measure_clips(find_clips(tmp_path), workers=1) for piece in pieces]
    figures = set_figures(clips, clips)
    assert figures.values["multimodality_k"].value > 0
    assert all(-1 <= clip.numbers["music_motion_correlation"] <= 1 for clip in clips)
    assert all(clip.quality.coherence > 0.3 for clip in clips)


def test_maps_and_ranks_survive_sets_of_one(report: Report) -> None:
    one = report.reference.clips[:1]
    points = kinetic_map(one, [one])
    assert [p.shape for p in points] == [(1, 2), (1, 2)]
    assert strangeness(one, one) == pytest.approx([0])


def test_nothing_to_evaluate_is_refused(folders: Path) -> None:
    with pytest.raises(DataError, match="nothing to evaluate"):
        evaluate([], folders / "real")


def test_styles_have_figures_and_scorecards_of_their_own(tmp_path: Path) -> None:
    for where, bpms in (("real", (100, 110, 120)), ("made", (105, 115))):
        for style, sway in (("calm", 0.1), ("wild", 0.9)):
            (tmp_path / where / style).mkdir(parents=True)
            for bpm in bpms:
                stepping(bpm, seconds=6, sway=sway + bpm / 1e3).save(tmp_path / where / style / f"s{bpm}.npz")
    (tmp_path / "made/odd").mkdir()
    stepping(90, seconds=6).save(tmp_path / "made/odd/s.npz")
    report = evaluate(tmp_path / "made", tmp_path / "real", workers=1)
    (run,) = report.runs
    assert run.styles == ("calm", "odd", "wild")
    assert set(run.by_style) == {"calm", "wild"}
    assert run.by_style["calm"].style == "calm"
    data = report.as_dict()["runs"][0]["by_style"]
    assert data["odd"]["scorecard"] is None
    assert data["odd"]["clips"] == 1
    assert data["wild"]["figures"]["joint_speed"]["value"] > data["calm"]["figures"]["joint_speed"]["value"]
    page = write_report(report, tmp_path / "out").read_text(encoding="utf-8")
    assert "Style: calm" in page
    assert "Style: odd" not in page


def test_the_figures_that_come_with_the_package_are_of_whole_takes(folders: Path, tmp_path: Path) -> None:
    report = evaluate(folders / "alike", "starter", workers=1)
    assert [run.name for run in report.runs] == ["alike"]
    assert len(report.reference.clips) == len(starter_reference().clips)
    assert "fpd" in report.runs[0].figures.reasons
    assert write_report(report, tmp_path / "out").is_file()
    for settings in (Settings(cut=2), Settings(seconds=2), Settings(root="absolute")):
        with pytest.raises(DataError, match="name a folder of real motion"):
            evaluate(folders / "alike", "starter", settings=settings, workers=1)


def test_the_picture_shows_the_best_and_worst_of_every_run_beside_a_real_take(report: Report, tmp_path: Path) -> None:
    shown: list[str] = []

    def draw(dances, path: Path) -> None:
        shown.extend(dances)
        path.write_bytes(b"picture")

    page = write_report(report, tmp_path / "out", sheet=lambda folder: write_sheet(report, folder, draw))
    assert len(shown) == 1 + 2 + 2
    assert shown[0].startswith("real: steps")
    assert shown[-1] == "bad, least like real: slide3"
    assert '<img src="dances.png"' in page.read_text(encoding="utf-8")
    assert (tmp_path / "out/dances.png").is_file()
