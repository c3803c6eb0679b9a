"""Servers and archives that lie: refused in one line, with bounded time, memory and disk."""

from __future__ import annotations

import gzip
import io
import json
import resource
import tarfile
import zipfile

import pytest
from file_server import serving

from farandole.data.download import fetch as fetching
from farandole.data.download import unpack as unpacking
from farandole.data.download.corpus_download import download
from farandole.data.download.fetch import fetch
from farandole.data.download.open_corpora import Archive, OpenCorpus
from farandole.data.download.unpack import unpack
from farandole.errors import DownloadError

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    with serving({"/big.bin": CONTENT}) as site:
        yield site


def names(folder):
    return sorted(p.name for p in folder.rglob("*"))


def bad(site, **facts):
    return Archive(f"{site.base}/bad", "bad.bin", **facts)


@pytest.mark.parametrize("facts", [{"most": 1_000_000}, {"size": 1_000_000}])
def test_without_a_length_there_is_a_limit_all_the_same(site, tmp_path, facts):
    site.answers["/bad"] = [(200, {}, [bytes(100_000)] * 10_000)]
    with pytest.raises(DownloadError, match="offers 0 bytes|sends more and more, and 1000000 at most were expected"):
        fetch(bad(site, **facts), tmp_path)
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) < 2_000_000


def test_a_length_beyond_the_limit_is_refused_before_a_byte_is_written(site, tmp_path):
    site.answers["/bad"] = [(200, {"Content-Length": str(10**12)}, [bytes(1000)])]
    with pytest.raises(DownloadError, match=f"offers {10**12} bytes, and {50 * 10**9} at most"):
        fetch(bad(site), tmp_path)
    assert names(tmp_path) == []


def test_a_published_size_guards_a_download_without_a_length(site, tmp_path):
    site.answers["/bad"] = [(200, {}, [CONTENT])]
    fetch(bad(site, size=len(CONTENT)), tmp_path)
    assert (tmp_path / "bad.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("length", ["many", "-5", "1e9", "٣"])
def test_a_length_that_is_no_number(site, tmp_path, length):
    site.answers["/bad"] = [(200, {"Content-Length": length.encode().decode("latin1")}, [CONTENT])]
    with pytest.raises(DownloadError, match="which is no number"):
        fetch(bad(site), tmp_path)


def test_what_comes_packed_without_being_asked_for_is_refused(site, tmp_path):
    packed = gzip.compress(CONTENT)
    site.answers["/bad"] = [(200, {"Content-Encoding": "gzip", "Content-Length": str(len(packed))}, [packed])]
    with pytest.raises(DownloadError, match=r"sends the file packed \('gzip'\)"):
        fetch(bad(site), tmp_path)
    assert names(tmp_path) == []
    fetch(
        Archive(f"{site.base}/bad", "takes.tar.gz"), tmp_path
    )  # some servers say so of files that are packed themselves
    assert (tmp_path / "takes.tar.gz").read_bytes() == packed


def test_a_part_of_another_version_is_not_joined_to_the_first(site, tmp_path, monkeypatch):
    new, half = CONTENT[::-1], len(CONTENT) // 2
    whole = {"Content-Length": str(len(CONTENT))}
    part = {"Content-Length": str(half), "Content-Range": f"bytes {half}-{len(CONTENT) - 1}/{len(CONTENT)}"}
    site.answers["/bad"] = [
        (200, {**whole, "ETag": '"old"'}, [CONTENT[:half]]),  # breaks off
        (206, {**part, "ETag": '"new"'}, [new[half:]]),
        (200, {**whole, "ETag": '"new"'}, [new]),
    ]
    fetch(bad(site), tmp_path)
    assert (tmp_path / "bad.bin").read_bytes() == new


def test_a_server_that_drips_is_given_up(site, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "RATE_SPAN", 0.2)
    site.pause = 0.02
    site.answers["/bad"] = [(200, {"Content-Length": "100000"}, [b"x"] * 100_000)]
    with pytest.raises(DownloadError, match="bytes came in 0 s .*run the same command again"):
        fetch(bad(site), tmp_path)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x", "gopher://x/"])
def test_redirections_lead_to_http_and_https_alone(site, tmp_path, address):
    site.answers["/bad"] = [(302, {"Location": address, "Content-Length": "0"}, [])]
    with pytest.raises(DownloadError, match="not followed|is not allowed"):
        fetch(bad(site), tmp_path)
    with pytest.raises(DownloadError, match="cannot be reached"):
        fetch(Archive(address, "x"), tmp_path)
    assert not [name for name in names(tmp_path) if not name.endswith(".json")]


def test_from_https_nothing_leads_to_http():
    request = fetching.urllib.request.Request("https://example.org/x")
    with pytest.raises(DownloadError, match="leads to http://example.org/x, which is not https: not followed"):
        fetching._Redirects().redirect_request(request, None, 302, "", {}, "http://example.org/x")


def test_a_circle_of_redirections_ends(site, tmp_path):
    site.answers["/bad"] = [(302, {"Location": "/bad", "Content-Length": "0"}, [])]
    with pytest.raises(DownloadError, match="302"):
        fetch(bad(site), tmp_path)


def test_the_published_checksum_holds_for_what_is_there_already(site, tmp_path):
    def toy(**facts):
        told = ("toy", "Toys", "takes", "http://page", "CC0", "Do as you like.", "http://terms")
        return OpenCorpus(*told, (Archive(f"{site.base}/big.bin", "big.bin", into="takes", **facts),))

    download(toy(), tmp_path / "toy")
    with pytest.raises(DownloadError, match=f"but {'0' * 64} is published"):
        download(toy(sha256="0" * 64), tmp_path / "toy")
    record = json.loads((tmp_path / "toy" / "download.json").read_text())
    download(toy(sha256=record["archives"][0]["sha256"]), tmp_path / "toy")


def zip_of(*members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return stream.getvalue()


def tar_of(*members, mode="w:gz"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize("name", ["", ".", "./."])
@pytest.mark.parametrize(("kind", "make"), [("zip", zip_of), ("tar.gz", tar_of)])
def test_files_without_a_name_are_refused(tmp_path, kind, make, name):
    (tmp_path / f"a.{kind}").write_bytes(make(("good", b"x"), (name, b"x")))
    (tmp_path / "out").mkdir()
    with pytest.raises(DownloadError, match="file without a name"):
        unpack(tmp_path / f"a.{kind}", tmp_path / "out")
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tars_of_every_packing_and_the_folder_itself_are_taken(tmp_path, mode):
    stream = io.BytesIO(tar_of(("a/b", b"x"), mode=mode))
    (tmp_path / "a.tar").write_bytes(stream.getvalue())
    assert unpack(tmp_path / "a.tar", tmp_path) == 1
    folder = tarfile.TarInfo("./")
    folder.type = tarfile.DIRTYPE
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(folder)
    (tmp_path / "b.tar").write_bytes(stream.getvalue())
    assert unpack(tmp_path / "b.tar", tmp_path) == 0


@pytest.mark.parametrize(("kind", "make"), [("zip", zip_of), ("tar.gz", tar_of)])
def test_bombs_are_refused_by_what_they_are_not_by_the_room_on_the_disk(tmp_path, monkeypatch, kind, make):
    (tmp_path / f"a.{kind}").write_bytes(make(*((f"{n}.bin", bytes(30_000_000)) for n in range(5))))
    (tmp_path / "out").mkdir()
    with pytest.raises(DownloadError, match="unpacks to more than 100 MB"):
        unpack(tmp_path / f"a.{kind}", tmp_path / "out")
    assert names(tmp_path / "out") == []
    monkeypatch.setattr(unpacking, "SMALL", 200_000_000)
    monkeypatch.setattr(unpacking, "MOST", 120_000_000)
    with pytest.raises(DownloadError, match="unpacks to more than 120 MB"):
        unpack(tmp_path / f"a.{kind}", tmp_path / "out")


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "MEMBERS", 10)
    (tmp_path / "a.tgz").write_bytes(tar_of(*((str(n), b"") for n in range(11))))
    with pytest.raises(DownloadError, match="or 10 files"):
        unpack(tmp_path / "a.tgz", tmp_path)


def test_a_header_of_a_gigabyte_is_not_read(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**30
    block = bytes(2**20)
    with gzip.open(tmp_path / "a.tar.gz", "wb", compresslevel=1) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(1024):
            file.write(block)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DownloadError, match="damaged or no archive: a header of 1073741824 bytes"):
        unpack(tmp_path / "a.tar.gz", tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
