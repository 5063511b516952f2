"""Labelled pictures: scikit-learn's digits, and tiny made-up files of MNIST and CIFAR-10, good and bad."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from hsrnn import datasets
from hsrnn.datasets import Pictures, PictureSplit, cifar, pictures, registry

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
RNG = np.random.default_rng(0)
TRAIN = RNG.integers(0, 256, (40, 5, 4), dtype=np.uint8), np.tile(np.arange(10, dtype=np.uint8), 4)
TEST = RNG.integers(0, 256, (10, 5, 4), dtype=np.uint8), np.arange(10, dtype=np.uint8)


def idx(array, magic=None) -> bytes:
    """Return an array of bytes as an idx file."""
    numbers = [magic or 2048 + array.ndim, *array.shape]
    return b"".join(int(number).to_bytes(4, "big") for number in numbers) + array.tobytes()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def own(cache, tmp_path, monkeypatch):
    """Return a function that writes files as HSRNN_DATA/<name>, with a card that fits, changed as told."""

    def write(name, files, packed=False, **changes):
        folder = tmp_path / "own" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, data in files.items():
            (folder / (f"{file}.gz" if packed else file)).write_bytes(gzip.compress(data) if packed else data)
        card = dataclasses.replace(
            datasets.read_card(name),
            files={file: sha256(data) for file, data in files.items()},
            sizes={file: len(data) for file, data in files.items()},
            counts={"train": 30, "valid": 10, "test": 10},
        )
        monkeypatch.setattr(registry, "read_card", lambda name: dataclasses.replace(card, **changes))
        monkeypatch.setenv("HSRNN_DATA", str(tmp_path / "own"))
        return folder

    return write


def mnist_files(**changes) -> dict[str, bytes]:
    made = dict(zip(FILES, map(idx, (*TRAIN, *TEST)), strict=True))
    return made | changes


# Digits -------------------------------------------------------------------------------------------


def test_digits_keep_the_order_of_scikit_learn(cache):
    loaded = load_digits()
    made = datasets.load("digits")
    assert isinstance(made, Pictures) and isinstance(made.train, PictureSplit)
    assert repr(made) == "Pictures('digits', 10 classes, 1x8x8, train 1,050, valid 247, test 500)"
    parts = (made.train, made.valid, made.test)
    np.testing.assert_array_equal(np.concatenate([p.images[:, 0] for p in parts]), loaded.images)
    np.testing.assert_array_equal(np.concatenate([p.labels for p in parts]), loaded.target)
    assert made.train.peak == 16 and made.train.scaled().max() == 1 and made.train.scaled().min() == 0
    np.testing.assert_array_equal(made.test.scaled()[0, 0] * 16, loaded.images[1297])
    assert min(np.bincount(made.train.labels)) >= 100
    with pytest.raises(ValueError, match="read-only"):
        made.train.images[0] = 0
    report = datasets.check("digits")
    assert report.ok and report.types == 10 and report.unit == "pictures" and report.place == "embedded"
    assert datasets.fetch("digits") is None and not cache.exists()


def test_other_digits_are_refused(monkeypatch):
    other = load_digits()
    other.target = other.target[::-1]
    monkeypatch.setattr(pictures, "load_digits", lambda: other)
    with pytest.raises(datasets.WrongHashError, match="install the version of constraints.txt"):
        datasets.load("digits")
    assert "SHA-256" in datasets.check("digits").problems[0]


# MNIST --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
def test_a_small_mnist_unpacked_or_packed(own, packed):
    own("mnist", mnist_files(), packed)
    made = datasets.load("mnist")
    assert len(made.train) == 30 and made.train.images.shape == (30, 1, 5, 4)
    np.testing.assert_array_equal(made.test.images[:, 0], TEST[0])
    # The last picture of every class is held out, here the last ten; the others keep their order.
    np.testing.assert_array_equal(made.train.images[:, 0], TRAIN[0][:30])
    np.testing.assert_array_equal(made.valid.images[:, 0], TRAIN[0][30:])
    np.testing.assert_array_equal(made.valid.labels, TRAIN[1][30:])
    assert made.hashes == {name: sha256(data) for name, data in mnist_files().items()}
    assert made.classes == tuple("0123456789") and made.train.scaled().dtype == np.float32
    assert made.train.scaled().max() == TRAIN[0][:30].max() / np.float32(255)
    assert datasets.check("mnist").ok


def test_fashion_mnist_has_the_same_files_and_names_of_its_own(own):
    card = datasets.read_card("fashion-mnist")
    packed = {name: gzip.compress(data) for name, data in zip(card.files, mnist_files().values())}
    own("fashion-mnist", packed)
    made = datasets.load("fashion-mnist")
    assert made.classes[9] == "Ankle boot" and len(set(made.classes)) == 10
    np.testing.assert_array_equal(made.test.labels, TEST[1])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({FILES[0]: idx(TRAIN[0], 2049)}, datasets.InvalidPictureError, "magic number 2051 .pict.* got 2049"),
        ({FILES[1]: idx(TRAIN[1], 2052)}, datasets.InvalidPictureError, "magic number 2049 .lab.* got 2052"),
        ({FILES[0]: idx(TRAIN[0])[:-1]}, datasets.InvalidPictureError, "816 bytes for 40 x 5 x 4, got 815"),
        ({FILES[2]: idx(TEST[0]) + b"."}, datasets.InvalidPictureError, "for 10 x 5 x 4, got 217"),
        ({FILES[1]: b"short"}, datasets.InvalidPictureError, "has 5 bytes, fewer than the 8 of its header"),
        ({FILES[1]: idx(TRAIN[1][:-1])}, datasets.WrongCountError, "40 pictures but .*labels.* 39 labels"),
        ({FILES[3]: idx(TEST[1] + 1)}, datasets.InvalidPictureError, "of mnist must be 0 to 9, got 10"),
        ({FILES[1]: idx(TRAIN[1] * 0)}, datasets.WrongCountError, "'valid': 10.* got .*'valid': 1,"),
    ],
)  # fmt: skip
def test_a_bad_idx_file_is_named(own, changes, error, message):
    own("mnist", mnist_files(**changes))
    with pytest.raises(error, match=message):
        datasets.load("mnist")
    assert not datasets.check("mnist").ok


def test_a_truncated_or_other_packed_file(own, tmp_path):
    folder = own("mnist", mnist_files(), packed=True)
    path = folder / f"{FILES[0]}.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(
        datasets.DamagedArchiveError, match=f"{FILES[0]}.gz is truncated or damaged .EOFError"
    ):
        datasets.load("mnist")
    assert "truncated" in datasets.check("mnist").problems[0]
    with pytest.raises(datasets.DamagedArchiveError, match="truncated"):
        datasets.read_idx(path, 3)
    path.write_bytes(b"not packed at all")
    with pytest.raises(datasets.DamagedArchiveError, match="BadGzipFile"):
        datasets.load("mnist")
    path.write_bytes(gzip.compress(idx(TRAIN[0][::-1])))
    with pytest.raises(datasets.WrongHashError, match=r"must have SHA-256.*816 bytes, expected 816"):
        datasets.load("mnist")
    path.unlink()
    with pytest.raises(datasets.MissingFileError, match=f"holds mnist without {FILES[0]}"):
        datasets.load("mnist")


def test_read_idx_has_two_kinds(tmp_path):
    (tmp_path / "labels").write_bytes(idx(TRAIN[1]))
    np.testing.assert_array_equal(datasets.read_idx(tmp_path / "labels", 1), TRAIN[1])
    with pytest.raises(ValueError, match="dimensions must be 1 .labels. or 3 .pictures., got 2"):
        datasets.read_idx(tmp_path / "labels", 2)


# CIFAR-10 -----------------------------------------------------------------------------------------

COLOURS = RNG.integers(0, 256, (50, 3, 32, 32), dtype=np.uint8)
KINDS = np.tile(np.arange(10, dtype=np.uint8), 5)


def rows(part: slice) -> bytes:
    return np.concatenate([KINDS[part, None], COLOURS[part].reshape(-1, 3072)], 1).tobytes()


def test_a_small_cifar10(own):
    files = {"data_batch_1.bin": rows(slice(0, 20)), "data_batch_2.bin": rows(slice(20, 40)),
             "test_batch.bin": rows(slice(40, 50))}  # fmt: skip
    own("cifar10", files)
    made = datasets.load("cifar10")
    np.testing.assert_array_equal(made.train.images, COLOURS[:30])
    np.testing.assert_array_equal(made.valid.images, COLOURS[30:40])
    np.testing.assert_array_equal(made.test.images, COLOURS[40:])
    np.testing.assert_array_equal(made.test.labels, KINDS[40:])
    for data, message in (
        (files["test_batch.bin"][:-1], "rows of 3,073 bytes, at least one, got 30,729 bytes"),
        (b"", "got 0 bytes"),
        (b"\x0b" + files["test_batch.bin"][1:], "labels of cifar10 must be 0 to 9, got 11"),
    ):
        own("cifar10", files | {"test_batch.bin": data})
        with pytest.raises(datasets.InvalidPictureError, match=message):
            datasets.load("cifar10")


def test_no_pickle_is_among_the_files_of_cifar10():
    card = datasets.read_card("cifar10")
    assert all(name.endswith(".bin") for name in card.files)
    assert all("binary" in download.url for source in card.sources for download in source)


def jpeg(colour: int, size: int = 32, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (size, size), (colour,) * 3 if mode == "RGB" else colour).save(buffer, "JPEG")
    return buffer.getvalue()


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as bundle:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            bundle.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def test_a_small_copy_in_jpeg(own):
    files = {
        f"{split}/{kind}/{number:04}.jpg": jpeg(20 * label + number, mode="L" if number else "RGB")
        for split, count in (("train", 4), ("test", 1))
        for number in reversed(range(count))
        for label, kind in enumerate(cifar.CLASSES)
    }
    own("cifar10-jpg", {"tree.tar.gz": archive(files)})
    made = datasets.load("cifar10-jpg")
    assert made.card.title.startswith("CIFAR-10, JPEG copy")
    assert made.train.images.shape == (30, 3, 32, 32) and made.classes == cifar.CLASSES
    # In the order of class and number, whatever the order in the archive.
    np.testing.assert_array_equal(made.train.labels, np.repeat(np.arange(10), 3))
    np.testing.assert_allclose(
        made.train.images[:, 0, 0, 0], [20 * k + n for k in range(10) for n in range(3)], atol=1
    )
    np.testing.assert_allclose(made.valid.images[:, 2, 9, 9], [20 * k + 3 for k in range(10)], atol=1)
    assert made.test.labels.tolist() == list(range(10))
    name = "train/bird/0001.jpg"
    for data, message in (
        (archive(files | {name: jpeg(1, 31)}), rf"{name} must have 32 x 32 pixels, got \(31, 31\)"),
        (archive(files | {name: jpeg(1)[:-200]}), f"{name} is not a whole JPEG picture"),
        (archive(files | {name: b"GIF89a"}), f"{name} is not a whole JPEG picture"),
        (archive(files | {"train/horses/0001.jpg": jpeg(1)}), "train/horses/0001.jpg must be train/<class>"),
        (archive(files | {"valid/bird/0001.jpg": jpeg(1)}), "valid/bird/0001.jpg must be train/<class>"),
    ):
        own("cifar10-jpg", {"tree.tar.gz": data})
        with pytest.raises(datasets.InvalidPictureError, match=message):
            datasets.load("cifar10-jpg")


def test_what_cannot_be_fetched_says_where_to_put_it(cache):
    with pytest.raises(
        datasets.MissingFileError, match="put cifar10_jpg_tree.tar.gz into <HSRNN_DATA>/cifar10-jpg"
    ):
        datasets.load("cifar10-jpg")
    with pytest.raises(TypeError, match=r"load\('mnist'\) takes no options, got seed"):
        datasets.load("mnist", seed=1)
