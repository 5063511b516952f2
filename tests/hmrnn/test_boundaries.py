"""Counts, trees and scores against brute force."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.hmrnn import (
    BoundaryScore,
    NgramEntropy,
    OperationCounts,
    boundary_score,
    count_operations,
    peaks,
    random_score,
    segment_tree,
    separators,
    word_ends,
)
from hsrnn.hmrnn.boundaries import Segment

bits = st.lists(st.booleans(), min_size=1, max_size=40)


def test_counts_and_saving_of_the_papers_sample():
    operations = np.zeros((270, 3), np.uint8)
    operations[:, 0] = 1
    operations[::5, 1][:54] = 1
    operations[:2, 1] = 2
    operations[3:12, 2] = 1
    counted = count_operations(operations)
    assert counted.updates.tolist()[0] == 270 and counted.updates.tolist()[2] == 9
    assert isinstance(counted, OperationCounts) and counted.counts.sum() == 810
    assert counted.saving == pytest.approx((operations == 0).mean())
    assert counted.as_dict()["FLUSH"] == [0, 2, 0]


def leaves(segment: Segment) -> list[int]:
    return [segment.start] if segment.level == 0 else [t for child in segment.children for t in leaves(child)]


@settings(max_examples=60)
@given(st.integers(1, 3), st.data())
def test_tree_nests_covers_and_ends_where_boundaries_are(layers, data):
    time = data.draw(st.integers(1, 25))
    z = np.array(data.draw(st.lists(st.lists(st.booleans(), min_size=layers, max_size=layers),
                                    min_size=time, max_size=time)))  # fmt: skip
    root = segment_tree(z)
    assert leaves(root) == list(range(time))

    def walk(segment: Segment):
        yield segment
        for child in segment.children:
            assert child.level == segment.level - 1
            yield from walk(child)

    every = list(walk(root))
    for level in range(1, layers + 1):
        stops = {s.stop for s in every if s.level == level}
        assert stops == {t + 1 for t in range(time) if z[t, level - 1 :].any()} | {time}
    for segment in every:
        if segment.children:
            assert segment.start == segment.children[0].start and segment.stop == segment.children[-1].stop


@settings(max_examples=100)
@given(st.data())
def test_scores_equal_counting_by_hand(data):
    gold = data.draw(bits.filter(any))
    predicted = data.draw(st.lists(st.booleans(), min_size=len(gold), max_size=len(gold)))
    score = boundary_score(predicted, gold)
    hits = sum(p and g for p, g in zip(predicted, gold))
    assert isinstance(score, BoundaryScore) and score.rate == sum(predicted) / len(predicted)
    assert score.recall == hits / sum(gold)
    assert score.precision == (hits / sum(predicted) if any(predicted) else 0)
    if hits:
        assert score.f1 == pytest.approx(2 * hits / (sum(predicted) + sum(gold)))
    else:
        assert score.f1 == 0


def test_random_score_is_what_random_boundaries_get():
    rng = np.random.default_rng(0)
    gold = rng.random(200_000) < 0.2
    drawn = boundary_score(rng.random(200_000) < 0.3, gold)
    expected = random_score(0.3, gold)
    assert drawn.precision == pytest.approx(expected.precision, abs=0.01)
    assert drawn.recall == pytest.approx(expected.recall, abs=0.01)
    assert drawn.f1 == pytest.approx(expected.f1, abs=0.01)


def test_ngram_entropy_equals_witten_bell_by_hand():
    rng = np.random.default_rng(1)
    train, test, size, order = rng.integers(0, 4, 60), rng.integers(0, 4, 30), 4, 3
    counts: dict[tuple, Counter] = defaultdict(Counter)
    for n in range(order):
        for t in range(n, len(train)):
            counts[tuple(train[t - n : t])][train[t]] += 1

    def probability(symbol: int, context: tuple) -> float:
        if context not in counts:
            return probability(symbol, context[1:])
        seen, types = sum(counts[context].values()), len(counts[context])
        lower = probability(symbol, context[1:]) if context else 1 / size
        return (counts[context][symbol] + types * lower) / (seen + types)

    found = NgramEntropy(order).fit(train, size).entropy(test)
    for t in range(len(test)):
        context = tuple(test[max(0, t + 2 - order) : t + 1])
        p = [probability(s, context) for s in range(size)]
        assert sum(p) == pytest.approx(1)
        assert found[t] == pytest.approx(-sum(x * math.log2(x) for x in p))


def test_entropy_peaks_find_the_words_of_an_artificial_language():
    rng = np.random.default_rng(2)
    words = [[0, 1, 2], [3, 4], [5, 6, 7, 8]]
    chosen = rng.integers(0, 3, 2000)
    stream = np.concatenate([words[w] for w in chosen])
    ends = np.zeros(len(stream), bool)
    ends[np.cumsum([len(words[w]) for w in chosen]) - 1] = True
    entropy = NgramEntropy(3).fit(stream, 9).entropy(stream)
    assert boundary_score(peaks(entropy), ends).f1 > 0.98
    assert boundary_score(peaks(entropy, ends.mean()), ends).f1 > 0.98


def test_peaks_take_the_asked_share():
    assert peaks([3.0, 1.0, 2.0, 5.0], 0.5).tolist() == [True, False, False, True]
    assert peaks([0.0, 2.0, 1.0, 3.0]).tolist() == [False, True, False, True]
    assert not peaks([1.0, 2.0], 0.0).any()


def test_word_ends_and_separators():
    assert word_ends("ab c\nd").tolist() == [False, True, False, True, False, True]
    assert separators("ab c\nd").tolist() == [False, False, True, False, True, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: count_operations(np.array([[3]])), "0 .COPY., 1 .UPDATE. and 2 .FLUSH."),
        (lambda: count_operations(np.zeros((0, 3))), "non-empty"),
        (lambda: segment_tree(np.zeros(4)), "boundaries must be"),
        (lambda: boundary_score([1, 0], [1]), "equal length"),
        (lambda: boundary_score([1, 0], [0, 0]), "at least one gold boundary"),
        (lambda: random_score(1.5, [1]), r"rate must lie in \[0, 1\], got 1.5"),
        (lambda: peaks([1.0], 2.0), "rate must lie"),
        (lambda: NgramEntropy(1), "order must be at least 2, got 1"),
        (lambda: NgramEntropy(5).fit([1, 2], 5), "at least order = 5 symbols, got 2"),
        (lambda: NgramEntropy(20).fit(np.zeros(50), 50), "lower the order"),
    ],
)
def test_bad_input_fails_at_the_door(call, message):
    with pytest.raises(ValueError, match=message):
        call()
