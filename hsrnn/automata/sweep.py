"""LISOR over a range of k: one pass over the hidden states, then all the rest for each k.

"The first k with accuracy 1" is noisy, for it hangs on one run of k-means. So a sweep also reports the first
k from which three k in a row hold (decision A9).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from .automaton import Automaton
from .classifier import SequenceClassifier
from .lisor import LISOR
from .points import collect
from .sequences import Words, encode, require_labels, require_words

IN_A_ROW = 3


@dataclass(frozen=True)
class SweepRow:
    """What one k gave.

    Attributes:
        n_clusters: k.
        table_accuracy: of the transition table alone on the held-out words, in [0, 1].
        state_accuracy: of the cluster of the network's last hidden state.
        faithfulness: share of held-out words on which table and network agree.
        n_unseen: transitions that no word took.
        unseen_uses: steps over such transitions on the held-out words.
        n_states: states of the minimised automaton.
        equivalent: whether its language is exactly the target; ``None`` where no target is known.
        counterexample: a shortest word it gets wrong; ``None`` where there is none.
        seconds: wall-clock time of this k.
    """

    n_clusters: int
    table_accuracy: float
    state_accuracy: float
    faithfulness: float
    n_unseen: int
    unseen_uses: int
    n_states: int
    equivalent: bool | None
    counterexample: tuple[str, ...] | None
    seconds: float


@dataclass(frozen=True, eq=False)
class Sweep:
    """A row and a minimised automaton for each k, smallest k first.

    Attributes:
        rows: one :class:`SweepRow` a k.
        automata: the minimised automata, in the same order.
        seconds: wall-clock time of the whole, collecting the hidden states included.
    """

    rows: tuple[SweepRow, ...]
    automata: tuple[Automaton, ...]
    seconds: float

    @property
    def first_k(self) -> int | None:
        """The smallest k whose table got every held-out word right; ``None`` if no k did."""
        return next((row.n_clusters for row in self.rows if row.table_accuracy == 1.0), None)

    @property
    def stable_k(self) -> int | None:
        """The smallest k from which three k in a row got every held-out word right; ``None`` if there is
        none."""
        right = [row.table_accuracy == 1.0 for row in self.rows]
        starts = range(len(right) - IN_A_ROW + 1)
        return next((self.rows[k].n_clusters for k in starts if all(right[k : k + IN_A_ROW])), None)

    @property
    def exact_k(self) -> int | None:
        """The smallest k whose automaton is exactly the target; ``None`` if no k, or no target, is."""
        return next((row.n_clusters for row in self.rows if row.equivalent), None)

    def at(self, n_clusters: int) -> tuple[SweepRow, Automaton]:
        """Return row and minimised automaton of one k; ValueError if it was not swept."""
        for row, automaton in zip(self.rows, self.automata):
            if row.n_clusters == n_clusters:
                return row, automaton
        raise ValueError(f"k = {n_clusters} was not swept; there are {[row.n_clusters for row in self.rows]}")


def sweep(
    classifier: SequenceClassifier,
    sequences: Words,
    held_out: Words,
    labels: ArrayLike,
    *,
    n_clusters: Iterable[int] = range(2, 41),
    target: Automaton | None = None,
    **options: Any,
) -> Sweep:
    """Fit and score :class:`LISOR` for every k.

    Args:
        classifier: a trained network.
        sequences: words whose hidden states are clustered.
        held_out: words that are scored.
        labels: ``(words,)`` of the held-out words.
        n_clusters: the k to try; they are taken in rising order.
        target: the automaton of the true language, to compare exactly (decision A11).
        options: of :class:`LISOR`, for example ``method`` and ``position_weight``.

    Raises:
        ValueError: for no k, or bad words, labels or options, as :class:`LISOR` raises it.
    """
    began = time.perf_counter()
    chosen = sorted(set(n_clusters))
    if not chosen:
        raise ValueError("n_clusters must name at least one k, got none")
    words = encode(held_out, classifier.alphabet)
    require_words(words, "held_out")
    require_labels(labels, words, "labels")
    # Deviation A2: clusters come from training words, and other words are scored; the authors' code clusters
    # the hidden states of the words it is tested on.
    points = LISOR(**options).collect(classifier, sequences)
    plain = LISOR(**options)
    test = collect(classifier, words, features=plain.features, carry=plain.carry)
    verdicts = test.accepted[test.last] if not plain.carry else classifier.predict(words)
    rows, automata = [], []
    for k in chosen:
        start = time.perf_counter()
        fitted = LISOR(k, **options).fit_points(classifier, points)
        score = fitted.score_points(words, labels, test)
        wrong = None if target is None else fitted.minimal_.counterexample(target)
        rows.append(SweepRow(
            k, score.table, score.state, float((fitted.predict(words) == verdicts).mean()), fitted.n_unseen_,
            score.unseen_uses, fitted.minimal_.n_states, None if target is None else wrong is None, wrong,
            time.perf_counter() - start,
        ))  # fmt: skip
        automata.append(fitted.minimal_)
    return Sweep(tuple(rows), tuple(automata), time.perf_counter() - began)
