"""IAM-OnDB without IAM-OnDB: small files of the same form, sound, damaged and hostile."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from hsrnn import datasets
from hsrnn.datasets import iam, registry
from hsrnn.datasets.storage import Location

HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>\n'


def xml(*strokes: list[tuple[int, int]], head: str = HEAD) -> bytes:
    ink = "".join(
        "<Stroke colour='black'>"
        + "".join(f'<Point time="0.1" x="{x}" y="{y}"/>' for x, y in s)
        + "</Stroke>"
        for s in strokes
    )
    about = "<WhiteboardDescription><SensorLocation corner='top_left'/></WhiteboardDescription>"
    body = f"<WhiteboardCaptureSession>{about}<StrokeSet>{ink}</StrokeSet></WhiteboardCaptureSession>"
    return (head + body).encode("latin-1")


def line_of(length: int, seed: int) -> bytes:
    steps = np.random.default_rng(seed).integers(-9, 12, (length, 2)).cumsum(axis=0)
    cut = length // 2
    return xml(*([(int(x), int(y)) for x, y in part] for part in (steps[:cut], steps[cut:])))


def files(forms: int = 60) -> dict[str, bytes]:
    """Two lines of 320 points on each of many forms, one line too short, and one damaged."""
    made = {}
    for form in range(forms):
        name = f"a{form // 10:02}-{form:03}z"
        for line in (1, 2):
            path = f"lineStrokes/a{form // 10:02}/{name[:7]}/{name}-{line:02}.xml"
            made[path] = line_of(320, 2 * form + line)
    made["lineStrokes/b01/b01-000/b01-000z-01.xml"] = line_of(299, 7)
    made["lineStrokes/b01/b01-000/b01-000z-02.xml"] = line_of(320, 8)[:-40]
    made["ascii/a01.txt"] = b"not ink"
    return made


def pack(path: Path, content: dict[str, bytes], *, link: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as bundle:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            bundle.addfile(entry, io.BytesIO(data))
        if link:
            entry = tarfile.TarInfo("lineStrokes/c01/c01-000z-01.xml")
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            bundle.addfile(entry)
    return path


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Path:
    """HSRNN_DATA/iam-ondb, empty."""
    folder = tmp_path / "own" / "iam-ondb"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HSRNN_DATA", str(folder.parent))
    return folder


def test_a_line_is_its_points_and_where_strokes_end():
    points, pen_up = iam.read_line(xml([(1, 2), (3, 5)], [(-4, 0)]))
    assert points.tolist() == [[1, 2], [3, 5], [-4, 0]] and pen_up.tolist() == [False, True, True]


BOMB = HEAD + '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "not well-formed"),
        (xml([(1, 2)])[:-9], "not well-formed"),
        (b"\x1f\x8b\x00binary", "not well-formed"),
        (xml([(1, 2)], head=BOMB), "declares a document type"),
        (xml([(1, 2)], head=HEAD + "<!DOCTYPE a>"), "declares a document type"),
        (xml([(1, 2)], head=HEAD + '<!DOCTYPE a SYSTEM "file:///etc/passwd">'), "declares a document type"),
        (xml(), "it has no point"),
        (xml([(1, 2)], []), "a stroke has no point"),
        (xml([(1, 2)]).replace(b' y="2"', b""), "a point has no y"),
        (xml([(1, 2)]).replace(b'y="2"', b'y="2.5"'), "not a whole number"),
        (xml([(1, 2)]).replace(b'y="2"', b'y="inf"'), "not a whole number"),
        (xml([(1, 2)]).replace(b'y="2"', b'y="99999999999999999999999"'), "not a whole number"),
        (xml([(1, 2)]).replace(b'y="2"', b'y="2000000"'), "larger than 1,000,000"),
        (b'<StrokeSet><Point x="1" y="2"/></StrokeSet>', "outside every stroke"),
        (b'<Stroke><Stroke><Point x="1" y="2"/></Stroke></Stroke>', "a stroke lies within a stroke"),
    ],
)  # fmt: skip
def test_damage_and_attacks_are_named(content, fault):
    with pytest.raises(datasets.DamagedFileError, match=fault):
        iam.read_line(content)


def test_damaged_lines_are_named_and_left_out_and_short_ones_counted(own):
    pack(own / "lineStrokes-all.tar.gz", files(), link=True)
    strokes = datasets.load("iam-ondb")
    assert list(strokes.skipped) == ["lineStrokes/b01/b01-000/b01-000z-02.xml"]
    assert "not well-formed" in strokes.skipped["lineStrokes/b01/b01-000/b01-000z-02.xml"]
    assert strokes.short == 1
    sizes = {split: len(getattr(strokes, split)) for split in ("train", "valid", "test")}
    assert sizes == {"train": 108, "valid": 6, "test": 6}
    assert all(len(line) == 319 for line in strokes.train)


def test_offsets_are_those_of_the_file(own):
    pack(own / "lineStrokes-all.tar.gz", files())
    strokes = datasets.load("iam-ondb")
    name = strokes.names["test"][0]
    content = next(data for path, data in files().items() if name in path)
    points, pen_up = iam.read_line(content)
    np.testing.assert_allclose(strokes.positions(strokes.test[0]), points[1:] - points[0], atol=1e-3)
    assert np.array_equal(strokes.test[0][:, 2] == 1, pen_up[1:])
    every = np.concatenate(strokes.train)[:, :2]
    np.testing.assert_allclose([every.mean(), every.std()], [0, 1], atol=1e-5)


def test_no_form_is_in_two_splits_and_the_split_is_the_same_every_time():
    names = tuple(f"a{n // 20:02}-{n // 4:03}z-{n % 4:02}" for n in range(1600))
    split = datasets.split_by_form(names)
    assert split == datasets.split_by_form(names)
    assert sorted(split["train"] + split["valid"] + split["test"]) == list(range(1600))
    forms = [{iam.form_of(names[k]) for k in split[part]} for part in ("train", "valid", "test")]
    assert not forms[0] & forms[1] and not forms[0] & forms[2] and not forms[1] & forms[2]
    assert [len(split[part]) for part in ("train", "valid", "test")] == [1440, 80, 80]
    # A form that is added moves few others: the order is by hash, not by place.
    more = datasets.split_by_form((*names, "z99-999z-01"))
    assert len(set(more["test"]) & set(split["test"])) >= 76


def test_archive_folder_and_cache_give_the_same_content(own, cache, tmp_path):
    archive = pack(own / "lineStrokes-all.tar.gz", files())
    first = iam.read_ink(Location("HSRNN_DATA", own))
    (kept,) = (cache / "iam-ondb").glob("parsed-*.npz")
    second = iam.read_ink(Location("HSRNN_DATA", own))
    other = tmp_path / "unpacked"
    with tarfile.open(archive) as bundle:
        bundle.extractall(other, filter="data")
    third = iam.read_ink(Location("HSRNN_DATA", other))
    assert isinstance(first, iam.Ink) and first.digest() == second.digest() == third.digest()
    assert first.skipped == second.skipped == third.skipped and first.names == third.names
    kept.write_bytes(kept.read_bytes()[:2000])
    assert iam.read_ink(Location("HSRNN_DATA", own)).digest() == first.digest()
    (folder,) = other.glob("lineStrokes/a00")
    next(folder.rglob("*.xml")).unlink()
    assert iam.read_ink(Location("HSRNN_DATA", other)).digest() != first.digest()


def test_two_processes_may_keep_lines_at_once(
    own: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Another process comes and goes while this one writes."""
    pack(own / iam.ARCHIVES[0], files(2))
    write, location, other = np.savez_compressed, Location("HSRNN_DATA", own), []

    def interrupted(path: Path, **arrays: np.ndarray) -> None:
        write(path, **arrays)
        with monkeypatch.context() as there:
            there.setattr(np, "savez_compressed", write)
            there.setattr(iam.os, "getpid", lambda: -1)
            other.append(iam.read_ink(location))

    monkeypatch.setattr(np, "savez_compressed", interrupted)
    ink = iam.read_ink(location)
    assert [ink.digest()] == [each.digest() for each in other] == [iam.read_ink(location).digest()]
    assert len(list((cache / "iam-ondb").iterdir())) == 1, "one file, and nothing half-written"
    assert "not kept" not in caplog.text


def test_what_was_kept_is_really_used(own, monkeypatch):
    pack(own / "lineStrokes-all.tar.gz", files())
    first = iam.read_ink(Location("HSRNN_DATA", own))
    monkeypatch.setattr(iam, "members", lambda *_, **__: pytest.fail("the archive was read again"))
    assert iam.read_ink(Location("HSRNN_DATA", own)).digest() == first.digest()


def test_a_name_that_is_no_line_or_comes_twice_is_left_out(own):
    content = files(20) | {
        "lineStrokes/x/notes.xml": line_of(320, 1),
        "copy/a00-000z-01.xml": line_of(320, 9),
    }
    pack(own / "lineStrokes-all.tar.gz", content)
    skipped = datasets.load("iam-ondb").skipped
    assert "not that of a line" in skipped["lineStrokes/x/notes.xml"]
    assert "another file of this name" in skipped["copy/a00-000z-01.xml"]


def test_an_archive_without_lines_is_an_error(own):
    pack(own / "lineStrokes-all.tar.gz", {"ascii/a.txt": b"x"})
    with pytest.raises(datasets.MissingFileError, match="holds no readable line"):
        datasets.load("iam-ondb")


def test_a_truncated_archive_is_refused_as_a_whole(own):
    path = pack(own / "lineStrokes-all.tar.gz", files())
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(datasets.DamagedArchiveError, match="truncated or damaged"):
        datasets.load("iam-ondb")
    report = datasets.check("iam-ondb")
    assert not report.ok and report.place == "HSRNN_DATA" and "truncated" in report.problems[0]


def test_it_is_never_fetched_and_the_error_says_where_to_get_it(cache):
    for call in (datasets.load, datasets.fetch):
        with pytest.raises(
            datasets.MissingFileError, match=r"register at http.*lineStrokes-all.tar.gz.*HSRNN_DATA"
        ):
            call("iam-ondb")
    report = datasets.check("iam-ondb")
    assert report.place == "not here" and "register at" in report.problems[0] and report.unit == "lines"
    with pytest.raises(TypeError, match="takes no options, got seed"):
        datasets.load("iam-ondb", seed=1)
    with pytest.raises(datasets.MissingFileError, match="no longer holds lineStrokes"):
        iam.read_ink(Location("HSRNN_DATA", cache))


def test_check_compares_the_content_with_the_card_and_names_what_is_left_out(own, monkeypatch):
    pack(own / "lineStrokes-all.tar.gz", files())
    assert datasets.fetch("iam-ondb") == own
    assert {e.name: e.place for e in datasets.available()}["iam-ondb"] == "HSRNN_DATA"
    report = datasets.check("iam-ondb")
    assert report.counts == {"train": 108, "valid": 6, "test": 6} and report.types == 0
    assert len(report.problems) == 2
    assert "b01-000z-02.xml is left out" in report.problems[0] and "must have SHA-256" in report.problems[1]
    digest = datasets.load("iam-ondb").hashes["lines"]
    card = dataclasses.replace(datasets.read_card("iam-ondb"), files={"lines": digest})
    monkeypatch.setattr(registry, "read_card", lambda name: card)
    assert len(datasets.check("iam-ondb").problems) == 1
