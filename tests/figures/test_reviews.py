"""The living figure Reviews: what it gets from Python, and how the page reads what is typed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hsrnn.automata import Automaton as Machine
from hsrnn.automata import SequenceClassifier
from hsrnn.figures import Reviews
from hsrnn.figures.reviews import word_classes

from .automata_figures import REVIEW, review_net, review_words, reviews_figure
from .conftest import RunNode, arrays


def test_data_is_what_the_arrays_say() -> None:
    words, machine, polarity = review_words()
    data = reviews_figure().data
    whole = Machine(words, machine["table"], machine["accepting"], machine["start"])
    classes = np.array(data["classes"])
    np.testing.assert_array_equal(np.array(data["machine"]["table"])[:, classes], machine["table"])
    np.testing.assert_array_equal(
        np.array(data["truth"]["table"])[:, data["truth"]["classes"]], machine["table"]
    )
    assert classes.max() + 1 == len(whole.symbol_classes()) == 5
    np.testing.assert_allclose(data["polarity"], polarity, atol=0.006)
    labels = {(edge["source"], edge["target"]): edge["label"] for edge in data["machine"]["layout"]["edges"]}
    assert set(labels) == set(whole.edges())
    assert " ".join(labels[0, 1]) == "good, great, funny and 45 more"
    assert " ".join(labels[0, 2]) == "nobody, nothing, none and 14 more"
    assert [words[codes[0]] for codes in data["telling"]] == ["plot", "good", "loathed", "nobody", "but"]


def test_words_of_a_class_share_a_column() -> None:
    table = np.array([[0, 1, 0, 1], [1, 1, 1, 0]])
    columns, classes = word_classes(table)
    assert classes.tolist() == [0, 1, 0, 2]
    np.testing.assert_array_equal(columns[:, classes], table)


def test_alt_text_follows_the_review() -> None:
    figure = reviews_figure()
    assert figure.alt.startswith(
        f"The review “{REVIEW}” walks through an automaton, which calls it negative. "
    )
    assert "negative goes to positive on good, great, funny and 45 more" in figure.alt.lower()
    assert figure.alt.endswith("positive, positive, positive, positive, positive, negative.")


def test_labels_and_unknown_words() -> None:
    words, machine, _ = review_words()
    figure = Reviews.from_net(
        "gru", arrays(review_net()), words, machine, text="the zebra was good", labels={(0, 1): "praise"},
        unknown="the", bits=32,
    )  # fmt: skip
    labels = {
        (each["source"], each["target"]): each["label"] for each in figure.data["machine"]["layout"]["edges"]
    }
    assert labels[0, 1] == ["praise"]
    assert figure.data["unknown"] == words.index("the")
    assert figure.data["polarity"] is None
    assert figure.state == {"text": "the zebra was good", "at": None}


def test_a_vocabulary_of_real_size_stays_below_two_megabytes() -> None:
    words = [f"word{number}" for number in range(16_000)]
    net = SequenceClassifier(words, "lstm", 25, embedding_size=50)
    random = np.random.default_rng(0)
    machine = {"table": random.integers(0, 6, (6, 16_000)), "accepting": np.arange(6) < 3, "start": 0}
    figure = Reviews.from_net(
        "lstm", arrays(net), words, machine, text="word1", polarity=random.normal(size=16_000)
    )
    assert len(json.dumps(figure.data)) < 2_000_000


@pytest.mark.needs_node
def test_what_readers_type_becomes_words(run_node: RunNode) -> None:
    vocabulary = ["the", "film", "was", "n't", "is", "wasn't", "bad", ",", ".", "co-star", "'s", "<unk>"]
    texts = [
        "The film wasn't bad.", "Isn’t the co-star’s film “bad”?!", "", "  the...film , ",
        "zebra-like film", "— !",
    ]  # fmt: skip
    source = """
import { beginningWith, wordsOf } from "@static/review_words.js";
const index = new Map(data.vocabulary.map((word, code) => [word, code]));
console.log(JSON.stringify({
  read: data.texts.map((text) => wordsOf(text, index, data.vocabulary.length - 1)),
  left: wordsOf("a film", index, null),
  offers: [[" W", 5], ["w", 1], ["", 5]].map(([text, most]) => beginningWith(text, data.vocabulary, most)),
}));
"""
    answer = run_node(source, {"vocabulary": vocabulary, "texts": texts})
    shown = [[word["shown"] for word in words] for words in answer["read"]]
    assert shown == [
        ["the", "film", "wasn't", "bad", "."],
        ["is", "n't", "the", "co-star", "'s", "film", "bad"],
        [],
        ["the...film", ","],
        ["zebra-like", "film"],
        [],
    ]  # fmt: skip
    for words in answer["read"]:
        for word in words:
            assert word["known"] == (word["shown"] in vocabulary)
            expected = word["shown"] if word["known"] else "<unk>"
            assert vocabulary[word["code"]] == expected
    assert [word["code"] for word in answer["left"]] == [None, 1]
    assert answer["offers"] == [["was", "wasn't"], ["was"], []]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "the zebra"}, r"got 'the zebra' with the strange words \['zebra'\]"),
        ({"examples": ["the " * 61]}, "reviews must be at most 60 words"),
        ({"vocabulary": ["the", "the"]}, "name each word once"),
        ({"unknown": "<unk>"}, "unknown must be a word of the vocabulary, got '<unk>'"),
        ({"names": ["a"]}, "names must be 4, one a state, got 1"),
        ({"polarity": [1.0]}, r"polarity must be \(248,\) finite numbers"),
        ({"cell": "srn"}, "do not fit cell 'srn'"),
        ({"labels": {(0, 3): "x"}}, r"edge \(0, 3\)"),
        ({"machine": {"table": np.zeros((13, 248), int), "accepting": [1] * 13, "start": 0}}, "at most 12"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(change: dict[str, Any], message: str) -> None:
    words, machine, _ = review_words()
    options = {
        "cell": "gru",
        "weights": arrays(review_net()),
        "vocabulary": words,
        "machine": machine,
        "text": "the",
    }
    with pytest.raises(ValueError, match=message):
        Reviews.from_net(**{**options, **change})
