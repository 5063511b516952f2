"""The generated reviews: readable, balanced, the same everywhere, and labelled by exactly the rule they
say."""

from __future__ import annotations

import collections
import hashlib
from itertools import product

import pytest

from hsrnn.datasets import Review, ReviewTruth, draw_reviews, truth
from hsrnn.datasets.reviews import ACCEPTING, CLASSES, START, STATES, TABLE, WORDS


def label_by_clauses(words) -> int:
    """Return the label by another reading of the rule: split at turning words, count negations, keep the
    last opinion."""
    rule = truth()
    classes = {word: name for name, own in rule.classes.items() for word in own}
    clauses: list[list[str]] = [[]]
    for word in words:
        if classes[word] == "turn":
            clauses.append([])
        else:
            clauses[-1].append(classes[word])
    verdict = 0
    for clause in clauses:
        before = 0
        for name in clause:
            if name == "negation":
                before += 1
            elif name in ("positive", "negative"):
                verdict = int((name == "positive") == (before % 2 == 0))
                before = 0
    return verdict


def test_the_label_is_that_of_an_independent_reading():
    for review in draw_reviews(600, 3):
        assert isinstance(review, Review)
        assert review.label == label_by_clauses(review.words) == truth().label(review.words)


def test_the_table_agrees_on_every_short_sequence_of_classes():
    example = [words[0] for words in truth().classes.values()]
    for length in range(6):
        for words in product(example, repeat=length):
            assert truth().label(words) == label_by_clauses(words)


def test_four_states_are_needed():
    rule = truth()
    assert isinstance(rule, ReviewTruth)
    assert (rule.table, rule.accepting, rule.start, rule.states) == (TABLE, ACCEPTING, START, STATES)
    assert tuple(rule.classes) == CLASSES
    endings = [w for n in range(3) for w in product(range(len(CLASSES)), repeat=n)]

    def verdicts(state):
        found = []
        for ending in endings:
            at = state
            for code in ending:
                at = TABLE[at][code]
            found.append(at in ACCEPTING)
        return tuple(found)

    assert len({verdicts(state) for state in range(4)}) == 4
    reached = {START}
    for _ in range(4):
        reached |= {TABLE[state][code] for state in reached for code in range(len(CLASSES))}
    assert reached == {0, 1, 2, 3}
    # No two classes do the same everywhere, so five classes are needed as well.
    assert len({tuple(row[code] for row in TABLE) for code in range(len(CLASSES))}) == len(CLASSES)


def test_every_word_has_one_class():
    rule = truth()
    words = [word for own in rule.classes.values() for word in own]
    assert len(set(words)) == len(words)
    assert {name: len(own) >= 40 for name, own in rule.classes.items()} == {
        "positive": True, "negative": True, "neutral": True, "negation": False, "turn": False,
    }  # fmt: skip
    for name, kinds in (("positive", ("Good", "Loved")), ("negative", ("Bad", "Hated")), ("turn", ("Turn",))):
        assert set(rule.classes[name]) == {word for kind in kinds for word in WORDS[kind].split()}
    drawn = {word for review in draw_reviews(2000, 0) for word in review.words}
    assert drawn <= set(words) and len(drawn) > 0.97 * len(words)
    assert rule.word_table(["not", "but", "boring"]) == [[2, 0, 0], [3, 1, 0], [0, 0, 1], [1, 1, 1]]
    with pytest.raises(KeyError, match="'zebra' is not one of the .* words of the generated reviews"):
        rule.label(["zebra"])


def test_reviews_are_balanced_and_of_the_right_lengths():
    drawn = draw_reviews(1000, 7)
    assert sum(review.label for review in drawn) == 500
    assert all({a.label, b.label} == {0, 1} for a, b in zip(drawn[::2], drawn[1::2]))
    assert 0.4 < sum(review.label for review in drawn[::2]) / 500 < 0.6
    lengths = [len(review.words) for review in drawn]
    assert min(lengths) >= 4 and max(lengths) <= 30 and max(lengths) > 24
    opinions = {*truth().classes["positive"], *truth().classes["negative"]}
    assert all(opinions.intersection(review.words) for review in drawn)
    assert not any(
        words[k] == "a" and words[k + 1][0] in "aeiou" for _, words in enumerate(r.words for r in drawn)
        for k in range(len(words) - 1)
    )  # fmt: skip


def test_every_state_meets_every_class():
    """Otherwise no automaton read from data could be told from the true one."""
    rule, met = truth(), collections.Counter()
    for review in draw_reviews(2000, 1):
        met.update(zip(rule.path(review.words), map(rule.class_of, review.words)))
    assert set(met) == set(product(range(4), range(5))) and min(met.values()) > 20


def test_frequent_words_come_first():
    counted = collections.Counter(word for review in draw_reviews(2000, 2) for word in review.words)
    for kind in ("Good", "Bad", "Thing"):
        listed = WORDS[kind].split()
        assert sum(counted[w] for w in listed[:5]) > 3 * sum(counted[w] for w in listed[-5:])


def test_the_seed_decides_and_the_bytes_are_these():
    assert draw_reviews(50, 4) == draw_reviews(50, 4)
    assert draw_reviews(100, 4)[:50] == draw_reviews(50, 4) != draw_reviews(50, 5)
    first = draw_reviews(2, 4)
    again = draw_reviews(2, 4, without={first[0].words})
    assert first[0] not in again
    text = "\n".join(map(str, draw_reviews(200, 11)))
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "88f4797865927a749698d2ecae8fbb4c282be8703aafc1470a0e9e1a2bfc8079"
    )  # equal on every machine


@pytest.mark.parametrize(
    ("count", "seed", "message"),
    [
        (0, 0, "count must be an even number"),
        (3, 0, "at least 2, got 3"),
        (2, -1, "seed must not be negative"),
    ],
)
def test_errors(count, seed, message):
    with pytest.raises(ValueError, match=message):
        draw_reviews(count, seed)
