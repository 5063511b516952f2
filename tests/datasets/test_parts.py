"""Pictures with a part for every pixel: generated figures, CCP in both forms, and folders of users."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from hsrnn import datasets
from hsrnn.datasets import (
    DamagedFileError,
    Figure,
    LabelledImages,
    MissingFileError,
    Parts,
    TooFewSymbolsError,
    ccp,
    draw_figure,
    load_parts,
)
from hsrnn.datasets.articulated import CLASSES, _covered, _Rod
from hsrnn.datasets.parts import split_places

PERSON = {"head", "torso", "upper arm", "lower arm", "upper leg", "lower leg"}


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures of 6 x 8 pixels with labels of three classes and one unlabelled pixel."""
    random = np.random.RandomState(0)
    for k in range(10):
        save(tmp_path / "images" / f"{k}.png", random.randint(0, 256, (6, 8, 3)).astype(np.uint8))
        label = random.randint(0, 3, (6, 8)).astype(np.uint8)
        label[0, 0] = 255
        save(tmp_path / "labels" / f"{k}.png", label)
    (tmp_path / "classes.txt").write_text("ground\nleaf\nroot\n", encoding="utf-8")
    return tmp_path


# Generated figures ----------------------------------------------------------------------------------


def test_the_default_figures_need_no_file_and_have_the_bytes_of_their_card():
    report = datasets.check("figures")
    assert report.ok, report.problems
    assert report.counts == {"train": 400, "valid": 100, "test": 100} and report.types == 9
    assert report.unit == "parts" and datasets.fetch("figures") is None


def test_figures_have_the_parts_of_their_species():
    figures = datasets.load("figures", train=60, valid=1, test=1, size=48, seed=3)
    assert isinstance(figures, Parts) and isinstance(figures.train, LabelledImages)
    seen: dict[str, set[str]] = {"person": set(), "animal": set()}
    foreground = []
    for image, labels, name in zip(figures.train.images, figures.train.labels, figures.train.names):
        assert image.shape == (48, 48, 3) and image.dtype == np.uint8 and not image.flags.writeable
        assert labels.shape == (48, 48) and labels.dtype == np.int8
        there = {CLASSES[k] for k in np.unique(labels)} - {"background"}
        species = name.rsplit("-", 1)[1]
        seen[species] |= there
        foreground.append((labels > 0).mean())
        assert there <= (PERSON if species == "person" else set(CLASSES))
        assert len(there) >= 3
    assert seen == {"person": PERSON, "animal": set(CLASSES) - {"background"}}
    assert 0.1 < np.mean(foreground) < 0.35
    assert repr(figures) == "Parts('figures', 9 classes, train 60, valid 1, test 1 pictures)"


def test_figures_come_from_their_seed_and_their_split():
    one = datasets.load("figures", train=2, valid=2, test=2, size=32, seed=1)
    again = datasets.load("figures", train=2, valid=2, test=2, size=32, seed=1)
    other = datasets.load("figures", train=2, valid=2, test=2, size=32, seed=2)
    assert one.hashes == again.hashes and not set(one.hashes.values()) & set(other.hashes.values())
    assert not np.array_equal(one.train.images[0], one.test.images[0])
    figure = draw_figure(32, np.random.RandomState(0))
    assert isinstance(figure, Figure) and figure.species in ("person", "animal")
    longer = datasets.load("figures", train=5, valid=2, test=2, size=32, seed=1)
    assert np.array_equal(longer.train.images[1], one.train.images[1]), "more pictures leave the first ones"


def test_colour_alone_does_not_tell_the_figure():
    """A figure of the colour of its ground, or clutter of the figure's colours, must occur."""
    figures = datasets.load("figures", train=40, valid=1, test=1, seed=0).train
    distances = []
    for image, labels in zip(figures.images, figures.labels):
        torso, ground = (image[labels == k].reshape(-1, 3).astype(float) for k in (2, 0))
        near = np.abs(ground[:, None] - torso.mean(0)).max(2)
        distances.append((near < 30).mean())
    assert sum(share > 0.02 for share in distances) >= 10


def test_a_rod_is_all_pixels_within_its_radius():
    rod = _Rod((40, 70), (200, 130), 48, 1, 0)  # in 1/16 pixel
    a, b = np.array(rod.start) / 16, np.array(rod.end) / 16
    for (y, x), inside in np.ndenumerate(_covered(rod, 20)):
        t = np.clip(np.dot([x, y] - a, b - a) / np.dot(b - a, b - a), 0, 1)
        distance = np.hypot(*([x, y] - a - t * (b - a)))
        if abs(distance - 3) > 1e-9:
            assert inside == (distance < 3)


def test_bad_figures_are_refused():
    with pytest.raises(ValueError, match="size must be at least 24 pixels, got 20"):
        datasets.load("figures", train=1, valid=1, test=1, size=20)
    with pytest.raises(ValueError, match="valid must be at least 1 picture, got 0"):
        datasets.load("figures", train=1, valid=0, test=1)
    with pytest.raises(ValueError, match="seed must not be negative, got -1"):
        datasets.load("figures", seed=-1)


# Folders of users -----------------------------------------------------------------------------------


def test_a_folder_is_read_and_dealt_out(folder: Path):
    parts = load_parts(folder, seed=2)
    assert [len(parts.train), len(parts.valid), len(parts.test)] == [8, 1, 1]
    assert parts.classes == ("ground", "leaf", "root")
    names = [*parts.train.names, *parts.valid.names, *parts.test.names]
    assert sorted(names) == [str(k) for k in range(10)]
    for split in (parts.train, parts.valid, parts.test):
        for image, labels, name in zip(split.images, split.labels, split.names):
            assert np.array_equal(image, np.array(Image.open(folder / "images" / f"{name}.png")))
            raw = np.array(Image.open(folder / "labels" / f"{name}.png")).astype(int)
            assert labels[0, 0] == -1 and np.array_equal(np.where(raw == 255, -1, raw), labels)
    assert load_parts(folder, seed=2).hashes == parts.hashes
    assert load_parts(folder, seed=3).train.names != parts.train.names
    small = load_parts(folder, size=(3, 4))
    assert small.train.images[0].shape == (3, 4, 3) and set(np.unique(small.train.labels)) <= {-1, 0, 1, 2}


def test_classes_without_names_are_called_by_their_numbers_and_palettes_count_as_indices(folder: Path):
    (folder / "classes.txt").unlink()
    palette = Image.fromarray(np.full((6, 8), 4, dtype=np.uint8), mode="P")
    palette.putpalette([value for k in range(256) for value in (255 - k, k, 7)])
    palette.save(folder / "labels" / "0.png")
    parts = load_parts(folder)
    assert parts.classes == ("0", "1", "2", "3", "4")


def test_faults_of_a_folder_are_told_at_the_door(folder: Path):
    with pytest.raises(
        MissingFileError, match="images must be a folder; load_parts reads images/ and labels/"
    ):
        load_parts(folder / "nowhere")
    label = folder / "labels" / "3.png"
    kept = label.read_bytes()
    save(label, np.zeros((8, 6), dtype=np.uint8))
    with pytest.raises(DamagedFileError, match="3.png must be 6 x 8 pixels like its image, got 8 x 6"):
        load_parts(folder)
    save(label, np.zeros((6, 8, 3), dtype=np.uint8))
    with pytest.raises(DamagedFileError, match="must have one channel of 8 bits, got RGB"):
        load_parts(folder)
    label.write_bytes(kept[:40])
    with pytest.raises(DamagedFileError, match="cannot be read as a picture"):
        load_parts(folder)
    label.write_bytes(b"no picture")
    with pytest.raises(DamagedFileError, match="cannot be read as a picture"):
        load_parts(folder)
    save(label, np.full((6, 8), 7, dtype=np.uint8))
    with pytest.raises(DamagedFileError, match="names 3 classes, but a label file holds class 7"):
        load_parts(folder)
    label.unlink()
    with pytest.raises(MissingFileError, match="has no label: .*3.png is not there"):
        load_parts(folder)
    for k in range(2, 10):
        (folder / "images" / f"{k}.png").unlink()
    with pytest.raises(TooFewSymbolsError, match="at least 3 pictures, got 2"):
        load_parts(folder)


@pytest.mark.parametrize("count", [3, 4, 10, 1004])
def test_every_split_gets_something(count: int):
    found = split_places(np.random.RandomState(0).permutation(count), (0.8, 0.1))
    assert sorted(sum(found.values(), [])) == list(range(count)) and all(found.values())
    with pytest.raises(ValueError, match=r"two positive numbers with a sum below 1, got \(0.9, 0.1\)"):
        split_places(np.arange(count), (0.9, 0.1))


def test_a_size_below_one_is_refused(folder: Path):
    with pytest.raises(ValueError, match="size must be at least 1 x 1 pixel, got 0 x 4"):
        load_parts(folder, size=(0, 4))


# CCP ------------------------------------------------------------------------------------------------


def a_ccp(root: Path, form: str, count: int = 203) -> None:
    random = np.random.RandomState(0)
    save(root / "ccp" / "photos" / "0000.jpg", random.randint(0, 256, (6, 4, 3)).astype(np.uint8))
    photo = (root / "ccp" / "photos" / "0000.jpg").read_bytes()
    for k in range(count):
        (root / "ccp" / "photos" / f"{k:04}.jpg").write_bytes(photo)
        label = np.full((6, 4), k % len(ccp.GARMENTS), dtype=np.uint8)
        if form == "png":
            save(root / "ccp" / "labels" / f"{k:04}.png", label)
        else:
            path = root / "ccp" / "annotations" / "pixel-level" / f"{k:04}.mat"
            path.parent.mkdir(parents=True, exist_ok=True)
            savemat(path, {"groundtruth": label})


@pytest.mark.parametrize("form", ["png", "mat"])
def test_ccp_is_read_in_both_forms(form, cache, tmp_path, monkeypatch):
    a_ccp(tmp_path, form)
    monkeypatch.setenv("HSRNN_DATA", str(tmp_path))
    parts = datasets.load("ccp", size=(6, 4))
    assert [len(parts.train), len(parts.valid), len(parts.test)] == [3, 100, 100]
    assert parts.classes == ccp.CLASSES and len(parts.classes) == 13
    for split in (parts.train, parts.valid, parts.test):
        for labels, name in zip(split.labels, split.names):
            garment = ccp.GARMENTS[int(name) % 59]
            words = ccp.MERGED[parts.classes[labels[0, 0]]].split()
            assert garment in words if labels[0, 0] else garment not in " ".join(ccp.MERGED.values()).split()
    assert datasets.load("ccp", seed=1).train.names != parts.train.names
    assert datasets.fetch("ccp") == tmp_path / "ccp"
    report = datasets.check("ccp")
    assert not report.ok and "must have SHA-256" in report.problems[0] and report.counts["valid"] == 100


def test_faults_of_ccp_are_told_at_the_door(cache, tmp_path, monkeypatch):
    with pytest.raises(
        MissingFileError, match="get https://github.com/bearpaw/clothing-co-parsing, put its photos"
    ):
        datasets.load("ccp")
    monkeypatch.setenv("HSRNN_DATA", str(tmp_path))
    a_ccp(tmp_path, "mat", count=5)
    with pytest.raises(TooFewSymbolsError, match="more than 200 labelled photographs, got 5"):
        datasets.load("ccp")
    monkeypatch.setattr(ccp, "HELD_OUT", 2)
    assert len(datasets.load("ccp").train) == 1
    label = tmp_path / "ccp" / "annotations" / "pixel-level" / "0003.mat"
    label.write_bytes(b"no matrix")
    with pytest.raises(DamagedFileError, match="0003.mat cannot be read as labels"):
        datasets.load("ccp")
    savemat(label, {"groundtruth": np.full((6, 4), 0.5)})
    with pytest.raises(DamagedFileError, match="must hold numbers of garments"):
        datasets.load("ccp")
    savemat(label, {"groundtruth": np.full((6, 4), 59, dtype=np.uint8)})
    with pytest.raises(DamagedFileError, match="holds garment 59, there are 59"):
        datasets.load("ccp")
    savemat(label, {"groundtruth": np.zeros((5, 4), dtype=np.uint8)})
    with pytest.raises(DamagedFileError, match="must be 6 x 4 pixels like its image, got 5 x 4"):
        datasets.load("ccp")
    (tmp_path / "ccp" / "photos" / "0003.jpg").unlink()
    with pytest.raises(MissingFileError, match="has no photograph"):
        datasets.load("ccp")


def test_every_garment_is_merged_once():
    named = " ".join(ccp.MERGED.values()).split()
    assert len(named) == len(set(named)) and set(named) <= set(ccp.GARMENTS) and len(ccp.GARMENTS) == 59
    assert ccp.merged_classes()[ccp.GARMENTS.index("sunglasses")] == ccp.CLASSES.index("glasses")


@pytest.mark.needs_data("ccp")
def test_the_real_ccp_has_the_numbers_of_its_card():
    parts = datasets.load("ccp")
    assert [len(parts.train), len(parts.valid), len(parts.test)] == [804, 100, 100]
    assert parts.hashes == dict(parts.card.files)
    pixels = np.concatenate([labels.ravel() for labels in parts.train.labels])
    assert (pixels == 0).mean() == pytest.approx(0.769, abs=0.01)
    assert (pixels == ccp.CLASSES.index("skin")).mean() == pytest.approx(0.029, abs=0.003)
