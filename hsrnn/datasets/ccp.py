"""Clothing Co-Parsing: photographs of people, every pixel one of 59 garments, merged to 13 classes.

Yang, Luo and Lin (2014). The data set has 1,004 photographs with pixel labels and no official split; ours is
804 / 100 / 100 by a seed. The files are looked for in ``<HSRNN_DATA>/ccp``, then in the user cache:
``photos/NNNN.jpg`` with either ``labels/NNNN.png`` (values are numbers of garments) or, as the authors give
them, ``annotations/pixel-level/NNNN.mat``. Two thousand files cannot all be hashed in a card; it holds ONE
hash of all names and bytes.

Many of the 59 garments occur in a few photographs only, so they are merged: shoes of all kinds into one
class, small accessories into the background. Skin does not tell arms from legs, nor left from right.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from hsrnn.datasets.cards import Card
from hsrnn.datasets.errors import DamagedFileError, MissingFileError, TooFewSymbolsError
from hsrnn.datasets.parts import Parts, labelled_images, read_image, read_labels, require_equal_sizes, resized
from hsrnn.datasets.storage import Location
from hsrnn.datasets.text import SPLITS

GARMENTS = tuple(
    """null accessories bag belt blazer blouse bodysuit boots bra bracelet cape cardigan clogs coat dress
    earrings flats glasses gloves hair hat heels hoodie intimate jacket jeans jumper leggings loafers necklace
    panties pants pumps purse ring romper sandals scarf shirt shoes shorts skin skirt sneakers socks stockings
    suit sunglasses sweater sweatshirt swimwear t-shirt tie tights top vest wallet watch wedges""".split()
)
# Every garment that is not named here belongs to the background.
MERGED = {
    "background": "",
    "hair": "hair",
    "skin": "skin",
    "hat": "hat",
    "glasses": "glasses sunglasses",
    "upper": "blazer blouse bodysuit bra cape cardigan coat hoodie intimate jacket jumper shirt suit sweater "
    "sweatshirt swimwear t-shirt top vest",
    "dress": "dress romper",
    "skirt": "skirt",
    "pants": "jeans leggings panties pants shorts socks stockings tights",
    "shoes": "boots clogs flats heels loafers pumps sandals shoes sneakers wedges",
    "bag": "bag purse wallet",
    "belt": "belt",
    "scarf": "scarf tie",
}
CLASSES = tuple(MERGED)
PHOTOS, PNG, MAT = "photos", "labels", "annotations/pixel-level"
CONTENT = "photos and labels"  # the name of the one hash
HELD_OUT = 100  # photographs for validation, and as many for testing


def merged_classes() -> NDArray[np.int8]:
    """Return the class of each garment, ``(59,)``."""
    classes = np.zeros(len(GARMENTS), dtype=np.int8)
    for number, names in enumerate(MERGED.values()):
        for name in names.split():
            classes[GARMENTS.index(name)] = number
    return classes


def how_to_bring(card: Card) -> str:
    """Say how a user gets the files and where to put them."""
    return (
        f"{card.name} is not on this machine, and hsrnn does not fetch its thousands of files: get "
        f"{card.source}, put its {PHOTOS}/ and {MAT}/ into <folder>/{card.folder}, and set HSRNN_DATA to "
        "<folder>"
    )


def labels_in(folder: Path) -> Path | None:
    """Return the folder of label files, or None where photographs or labels are missing."""
    if not (folder / PHOTOS).is_dir():
        return None
    return next((folder / name for name in (PNG, MAT) if (folder / name).is_dir()), None)


def load_ccp(
    card: Card, location: Location, *, size: tuple[int, int] | None = (150, 100), seed: int = 0
) -> Parts:
    """Read all photographs that have labels.

    Args:
        card: the card of the data set.
        location: where the files are.
        size: (height, width) to bring all to, labels by their nearest pixel; `None` keeps their sizes.
        seed: seed of the split.

    Raises:
        MissingFileError: a label has no photograph.
        DamagedFileError: a file cannot be read, a label has another size than its photograph or a garment
            that does not exist.
        TooFewSymbolsError: there are not enough for three splits.
    """
    folder = labels_in(location.folder)
    files = sorted(folder.iterdir()) if folder is not None else []
    files = [path for path in files if path.suffix in (".png", ".mat")]
    if len(files) <= 2 * HELD_OUT:
        raise TooFewSymbolsError(
            f"{location.folder} must hold more than {2 * HELD_OUT} labelled photographs, got {len(files)}"
        )
    merged, total = merged_classes(), hashlib.sha256()
    images, labels = [], []
    for path in files:
        photo = location.folder / PHOTOS / f"{path.stem}.jpg"
        if not photo.is_file():
            raise MissingFileError(f"{path} has no photograph: {photo} is not there")
        for each in (photo, path):
            total.update(f"{each.parent.name}/{each.name}\n".encode() + each.read_bytes())
        garments, image = read_garments(path), read_image(photo)
        require_equal_sizes(image, garments, path)
        if int(garments.max()) >= len(GARMENTS):
            raise DamagedFileError(f"{path} holds garment {garments.max()}, there are {len(GARMENTS)}")
        images.append(resized(image, size))
        labels.append(merged[resized(garments, size)])
    order = np.random.RandomState(seed).permutation(len(files))
    cuts = np.split(order, [len(files) - 2 * HELD_OUT, len(files) - HELD_OUT])
    splits = {
        split: labelled_images(
            [images[k] for k in sorted(places)],
            [labels[k] for k in sorted(places)],
            [files[k].stem for k in sorted(places)],
        )
        for split, places in zip(SPLITS, cuts, strict=True)
    }
    return Parts(card.name, CLASSES, **splits, card=card, hashes={CONTENT: total.hexdigest()})


def read_garments(path: Path) -> NDArray[np.uint8]:
    """Read a label file of either form as (height, width) uint8, numbers of garments.

    Raises:
        DamagedFileError: it cannot be read, or holds no such array.
    """
    if path.suffix == ".png":
        return read_labels(path)
    try:
        found = loadmat(io.BytesIO(path.read_bytes()), variable_names=["groundtruth"])["groundtruth"]
    except Exception as error:  # scipy raises many kinds on a damaged file
        raise DamagedFileError(f"{path} cannot be read as labels: {error}") from error
    if found.ndim != 2 or not np.issubdtype(found.dtype, np.integer) or found.min() < 0 or found.max() > 255:
        raise DamagedFileError(f"{path} must hold numbers of garments (height, width), got {found.dtype}")
    return found.astype(np.uint8)
