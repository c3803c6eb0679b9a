"""Open corpora of motion and music: where each lies, what its makers ask, which files to expect.

Sizes and checksums are those that the makers publish; for what lies in a Git LFS repository that is the pointer under version
control. Where nothing is published, nothing stands here: `download` then records what it received.
"""

from __future__ import annotations

from dataclasses import dataclass

from farandole.errors import DataError


@dataclass(frozen=True)
class Archive:
    """One file of a corpus.

    Attributes:
        url: Official address.
        name: Name on disk; .zip or .tar, .tar.gz ... are unpacked.
        size: Bytes, as published; None if not published exactly.
        sha256: Published checksum, 64 hexadecimal digits; None if none is published.
        about: Size in words where only that is published.
        into: Folder inside the corpus that it is unpacked into, or put into if it is no archive; "" for the corpus's own.
        most: Bytes beyond which a download is refused, where the size is not published: nothing in the list is near it.
        may_be_missing: Whether the corpus is whole without it: a number in a row that its makers left out.
    """

    url: str
    name: str
    size: int | None = None
    sha256: str | None = None
    about: str = ""
    into: str = ""
    may_be_missing: bool = False
    most: int = 50 * 10**9


@dataclass(frozen=True)
class OpenCorpus:
    """A corpus and how to come by it.

    Attributes:
        name: What `farandole download` calls it.
        title: Its own name.
        holds: What is in it.
        page: Official page.
        licence: Short name of the terms.
        terms: What the terms say, in our words; the page decides.
        terms_url: The terms themselves.
        archives: Files to fetch; none if it has to be fetched by hand.
        by_hand: Why and how, if there are no archives.
        after: What to do next; {folder} stands for the folder it is in.
        warning: What else one should know before.
    """

    name: str
    title: str
    holds: str
    page: str
    licence: str
    terms: str
    terms_url: str
    archives: tuple[Archive, ...] = ()
    by_hand: str = ""
    after: str = ""
    warning: str = ""


_BANDAI = "https://github.com/BandaiNamcoResearchInc/Bandai-Namco-Research-Motiondataset"
_BANDAI_FILES = f"{_BANDAI}/raw/60c0ef1971398d0e62c036b7ebafa536b1152efe/dataset/Bandai-Namco-Research-Motiondataset"

CORPORA: dict[str, OpenCorpus] = {
    corpus.name: corpus
    for corpus in (
        OpenCorpus(
            "aistpp",
            "AIST++ annotations",
            "1408 street dances as SMPL poses at 60 fps, 10 genres, splits; no sound",
            "https://google.github.io/aistplusplus_dataset/download.html",
            "CC BY 4.0",
            "Annotations by Google LLC: any use with attribution. They describe videos of the AIST Dance Video Database, which "
            "has terms of its own. The SMPL body model is not part of it and not needed here.",
            "https://google.github.io/aistplusplus_dataset/factsfigures.html",
            (
                Archive(
                    "https://storage.googleapis.com/aist_plusplus_public/20210308/fullset.zip",
                    "fullset.zip",
                    about="about 2.3 GB",
                ),
            ),
            after="farandole download aistpp-music, then: farandole prepare aistpp {folder}/aist_plusplus_final "
            "--music-folder aistpp-music -o data/aistpp",
            warning="the address has been reported closed in 2026; the page above tells of a new one",
        ),
        OpenCorpus(
            "aistpp-music",
            "Music of the AIST Dance Video Database",
            "the 60 pieces that AIST++ is danced to, as wav",
            "https://aistdancedb.ongaaccel.jp/database_download/",
            "AIST terms of use",
            "Offered for research by its makers; what is allowed stands in the database's terms of use: read them before you "
            "accept.",
            "https://aistdancedb.ongaaccel.jp/terms_of_use/",
            (Archive("https://aistdancedb.ongaaccel.jp/v1.0.0/audio/wav.zip", "wav.zip"),),
            after="farandole prepare aistpp ANNOTATIONS --music-folder {folder} -o data/aistpp",
            warning="addresses of this database have been reported dead",
        ),
        OpenCorpus(
            "amass",
            "AMASS: Archive of Motion Capture as Surface Shapes",
            "more than 40 hours of motion capture as SMPL-H poses (npz), among them dance",
            "https://amass.is.tue.mpg.de",
            "registration; non-commercial",
            "Non-commercial scientific research, with an account of your own; the recordings it is made from have terms of "
            "their own.",
            "https://amass.is.tue.mpg.de/license.html",
            by_hand="needs an account: register at https://amass.is.tue.mpg.de, download the SMPL-H archives there and unpack them",
            after="farandole prepare folder AMASS -o data/amass --motion rot6d --fps 30",
        ),
        OpenCorpus(
            "bandai",
            "Bandai Namco Research Motiondataset 1 and 2",
            "BVH at 30 fps: 421 604 frames of walks, gestures and a little dance in many styles; no sound",
            _BANDAI,
            "CC BY-NC-ND 4.0",
            "Non-commercial use with attribution. This version lies beside a licence that forbids sharing what is derived "
            "from it; the repository's present licence may be milder.",
            _BANDAI,
            (
                Archive(
                    f"{_BANDAI_FILES}-1/data.zip",
                    "dataset-1.zip",
                    12_000_689,
                    "6dbcdbba53e0d45595bd332cc814ff4636bd06e3c484f66a8e67d6f79b116757",
                    into="dataset-1",
                ),
                Archive(
                    f"{_BANDAI_FILES}-2/data.zip",
                    "dataset-2.zip",
                    126_309_261,
                    "62b24dc8aa8934f2c2239746218ddbf1b004b5a238ad461330690d07ed1486bd",
                    into="dataset-2",
                ),
            ),
            after="farandole prepare folder {folder} -o data/bandai",
        ),
        OpenCorpus(
            "cmu",
            "CMU Graphics Lab Motion Capture Database",
            "about 2500 takes of all kinds, among them salsa; no sound",
            "http://mocap.cs.cmu.edu",
            "free, attribution asked",
            "Free for research and in commercial products; the data itself may not be resold, even converted. They ask for the "
            "sentence: The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding "
            "from NSF EIA-0196217.",
            "http://mocap.cs.cmu.edu",
            (Archive("http://mocap.cs.cmu.edu/allasfamc.zip", "allasfamc.zip"),),
            after="farandole prepare starter {folder} -o data/starter, or: farandole prepare folder {folder} -o data/cmu "
            "--retarget --fps 30",
            warning="fetched subject by subject (--subjects 60,61; without it, those that prepare starter knows), as ASF/AMC",
        ),
        OpenCorpus(
            "g1-moves",
            "G1 Moves",
            "56 dances, karate forms and fencing by professionals, as BVH and for a robot; no sound",
            "https://github.com/experientialtech/g1-moves",
            "CC BY 4.0",
            "Any use with attribution: Experiential Technologies (Mitch Chaiet; dance Jasmine Coro, karate Mike Gassaway). Some "
            "dances are routines of well-known songs; the terms cover the recordings.",
            "https://creativecommons.org/licenses/by/4.0/",
            (
                Archive(
                    "https://github.com/experientialtech/g1-moves/archive/refs/heads/main.zip",
                    "g1-moves.zip",
                    about="size unknown",
                ),
            ),
            after="farandole prepare starter {folder} -o data/many",
            warning="if the archive holds the BVH files as Git LFS pointers only, get them from exptech/g1-moves on Hugging Face: "
            "any folder with them will do",
        ),
        OpenCorpus(
            "lafan1",
            "Ubisoft La Forge Animation Dataset",
            "BVH at 30 fps: 77 takes of 5 subjects, 496 672 frames, 8 takes of dance; no sound",
            "https://github.com/ubisoft/ubisoft-laforge-animation-dataset",
            "CC BY-NC-ND 4.0",
            "Non-commercial use with attribution; neither the data nor anything derived from it may be shared.",
            "https://github.com/ubisoft/ubisoft-laforge-animation-dataset/blob/master/license.txt",
            (
                Archive(
                    "https://github.com/ubisoft/ubisoft-laforge-animation-dataset/raw/master/lafan1/lafan1.zip",
                    "lafan1.zip",
                    144_051_503,
                    "ea918082b500a5d158e9d3aa39039df04cd42e25f5c02fe8f7e88e8e9365a977",
                ),
            ),
            after="farandole prepare lafan1 {folder} -o data/lafan1",
        ),
    )
}


def find_corpus(name: str) -> OpenCorpus:
    """A corpus by name. Raises DataError listing the names."""
    if name not in CORPORA:
        raise DataError(f"no corpus '{name}': there are {', '.join(CORPORA)} (farandole download lists them)")
    return CORPORA[name]
