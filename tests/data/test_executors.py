"""Tasks handed out a few at a time; what comes back is small, whatever the recordings' length."""

import operator
import os
import pickle
import signal

import pytest
from recordings import dancer, pairs

from farandole.data import corpus, importers
from farandole.data.corpus import CorpusSettings, prepare_corpus
from farandole.data.feature_folder import FeatureFolder
from farandole.parallel.executors import Cores, FailedTask, run


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_has_its_result_and_few_are_under_way(workers):
    taken = 0

    def jobs():
        nonlocal taken
        for number in range(200):
            taken += 1
            yield number

    results = {}
    with Cores(workers) as executor:
        for job, result in run(executor, operator.neg, jobs()):
            results[job] = result
            assert taken - len(results) < executor.capacity <= 4 * workers
    assert results == {n: -n for n in range(200)}


def die_of(job):
    if job == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def test_a_job_that_kills_its_workers_is_found_out_and_the_others_are_done():
    jobs = ["a", "b", "deadly", *"cdefghij"]
    with Cores(2) as executor:
        results = dict(run(executor, die_of, jobs))
    assert isinstance(results.pop("deadly"), FailedTask)
    assert results == {job: job for job in "abcdefghij"}


def test_workers_send_back_no_arrays(tmp_path):
    for name, seconds in (("short", 2.0), ("long", 30.0)):
        dancer(seconds).save(tmp_path / f"{name}.bvh")
    found = importers.find_pairs(tmp_path).sources
    wanted = CorpusSettings(motion=("rot6d", "position"), music=())
    recipe, _ = corpus._plan(found, wanted)
    sizes = {s.name: len(pickle.dumps(corpus._outcome((s, recipe, tmp_path, None)))) for s in found}
    assert abs(sizes["long"] - sizes["short"]) < 100
    assert sizes["long"] < 2000


class Losing(Cores):
    """Loses one recording."""

    def submit(self, task, job):
        return super().submit(lambda job: FailedTask("its worker died") if job[0].name == "b" else task(job), job)


def test_a_recording_that_kills_its_workers_is_told_and_the_others_made(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "open_executor", lambda workers, cluster: Losing(1))
    found = importers.find_pairs(pairs(tmp_path / "src", ["a", "b", "c"], seconds=1.0)).sources
    done = prepare_corpus(found, tmp_path / "data", CorpusSettings(music=()))
    assert done.problems == [{"name": "b", "problem": "its worker died"}]
    assert sorted(FeatureFolder(tmp_path / "data").sequences) == ["a", "c"]
