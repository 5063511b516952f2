"""LISOR: read a finite state automaton from a trained recurrent network by clustering its hidden states.

Source: Hou and Zhou (2020, arXiv 1810.10708). The k clusters of the hidden states are states; one more
state, with no way into it, is the start (decision A7). Symbol s read between a point of cluster q and one
of cluster r adds 1 to N[q, s, r]; a first symbol adds to N[start, s, r]. The transition of (q, s) is the r
of the largest count. A cluster accepts if the network's own linear layer accepts its centre (decision A4).

Every step is a sort or a count over all points at once; no loop runs over points, words or symbols.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from .automaton import Automaton
from .classifier import SequenceClassifier
from .clustering import PositionKMeans, kmeans
from .points import Features, HiddenPoints, collect
from .sequences import Words, encode, require_labels, require_words

Method = Literal["kmeans", "kmeans-x"]
Unseen = Literal["reject", "stay", "nearest", "cluster0"]
Accepting = Literal["centre", "majority"]


class LISORScore(NamedTuple):
    """Accuracies of an extracted automaton, in [0, 1] (decision A6), and how often it had to guess.

    ``table``: the transition table run alone, the headline. ``state``: whether the cluster of the network's
    last hidden state accepts, which needs the network to run. ``unseen_uses``: steps of the table over
    transitions that no training word had taken. ``words``: number of words scored.
    """

    table: float
    state: float
    unseen_uses: int
    words: int


class LISOR(BaseEstimator):
    """Extract an automaton from a :class:`~hsrnn.automata.SequenceClassifier`.

    Args:
        n_clusters: number k of clusters; the automaton has k + 1 states, and a sink where one is needed.
        method: ``"kmeans"`` (LISOR-k) or ``"kmeans-x"`` (LISOR-x: positions in time are features too).
        position_weight: weight of positions for ``"kmeans-x"``, which has no good default (decision A5); must
            be ``None`` for ``"kmeans"``.
        unseen: where a transition leads that no word took (decision A3): ``"reject"`` a rejecting sink,
            ``"stay"`` the same state, ``"nearest"`` the cluster whose centre is nearest to where the network
            goes from the state's centre, ``"cluster0"`` the first cluster, as the authors' code does by
            accident.
        accepting: ``"centre"`` by the network's verdict on a cluster's centre, ``"majority"`` by its verdicts
            on the cluster's points (more than half).
        features: cluster ``"h"``, or ``"hc"`` for an LSTM's h and c (decision A8).
        carry: hand the hidden state on from sequence to sequence (decision A1).
        n_init: runs of k-means, of which the best counts.
        random_state: seed of k-means.

    Attributes learned by :meth:`fit`:
        automaton_: states 0 to k - 1 are clusters, k is the start, k + 1 (if there) the sink.
        minimal_: ``automaton_`` minimised.
        transition_counts_: ``(k + 1, symbols, k)`` how often each symbol led from each state to each cluster.
        centres_: ``(k, F)`` means of the clusters' points.
        labels_: ``(points,)`` cluster of each hidden state.
        seen_: ``(k + 1, symbols)``, true where a word took the transition.
        n_unseen_: number of transitions of clusters and start that no word took.
        alphabet_: the symbols.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        method: Method = "kmeans",
        position_weight: float | None = None,
        unseen: Unseen = "reject",
        accepting: Accepting = "centre",
        features: Features = "h",
        carry: bool = False,
        n_init: int = 1,
        random_state: int | None = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.method = method
        self.position_weight = position_weight
        self.unseen = unseen
        self.accepting = accepting
        self.features = features
        self.carry = carry
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, classifier: SequenceClassifier, sequences: Words) -> LISOR:
        """Cluster the network's hidden states on ``sequences`` and read off the automaton.

        Give the training words and score on held-out ones (decision A2); the authors' code clusters the very
        words it scores on, which is ``fit`` on the test words.

        Raises:
            ValueError: for no sequences, an empty one, a symbol outside the alphabet, more clusters than
                hidden states, or an option that does not exist.
        """
        return self.fit_points(classifier, self.collect(classifier, sequences))

    def collect(self, classifier: SequenceClassifier, sequences: Words) -> HiddenPoints:
        """Return the hidden states that :meth:`fit` would cluster, for :meth:`fit_points` to share."""
        self._check()
        return collect(
            classifier, sequences, features=self.features, carry=self.carry, whole=self.unseen == "nearest"
        )

    def fit_points(self, classifier: SequenceClassifier, points: HiddenPoints) -> LISOR:
        """Do :meth:`fit` on hidden states that were collected before."""
        self._check()
        self._classifier = classifier
        self.alphabet_ = classifier.alphabet
        if self.method == "kmeans":
            labels = kmeans(
                points.features, self.n_clusters, n_init=self.n_init, random_state=self.random_state,
                distinct=points.distinct,
            )  # fmt: skip
        else:
            assert self.position_weight is not None
            labels = PositionKMeans(
                self.n_clusters, self.position_weight, n_init=self.n_init, random_state=self.random_state
            ).fit(points.features, points.sequence, points.position).labels_  # fmt: skip
        self.labels_ = labels
        sizes = np.bincount(labels, minlength=self.n_clusters)
        states = np.zeros((self.n_clusters, points.states.shape[1]))
        for column, values in zip(states.T, points.states.T):
            column[:] = np.bincount(labels, values, self.n_clusters) / np.maximum(sizes, 1)
        self.centres_ = states[:, : points.features.shape[1]]
        self._count(points, labels)
        targets, self.seen_ = self._likeliest()
        self.n_unseen_ = int((~self.seen_).sum())
        table = self._complete(targets, states)
        accepting = np.zeros(len(table), bool)
        if self.accepting == "centre":
            accepting[: self.n_clusters] = classifier.accepts_hidden(states[:, : classifier.hidden_size])
        else:
            votes = np.bincount(labels, points.accepted, self.n_clusters)
            accepting[: self.n_clusters] = 2 * votes > sizes
        # Deviation A7: the start accepts if the network accepts the zero state; in the authors' code it has
        # no verdict.
        accepting[self.n_clusters] = classifier.accepts_empty
        self.automaton_ = Automaton(self.alphabet_, table, accepting, self.n_clusters)
        self.minimal_ = self.automaton_.minimise()
        return self

    def _check(self) -> None:
        for name, allowed in (("method", Method), ("unseen", Unseen), ("accepting", Accepting)):
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(
                    f"{name} must be one of {', '.join(get_args(allowed))}, got {getattr(self, name)!r}"
                )
        # Deviation A5: the weight of positions has no default, for no value of the paper's is known to us; it
        # is swept.
        if self.method == "kmeans-x" and (self.position_weight is None or self.position_weight < 0):
            raise ValueError(
                f'method="kmeans-x" needs a position_weight of at least 0, got {self.position_weight}; the '
                "result depends on it, so try several, for example 0.01, 0.02, 0.05, 0.1 and 1"
            )
        if self.method == "kmeans" and self.position_weight is not None:
            raise ValueError(
                f'position_weight = {self.position_weight} means nothing for method="kmeans"; leave it None'
            )

    def _count(self, points: HiddenPoints, labels: NDArray[np.intp]) -> None:
        """Count (state, symbol, next cluster) over all points, kept as those that occur and how often."""
        k, symbols = self.n_clusters, len(self.alphabet_)
        before = np.empty_like(labels)
        before[1:] = labels[:-1]
        before[points.position == 1] = k
        keys = (before * symbols + points.symbol) * k + labels
        cells = (k + 1) * symbols * k
        if cells <= 4 * len(keys) + 100_000:
            counts = np.bincount(keys, minlength=cells)
            self._keys = np.flatnonzero(counts)
            self._counts = counts[self._keys]
        else:  # a vocabulary: most of the cells are empty
            self._keys, self._counts = np.unique(keys, return_counts=True)

    @property
    def transition_counts_(self) -> NDArray[np.int64]:
        """How often each symbol led from each state to each cluster, ``(k + 1, symbols, k)``; state k is the
        start."""
        shape = (self.n_clusters + 1, len(self.alphabet_), self.n_clusters)
        dense = np.zeros(shape, np.int64)
        dense.reshape(-1)[self._keys] = self._counts
        return dense

    def _likeliest(self) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the most frequent next cluster of each (state, symbol), the lowest of equals, and which were
        seen."""
        k, symbols = self.n_clusters, len(self.alphabet_)
        targets = np.zeros((k + 1) * symbols, np.intp)
        seen = np.zeros((k + 1) * symbols, bool)
        # The last that is written to a place stays: rising counts, among equals falling clusters.
        order = np.lexsort((-self._keys, self._counts))
        rows = self._keys[order] // k
        targets[rows], seen[rows] = self._keys[order] % k, True
        return targets.reshape(k + 1, symbols), seen.reshape(k + 1, symbols)

    def _complete(self, targets: NDArray[np.intp], states: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the table with a target for every transition, by the rule ``unseen``."""
        # Deviation A3: a transition that no word took leads to a rejecting sink, and its uses are counted; in
        # the authors' code it leads to cluster 0.
        k, missing = self.n_clusters, ~self.seen_
        if not missing.any():
            return targets
        if self.unseen == "reject":
            sink = np.full((1, targets.shape[1]), k + 1)
            return np.concatenate([np.where(missing, k + 1, targets), sink])
        if self.unseen == "cluster0":
            return np.where(missing, 0, targets)
        state, symbol = np.nonzero(missing)
        if self.unseen == "stay":
            targets[state, symbol] = state
            return targets
        # From the start, the network goes on from its zero state.
        centres = np.concatenate([states, np.zeros((1, states.shape[1]))])
        reached = self._classifier.advance(centres[state], symbol)[:, : self.centres_.shape[1]]
        targets[state, symbol] = self._nearest(reached)
        return targets

    def _nearest(self, features: NDArray[np.floating]) -> NDArray[np.intp]:
        """Return the cluster whose centre is nearest to each row of ``features`` ``(points, F)``."""
        return ((self.centres_**2).sum(1) - 2.0 * features @ self.centres_.T).argmin(1)

    # Using it -----------------------------------------------------------------------------------------

    def predict(self, sequences: Words) -> NDArray[np.bool_]:
        """Return which words the table accepts, ``(words,)``; the network does not run."""
        self._check_fitted()
        # Deviation A6: every symbol is read once; the authors' code reads the first one twice.
        return self.automaton_.accepts(sequences)

    def predict_state(self, sequences: Words) -> NDArray[np.bool_]:
        """Return which words end in a hidden state of an accepting cluster; the network runs (decision
        A6)."""
        self._check_fitted()
        points = collect(self._classifier, sequences, features=self.features, carry=self.carry)
        return self._end_in_accepting(points)

    def _end_in_accepting(self, points: HiddenPoints) -> NDArray[np.bool_]:
        return self.automaton_.accepting[self._nearest(points.features[points.last])]

    def unseen_uses(self, sequences: Words) -> int:
        """Return how many steps the table takes over transitions that no training word took."""
        self._check_fitted()
        encoded = encode(sequences, self.alphabet_)
        if self.n_unseen_ == 0:
            return 0
        path = self.automaton_.trace(encoded)[:, :-1]
        taken = encoded.mask & (path <= self.n_clusters)  # steps inside the sink were counted on the way in
        return int((~self.seen_[path[taken], encoded.codes[taken]]).sum())

    def score(self, sequences: Words, labels: ArrayLike) -> LISORScore:
        """Return both accuracies on labelled words (decision A6) and the number of unseen transitions used.

        Raises:
            ValueError: for no words, an empty word, a symbol outside the alphabet, or labels that do not fit.
        """
        self._check_fitted()
        encoded = encode(sequences, self.alphabet_)
        require_words(encoded, "sequences")
        return self.score_points(
            encoded, labels, collect(self._classifier, encoded, features=self.features, carry=self.carry)
        )

    def score_points(self, sequences: Words, labels: ArrayLike, points: HiddenPoints) -> LISORScore:
        """Do :meth:`score` with the hidden states of ``sequences`` collected before."""
        encoded = encode(sequences, self.alphabet_)
        targets = require_labels(labels, encoded, "labels")
        return LISORScore(
            table=float((self.predict(encoded) == targets).mean()),
            state=float((self._end_in_accepting(points) == targets).mean()),
            unseen_uses=self.unseen_uses(encoded),
            words=len(encoded),
        )

    def faithfulness(self, sequences: Words) -> float:
        """Return the share of words on which the table agrees with its network, in [0, 1] (decision A10)."""
        encoded = encode(sequences, self.alphabet_)
        if len(encoded) == 0:
            raise ValueError("sequences must have at least one word, got none")
        return float((self.predict(encoded) == self._classifier.predict(encoded)).mean())

    def _check_fitted(self) -> None:
        if not hasattr(self, "automaton_"):
            raise ValueError("this LISOR is not fitted yet; call fit(classifier, sequences) first")
