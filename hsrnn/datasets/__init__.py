"""Every input of hsrnn: generated, shipped or fetched, and always verified.

    from hsrnn import datasets

    corpus = datasets.load("generated", length=100_000, seed=0)    # needs no file and no network
    corpus = datasets.load("ptb")                                  # HSRNN_DATA, the user cache, or fetched
    corpus = datasets.load_text("my-novel.txt")                    # any UTF-8 file
    corpus.vocabulary.decode(corpus.train[:80])

    rows = datasets.ContiguousRows(corpus.train, rows=64, length=100)
    for inputs, targets in rows:                                   # int64, (64, up to 100)
        ...

    strokes = datasets.load("strokes", lines=2000, seed=0)         # generated handwriting, needs no file
    strokes = datasets.load("iam-ondb")                            # real handwriting, files of your own
    strokes.train[0]                                               # float32, (points, 3): dx, dy, pen

    reviews = datasets.load("reviews")                             # generated, labelled by a known rule
    reviews = datasets.load("sst2", min_count=2)                   # the Stanford Sentiment Treebank
    reviews.train.words[0], reviews.train.labels[0]                # a tuple of words, 0 or 1

    pictures = datasets.load("digits")                             # real, inside scikit-learn, needs no file
    pictures = datasets.load("mnist")                              # "fashion-mnist", "cifar10" likewise
    pictures.train.scaled(), pictures.train.labels                 # float32 (n, channels, h, w) from 0 to 1

    scenes = datasets.load("scenes")                               # rooms with handwritten digits, generated
    scenes.test.images[0], scenes.test.labels[0]                   # uint8 (32, 32); digits from left to right

    figures = datasets.load("figures")                             # people and animals, generated
    figures = datasets.load("ccp", size=(150, 100))                # clothing, files of your own
    figures = datasets.load_parts("my-pictures")                   # images/ and labels/ of your own
    figures.train.images[0], figures.train.labels[0]               # uint8 (h, w, 3), int8 (h, w)
    more = datasets.crops(figures.train, 2, seed=0)                # each, and two random cut-outs of it
    datasets.photograph("cat", longest=150)                        # uint8 (h, w, 3), without labels

`HSRNN_DATA` names a folder of your own with one sub-folder a data set (it is only read); `HSRNN_OFFLINE=1`
forbids the network. Every error raised on purpose is a `DatasetError`.
"""

from hsrnn.datasets.alphabet import Letter, letters
from hsrnn.datasets.articulated import Figure, draw_figure
from hsrnn.datasets.batching import ContiguousRows, length_batches
from hsrnn.datasets.cards import NAMES, PARTS, PICTURES, REVIEWS, Card, read_card
from hsrnn.datasets.crops import crops
from hsrnn.datasets.entropy import GrammarEntropy, grammar_entropy
from hsrnn.datasets.errors import (
    ArchiveTooLargeError,
    DamagedArchiveError,
    DamagedFileError,
    DatasetError,
    FetchError,
    InvalidLineError,
    InvalidPictureError,
    InvalidTextError,
    MissingFileError,
    OfflineError,
    TooFewSymbolsError,
    UnknownDatasetError,
    UnknownSymbolError,
    UnsafeArchiveError,
    WrongCountError,
    WrongHashError,
)
from hsrnn.datasets.grammar import Sample, generate
from hsrnn.datasets.iam import split_by_form
from hsrnn.datasets.idx import read_idx
from hsrnn.datasets.labelled import UNKNOWN, Reviews, ReviewSplit, frequent_words, read_labelled
from hsrnn.datasets.parts import LabelledImages, Parts, load_parts
from hsrnn.datasets.pen import Hand, Writing, write
from hsrnn.datasets.photographs import PHOTOGRAPHS, photograph
from hsrnn.datasets.pictures import Pictures, PictureSplit
from hsrnn.datasets.registry import Availability, CheckReport, available, check, fetch, load
from hsrnn.datasets.reviews import Review, ReviewTruth, draw_reviews, truth
from hsrnn.datasets.rooms import HABITS, PERIODS, ROOMS, STRANGE, Visits, mark, period_of, visit
from hsrnn.datasets.scenes import Scenes, SceneSplit, paint
from hsrnn.datasets.shipped import shipped
from hsrnn.datasets.strokes import Strokes
from hsrnn.datasets.text import Corpus, Vocabulary, load_text

__all__ = [
    "HABITS",
    "NAMES",
    "PARTS",
    "PERIODS",
    "PHOTOGRAPHS",
    "PICTURES",
    "REVIEWS",
    "ROOMS",
    "STRANGE",
    "UNKNOWN",
    "ArchiveTooLargeError",
    "Availability",
    "Card",
    "CheckReport",
    "ContiguousRows",
    "Corpus",
    "DamagedArchiveError",
    "DamagedFileError",
    "DatasetError",
    "FetchError",
    "Figure",
    "GrammarEntropy",
    "Hand",
    "InvalidLineError",
    "InvalidPictureError",
    "InvalidTextError",
    "LabelledImages",
    "Letter",
    "MissingFileError",
    "OfflineError",
    "Parts",
    "PictureSplit",
    "Pictures",
    "Review",
    "ReviewSplit",
    "ReviewTruth",
    "Reviews",
    "Sample",
    "SceneSplit",
    "Scenes",
    "Strokes",
    "TooFewSymbolsError",
    "UnknownDatasetError",
    "UnknownSymbolError",
    "UnsafeArchiveError",
    "Visits",
    "Vocabulary",
    "Writing",
    "WrongCountError",
    "WrongHashError",
    "available",
    "check",
    "crops",
    "draw_figure",
    "draw_reviews",
    "fetch",
    "frequent_words",
    "generate",
    "grammar_entropy",
    "length_batches",
    "letters",
    "load",
    "load_parts",
    "load_text",
    "mark",
    "paint",
    "period_of",
    "photograph",
    "read_card",
    "read_idx",
    "read_labelled",
    "shipped",
    "split_by_form",
    "truth",
    "visit",
    "write",
]
