"""What is compared with an automaton over words: plain baselines, and the truth on sentences one could write.

Most sequences of words are no sentences ("good good but"). No review holds them, so no network learned what
to say about them. :func:`natural_counterexample` looks only at sentences whose neighbouring words stand side
by side in some training review, and returns the shortest that two automata judge differently.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from hsrnn import automata, datasets

SHORTEST = 4  # words: shorter sentences are in no generated review


def baselines(reviews: datasets.Reviews, seed: int) -> dict[str, float]:
    """Return test accuracies without any order of words: of the more frequent class, and of a logistic
    regression on which words occur, its penalty chosen on the validation part."""
    labels = reviews.train.labels
    train, valid, test = (_bag(part.words, reviews.vocabulary) for part in (
        reviews.train, reviews.valid, reviews.test
    ))  # fmt: skip
    fits = [
        LogisticRegression(C=c, max_iter=1000, random_state=seed).fit(train, labels)
        for c in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
    ]
    best = max(fits, key=lambda fit: fit.score(valid, reviews.valid.labels))
    majority = int(labels.mean() > 0.5)
    return {
        "majority_accuracy": float((reviews.test.labels == majority).mean()),
        "bag_of_words_accuracy": float(best.score(test, reviews.test.labels)),
    }


def _bag(texts: Sequence[Sequence[str]], vocabulary: Sequence[str]) -> csr_matrix:
    """Return which words each text holds, ``(texts, words)``, 0 or 1."""
    index = {word: code for code, word in enumerate(vocabulary)}
    pairs = np.array([(row, index[word]) for row, words in enumerate(texts) for word in sorted({*words})])
    ones = np.ones(len(pairs))
    return csr_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(texts), len(vocabulary)))


def bigrams(
    texts: Sequence[Sequence[str]], vocabulary: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which words begin a text, ``(words,)``, and which follow which, ``(words, words)``."""
    sequences = automata.encode(list(texts), vocabulary)
    codes, mask = sequences.codes, sequences.mask
    first = np.zeros(len(vocabulary), bool)
    first[codes[:, 0]] = True
    follows = np.zeros((len(vocabulary), len(vocabulary)), bool)
    both = mask[:, 1:]
    follows[codes[:, :-1][both], codes[:, 1:][both]] = True
    return first, follows


def natural_counterexample(
    one: automata.Automaton,
    other: automata.Automaton,
    first: NDArray[np.bool_],
    follows: NDArray[np.bool_],
    *,
    shortest: int = SHORTEST,
) -> tuple[str, ...] | None:
    """Return a shortest sentence of at least ``shortest`` words on which two automata differ, made of words
    that begin and follow as ``first`` ``(words,)`` and ``follows`` ``(words, words)`` allow; ``None`` if
    there is none.

    A breadth-first search over (state of one, state of the other, last word, number of words so far).

    Raises:
        ValueError: if the automata are not over the same words in the same order.
    """
    if one.alphabet != other.alphabet:
        raise ValueError("both automata must have the same words in the same order")
    a, b = one.table.tolist(), other.table.tolist()
    yes, no = one.accepting.tolist(), other.accepting.tolist()
    following = [np.flatnonzero(row).tolist() for row in follows]
    start = (one.start, other.start, -1, 0)
    parent: dict[tuple[int, int, int, int], tuple[int, int, int, int]] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        p, q, last, length = node
        for word in np.flatnonzero(first).tolist() if last < 0 else following[last]:
            reached = (a[p][word], b[q][word], word, min(length + 1, shortest))
            if reached in parent:
                continue
            parent[reached] = node
            if reached[3] == shortest and yes[reached[0]] != no[reached[1]]:
                words = []
                while reached != start:
                    words.append(one.alphabet[reached[2]])
                    reached = parent[reached]
                return tuple(reversed(words))
            queue.append(reached)
    return None
