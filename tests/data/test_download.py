"""Downloads: resumed, verified, unpacked safely, told plainly; against a server on this machine."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import re
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from file_server import Site, serving

from farandole.cli.app import run
from farandole.data.download import cmu, open_corpora
from farandole.data.download import fetch as fetching
from farandole.data.download.corpus_download import download
from farandole.data.download.fetch import fetch
from farandole.data.download.open_corpora import CORPORA, Archive, OpenCorpus
from farandole.data.download.unpack import unpack
from farandole.errors import DataError, DownloadError, OutputError

CONTENT = bytes(range(256)) * 4000  # 1 MB


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


DATA = zipped({"takes/walk.bvh": b"HIERARCHY", "readme.txt": b"hello", "noise.bin": CONTENT[:100_000]})


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    with serving({"/data.zip": DATA, "/big.bin": CONTENT}) as site:
        yield site


def big(site: Site, **facts) -> Archive:
    return Archive(f"{site.base}/big.bin", "big.bin", **facts)


def corpus(site: Site, *archives: Archive) -> OpenCorpus:
    archives = archives or (Archive(f"{site.base}/data.zip", "data.zip"),)
    return OpenCorpus(
        "toy",
        "Toys",
        "two takes",
        "http://page",
        "CC0",
        "Do as you like.",
        "http://terms",
        archives,
        after="look at {folder}",
    )


def files_below(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def interrupt(site: Site, folder: Path, after: int, monkeypatch, **facts) -> None:
    """A run that ends after so many bytes, as a killed one does."""
    monkeypatch.setattr(fetching, "ATTEMPTS", 0)
    site.break_after = after
    with pytest.raises(DownloadError, match=rf"broke off \({after} bytes are here\): run the same command again"):
        fetch(big(site, **facts), folder)
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site.break_after = None
    site.seen.clear()


def test_every_corpus_of_the_table_is_complete():
    for name, told in CORPORA.items():
        assert name == told.name
        assert bool(told.archives) != bool(told.by_hand)
        for text in (told.title, told.holds, told.page, told.licence, told.terms, told.after):
            assert text
        assert told.terms_url.startswith("http")
        for archive in told.archives:
            assert archive.url.startswith(("https://", "http://mocap.cs.cmu.edu/"))  # CMU serves no other way
            assert archive.sha256 is None or re.fullmatch("[0-9a-f]{64}", archive.sha256)


def test_a_broken_transfer_goes_on_where_it_stopped(site, tmp_path, monkeypatch):
    interrupt(site, tmp_path, 300_000, monkeypatch)
    shown = []
    digest = fetch(big(site), tmp_path, lambda done, total: shown.append((done, total)))
    assert (tmp_path / "big.bin").read_bytes() == CONTENT
    assert digest == hashlib.sha256(CONTENT).hexdigest()
    assert site.seen == ["bytes=300000-"]
    assert shown[0][0] > 300_000
    assert shown[-1] == (len(CONTENT), len(CONTENT))
    assert files_below(tmp_path) == ["big.bin"]


def test_a_connection_that_keeps_breaking_is_tried_while_it_brings_something(site, tmp_path):
    site.break_after = 200_000
    fetch(big(site), tmp_path)
    assert site.seen == ["", *(f"bytes={n * 200_000}-" for n in range(1, 6))]
    assert (tmp_path / "big.bin").read_bytes() == CONTENT


def test_a_server_without_parts_sends_the_whole_again(site, tmp_path, monkeypatch):
    site.ranges = False
    interrupt(site, tmp_path, 300_000, monkeypatch)
    fetch(big(site), tmp_path)
    assert site.seen == ["bytes=300000-"]
    assert (tmp_path / "big.bin").read_bytes() == CONTENT


def test_parts_of_different_versions_are_not_joined(site, tmp_path, monkeypatch):
    interrupt(site, tmp_path, 300_000, monkeypatch)
    site.files["/big.bin"] = CONTENT[::-1]
    fetch(big(site), tmp_path)
    assert (tmp_path / "big.bin").read_bytes() == CONTENT[::-1]


def test_without_a_version_only_a_checksum_lets_it_go_on(site, tmp_path, monkeypatch):
    site.etags = False
    interrupt(site, tmp_path, 300_000, monkeypatch)
    fetch(big(site), tmp_path)
    assert site.seen == [""]
    (tmp_path / "big.bin").unlink()
    known = hashlib.sha256(CONTENT).hexdigest()
    interrupt(site, tmp_path, 300_000, monkeypatch, sha256=known)
    fetch(big(site, sha256=known), tmp_path)
    assert site.seen == ["bytes=300000-"]


def test_all_bytes_but_not_yet_a_name(site, tmp_path, monkeypatch):
    interrupt(site, tmp_path, 300_000, monkeypatch)
    (tmp_path / "big.bin.part").write_bytes(CONTENT)
    fetch(big(site), tmp_path)
    assert site.seen == [f"bytes={len(CONTENT)}-"]
    assert (tmp_path / "big.bin").read_bytes() == CONTENT


def test_another_part_than_asked_for_is_not_taken(site, tmp_path, monkeypatch):
    interrupt(site, tmp_path, 300_000, monkeypatch)
    site.wrong_part = True
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    with pytest.raises(DownloadError, match="asked for bytes from 300000 on and sent 'bytes 300005-"):
        fetch(big(site), tmp_path)


def test_wrong_size_and_wrong_checksum_are_told_and_removed(site, tmp_path):
    with pytest.raises(DownloadError, match="offers 1024000 bytes, but 7 are published"):
        fetch(big(site, size=7), tmp_path)
    with pytest.raises(DownloadError, match=f"but {'0' * 64} is published: removed"):
        fetch(big(site, sha256="0" * 64), tmp_path)
    assert files_below(tmp_path) == []


def test_addresses_that_do_not_answer_are_one_line(site, tmp_path, monkeypatch):
    with pytest.raises(DownloadError, match=r"/none answers 404 .*: it may have moved"):
        fetch(Archive(f"{site.base}/none", "x"), tmp_path)
    with pytest.raises(DownloadError, match=r"127.0.0.1:9 cannot be reached \(Connection refused\)"):
        fetch(Archive("http://127.0.0.1:9/x", "x"), tmp_path)
    fetch(Archive(f"{site.base}/away.zip", "moved.zip"), tmp_path)  # redirections are followed
    assert (tmp_path / "moved.zip").read_bytes() == DATA


def test_a_full_disk_is_one_line(site, tmp_path, monkeypatch):
    class Full(io.BytesIO):
        name = "big.bin.part"

        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda *_, **__: Full())
    with pytest.raises(DownloadError, match="cannot write big.bin.part: No space left on device"):
        fetching._write(io.BytesIO(CONTENT), tmp_path / "big.bin.part", 0, len(CONTENT), None, Archive("", "big.bin"))


def test_a_corpus_appears_whole_with_a_record_and_is_checked_again(site, tmp_path):
    done = download(corpus(site), tmp_path / "toy")
    assert files_below(tmp_path) == [
        f"toy/{n}" for n in ("archives/data.zip", "download.json", "noise.bin", "readme.txt", "takes/walk.bvh")
    ]
    record = json.loads((tmp_path / "toy" / "download.json").read_text())
    assert record["archives"] == done.archives
    assert record["archives"][0]["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert not record["archives"][0]["published"]
    requests = len(site.seen)
    again = download(corpus(site), tmp_path / "toy")
    assert (again.files, again.archives, len(site.seen)) == (0, done.archives, requests)
    (tmp_path / "toy" / "archives" / "data.zip").write_bytes(DATA[:-1])
    with pytest.raises(DownloadError, match="has changed since; add --force"):
        download(corpus(site), tmp_path / "toy")
    assert download(corpus(site), tmp_path / "toy", force=True).files == 3


def test_nothing_appears_if_something_fails(site, tmp_path):
    site.files["/bad.zip"] = DATA[:-400] + bytes(400)
    two = corpus(
        site,
        Archive(f"{site.base}/data.zip", "one.zip", into="one"),
        Archive(f"{site.base}/bad.zip", "two.zip", into="two"),
    )
    with pytest.raises(DownloadError, match="two.zip is damaged or no archive"):
        download(two, tmp_path / "toy")
    assert not (tmp_path / "toy").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(OutputError, match="holds something else"):
        download(corpus(site), tmp_path / "full")
    assert files_below(tmp_path / "full") == ["mine.txt"]


def tarred(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"x") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "/etc/passwd"
        info.size = len(content) if kind == tarfile.REGTYPE else 0
        archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil", "..\\evil", "C:\\evil", "C:evil"])
def test_members_outside_the_folder_are_refused(tmp_path, name):
    for suffix, content in (("zip", zipped({"good": b"x", name: b"x"})), ("tar.gz", tarred(name))):
        archive = tmp_path / f"a.{suffix}"
        archive.write_bytes(content)
        target = tmp_path / "in" / "out"
        target.mkdir(parents=True, exist_ok=True)
        with pytest.raises(DownloadError, match="would land outside its folder: refused"):
            unpack(archive, target)
        assert files_below(tmp_path / "in") == []


def test_links_and_damaged_archives_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    for name, content, told in (
        ("l.zip", stream.getvalue(), "link or a device"),
        ("s.tar.gz", tarred("link", tarfile.SYMTYPE), "link or a device"),
        ("h.tar.gz", tarred("link", tarfile.LNKTYPE), "link or a device"),
        ("page.zip", b"<html>log in first</html>", "damaged or no archive"),
        ("cut.tar.gz", tarred("x", content=CONTENT)[:900], "damaged or no archive"),
    ):
        (tmp_path / name).write_bytes(content)
        (tmp_path / "out").mkdir(exist_ok=True)
        with pytest.raises(DownloadError, match=told):
            unpack(tmp_path / name, tmp_path / "out")
        assert files_below(tmp_path / "out") == []


def test_tars_are_unpacked(tmp_path):
    (tmp_path / "a.tgz").write_bytes(tarred("deep/er/x.bvh", content=b"HIERARCHY"))
    assert unpack(tmp_path / "a.tgz", tmp_path) == 1
    assert (tmp_path / "deep" / "er" / "x.bvh").read_bytes() == b"HIERARCHY"


@pytest.fixture
def farandole(site, tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(open_corpora.CORPORA, "toy", corpus(site))
    monkeypatch.delenv("FARANDOLE_DEBUG", raising=False)

    def call(*words):
        capfd.readouterr()
        code = run([str(w) for w in words])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


def test_terms_come_first(farandole, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))  # no terminal: nobody has read anything
    code, out, err = farandole("download", "toy", "-o", tmp_path / "toy")
    assert (code, out) == (2, "")
    assert "Do as you like." in err
    assert err.splitlines()[-1] == "error: toy comes with terms: read http://terms and add --accept-terms"
    assert files_below(tmp_path) == []
    code, out, err = farandole("download", "toy", "-o", tmp_path / "toy", "--accept-terms")
    assert (code, out.strip()) == (0, str(tmp_path / "toy"))
    assert f"next: look at {tmp_path / 'toy'}" in err
    assert "no checksum is published: SHA-256 kept in download.json" in err
    code, out, err = farandole("download", "toy", "-o", tmp_path / "toy", "--accept-terms", "--json")
    assert code == 0
    assert json.loads(out)["archives"][0]["sha256"] == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_a_person_is_asked(farandole, tmp_path, monkeypatch, answer, code):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer + "\n"))
    monkeypatch.setattr("typer.confirm", lambda *_, default, **__: {"y": True, "n": False, "": default}[answer])
    assert farandole("download", "toy", "-o", tmp_path / "toy")[0] == code
    assert (tmp_path / "toy").exists() == (code == 0)


def test_the_list_and_what_needs_an_account(farandole, tmp_path, monkeypatch):
    code, out, _ = farandole("download")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines.keys() == {"corpus", *CORPORA}
    assert "size unknown" in lines["aistpp-music"]
    assert "not published" in lines["aistpp-music"]
    assert "144 MB" in lines["lafan1"]
    code, out, _ = farandole("download", "--json")
    assert {c["name"] for c in json.loads(out)} == set(CORPORA)
    code, _, err = farandole("download", "amass")
    assert code == 2
    assert "error: amass needs an account: register at https://amass.is.tue.mpg.de" in err.splitlines()[-1]
    code, _, err = farandole("download", "nonsense")
    assert (code, err.count("\n")) == (2, 1)
    broken = replace(CORPORA["toy"], archives=(Archive("http://127.0.0.1:9/x.zip", "x.zip"),))
    monkeypatch.setitem(open_corpora.CORPORA, "toy", broken)
    code, _, err = farandole("download", "toy", "-o", tmp_path / "t", "--accept-terms", "-q")
    assert code == 2
    assert err.startswith("error: cannot fetch http://127.0.0.1:9/x.zip: 127.0.0.1:9 cannot be reached")
    assert err.count("\n") == 1


def test_cmu_comes_by_subject_and_trials_that_are_none_are_passed_over(site, tmp_path, monkeypatch):
    names = ("60/60.asf", "60/60_01.amc", "60/60_03.amc", "61/61.asf", "61/61_02.amc")
    site.files |= {f"/{name}": name.encode() for name in names}
    monkeypatch.setattr(cmu, "SUBJECTS", site.base)
    folder = tmp_path / "cmu"
    assert download(cmu.with_subjects("cmu", ["60", "61"]), folder).files == 5
    assert all((folder / name).read_bytes() == name.encode() for name in names)
    assert download(cmu.with_subjects("cmu", ["60"]), folder).files == 0  # they are there
    with pytest.raises(OutputError, match="holds something else"):
        download(cmu.with_subjects("cmu", ["05"]), folder)
    del site.files["/60/60.asf"]
    with pytest.raises(DownloadError, match=r"60\.asf answers 404"):
        download(cmu.with_subjects("cmu", ["60"]), tmp_path / "other")


def test_subjects_that_are_not_known_are_told():
    assert len(cmu.with_subjects("cmu", ["5"]).archives) == 21
    with pytest.raises(DataError, match="CMU subject '999': farandole knows the trials of 03, 05"):
        cmu.with_subjects("cmu", ["999"])
    with pytest.raises(DataError, match="--subjects is for cmu; lafan1 comes as a whole"):
        cmu.with_subjects("lafan1", ["1"])
