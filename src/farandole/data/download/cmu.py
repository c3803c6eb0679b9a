"""The CMU motion capture database, subject by subject: a skeleton (.asf) and its trials (.amc)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from farandole.data.download.open_corpora import Archive, OpenCorpus, find_corpus
from farandole.errors import DataError

SUBJECTS = "http://mocap.cs.cmu.edu/subjects"
TRIALS = {
    "03": 4, "05": 20, "06": 15, "07": 12, "08": 11, "09": 12, "49": 22, "55": 28, "60": 15, "61": 15, "85": 15, "135": 11,
}  # fmt: skip
"""Subjects that `prepare starter` knows, with the number of their trials as the database lists them: walks and runs, modern dance
(05), basketball (06), acrobatics (49), a whirl (55), salsa (60, 61), breakdance (85), martial arts (135)."""


def with_subjects(name: str, subjects: Sequence[str]) -> OpenCorpus:
    """A corpus of which only some subjects are fetched.

    Args:
        name: What `farandole download` calls the corpus.
        subjects: Numbers of subjects of the CMU database; none for those of `TRIALS`.

    Raises:
        DataError: If there is no such corpus, or it does not come by subject, or one is no number of a subject known here.
    """
    corpus = find_corpus(name)
    if corpus.name != "cmu":
        if subjects:
            raise DataError(f"--subjects is for cmu; {name} comes as a whole")
        return corpus
    chosen = list(dict.fromkeys(s.zfill(2) for s in subjects)) or list(TRIALS)
    unknown = [s for s in chosen if s not in TRIALS]
    if unknown:
        raise DataError(
            f"CMU subject '{unknown[0]}': farandole knows the trials of {', '.join(TRIALS)}; get others from {corpus.page}: any "
            "folder with .asf and .amc will do"
        )
    return replace(corpus, archives=tuple(file for subject in chosen for file in _files(subject)))


def _files(subject: str) -> list[Archive]:
    where = f"{SUBJECTS}/{subject}"
    trials = [f"{subject}_{trial:02d}.amc" for trial in range(1, TRIALS[subject] + 1)]
    skeleton = Archive(f"{where}/{subject}.asf", f"{subject}.asf", about="about 10 kB", into=subject)
    return [
        skeleton,
        *(Archive(f"{where}/{t}", t, about="about 1 MB", into=subject, may_be_missing=True) for t in trials),
    ]
