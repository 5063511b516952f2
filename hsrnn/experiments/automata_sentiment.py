"""Experiment ``automata.sentiment``: what a network that reads reviews remembers, as an automaton over words.

Hou and Zhou (2020, arXiv 1810.10708) read automata from networks that classify movie reviews, and found words
of one mood on the edges into one state. Their data, sizes and numbers are not known to us (decision A13).
Here: SST-2 (real), and generated reviews whose true automaton is known. Departures: the word vectors are
learned inside the network (the paper took word2vec), and every k is chosen on the validation part. A record
is one seed: every cell, by k-means and by k-means-x.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsrnn import automata, datasets

from .automata_polarity import by_class, edge_scores, polarity, readable
from .automata_reviews import baselines, bigrams, natural_counterexample
from .pieces import each_piece

SMALL = 5  # clusters, at most, of the automaton that is kept for reading: six states with the start


@dataclass(frozen=True)
class SentimentConfig:
    """Settings of one run.

    Attributes:
        dataset: ``"reviews"`` (generated) or ``"sst2"``.
        cells: the cells to compare.
        reviews: generated reviews to train on; a quarter as many validate, and as many test.
        min_count: SST-2 words that occur less often in training are ``<unk>``.
        hidden_size: units of every cell.
        embedding_size: width of the learned word vectors.
        epochs: most epochs of one training.
        batch_size: reviews of a parameter update.
        learning_rate: Adam's step.
        patience: epochs without a better validation accuracy after which training stops.
        settle: epochs to go on for once every validation review is right.
        dropout: of word vectors and last state in training; ``None``: 0 on generated reviews, 0.5 on SST-2.
        weight_decay: a step, as a share of the learning rate.
        clusters: the k to try by k-means.
        clusters_x: the k to try by k-means-x, which takes longer.
        weight: position weight of k-means-x.
        n_init: runs of k-means for each k.
        threshold: words whose polarity is at least this far from 0 (nats) are looked at on the edges.
        occurrences: in that many training reviews at least.
        shuffles: random signs that make up chance.
        top: words kept of an edge or class.
    """

    dataset: str = "reviews"
    cells: tuple[str, ...] = ("srn", "mgu", "gru", "lstm")
    reviews: int = 4000
    min_count: int = 2
    hidden_size: int = 8
    embedding_size: int = 25
    epochs: int = 40
    batch_size: int = 64
    learning_rate: float = 0.01
    patience: int = 8
    settle: int = 5
    dropout: float | None = None
    weight_decay: float = 0.3
    clusters: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24, 32)
    clusters_x: tuple[int, ...] = (2, 3, 4, 6, 8, 12)
    weight: float = 0.02
    n_init: int = 1
    threshold: float = 0.25
    occurrences: int = 10
    shuffles: int = 2000
    top: int = 8

    def __post_init__(self) -> None:
        """Check what the room itself does not; raises ValueError."""
        if self.dataset not in datasets.REVIEWS:
            raise ValueError(f"dataset must be one of {', '.join(datasets.REVIEWS)}, got {self.dataset!r}")
        if not (self.cells and self.clusters and self.clusters_x):
            raise ValueError("cells, clusters and clusters_x must each name at least one")
        for cell in self.cells:
            if cell not in automata.CELLS:
                raise ValueError(f"cells must be of {', '.join(automata.CELLS)}, got {cell!r}")
        if min(self.clusters) > SMALL:
            raise ValueError(f"clusters must hold a k of at most {SMALL}, to be read, got {self.clusters}")
        if self.reviews < 80 or self.reviews % 8:
            raise ValueError(f"reviews must be a multiple of 8, at least 80, got {self.reviews}")
        for name in ("occurrences", "shuffles", "top"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


PRESETS: dict[str, SentimentConfig] = {
    "smoke": SentimentConfig(
        cells=("gru",), reviews=1600, epochs=14, batch_size=32, settle=0, clusters=(2, 3, 4, 6, 8),
        shuffles=200,
    ),
    "book": SentimentConfig(cells=("srn", "mgu", "gru"), reviews=2400, clusters=tuple(range(2, 13))),
    "desk": SentimentConfig(),
    # The paper's own sizes are not known to us (decision A13); this is the desk's, with more of everything.
    "paper": SentimentConfig(
        reviews=16000, hidden_size=16, epochs=100, patience=15, settle=15, n_init=5,
        clusters=(*range(2, 17), 24, 32, 48, 64),
    ),
}  # fmt: skip


def run(
    config: SentimentConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
) -> tuple[dict[str, Any], dict[str, str], float]:
    """Train every cell on the reviews and read automata from it.

    Each finished network is a line of ``networks.jsonl`` in ``folder``, so a run that was interrupted goes on
    with the next one.

    Returns:
        The metrics, the hashes of the data, and the seconds spent on all networks.

    Raises:
        hsrnn.datasets.DatasetError: SST-2 is neither in ``HSRNN_DATA`` nor in the cache, and cannot be had.
    """
    reviews = load_reviews(config, seed)
    networks = each_piece(
        folder / "networks.jsonl", config, [(cell,) for cell in config.cells],
        partial(one_network, config, reviews, seed=seed, device=device),
        names=("cell",), title=f"automata.sentiment, seed {seed}", progress=progress,
    )  # fmt: skip
    best = max(networks, key=lambda network: network["readable"]["valid_accuracy"])
    for network in networks:
        if network is not best:
            network.pop("readable")
    metrics = {
        "dataset": config.dataset,
        "words": len(reviews.vocabulary),
        "networks": networks,
        "best_cell": best["cell"],
        **baselines(reviews, seed),
    }
    return metrics, dict(reviews.hashes), sum(network["seconds"] for network in networks)


def load_reviews(config: SentimentConfig, seed: int) -> datasets.Reviews:
    """Load what ``config`` names: generated reviews, others for every seed, or SST-2."""
    if config.dataset == "sst2":
        loaded = datasets.load("sst2", min_count=config.min_count)
    else:
        few = config.reviews // 4
        loaded = datasets.load("reviews", train=config.reviews, valid=few, test=few, seed=seed)
    assert isinstance(loaded, datasets.Reviews)
    return loaded


def true_automaton(reviews: datasets.Reviews) -> automata.Automaton | None:
    """Return the automaton that labels generated reviews, over the whole vocabulary; ``None`` for SST-2."""
    truth = reviews.truth
    if truth is None:
        return None
    table = truth.word_table(reviews.vocabulary)
    return automata.Automaton.of(reviews.vocabulary, table, truth.accepting, truth.start)


def trained(
    config: SentimentConfig, reviews: datasets.Reviews, cell: str, *, seed: int, device: str = "cpu"
) -> tuple[automata.SequenceClassifier, automata.TrainingResult]:
    """Train one cell; the validation part, never the test part, decides when to stop."""
    dropout = config.dropout
    if dropout is None:
        dropout = 0.5 if reviews.truth is None else 0.0
    training = automata.TrainingConfig(
        epochs=config.epochs, batch_size=config.batch_size, learning_rate=config.learning_rate,
        patience=config.patience, settle=config.settle, dropout=dropout, weight_decay=config.weight_decay,
    )  # fmt: skip
    classifier = automata.SequenceClassifier(
        reviews.vocabulary, cell, config.hidden_size, embedding_size=config.embedding_size, seed=seed
    ).to(device)
    result = automata.train(
        classifier, reviews.train.words, reviews.train.labels, reviews.valid.words, reviews.valid.labels,
        training, empty=False, seed=seed,
    )  # fmt: skip
    return classifier, result


def rejecting(fitted: automata.LISOR) -> automata.Automaton:
    """Return a fitted automaton with a rejecting sink for every transition that no word took (decision A3),
    whatever rule completed it."""
    if not fitted.n_unseen_:
        return fitted.automaton_
    k = fitted.n_clusters
    table = np.where(fitted.seen_, fitted.automaton_.table[: k + 1], k + 1)
    sink = np.full((1, table.shape[1]), k + 1)
    accepting = np.append(fitted.automaton_.accepting[: k + 1], False)
    return automata.Automaton(fitted.alphabet_, np.concatenate([table, sink]), accepting, k)


def one_network(
    config: SentimentConfig, reviews: datasets.Reviews, cell: str, *, seed: int, device: str = "cpu"
) -> dict[str, Any]:
    """Train one network and read automata from it for every k; return what a record keeps of it."""
    began = time.perf_counter()
    classifier, result = trained(config, reviews, cell, seed=seed, device=device)
    words = {s: automata.encode(getattr(reviews, s).words, reviews.vocabulary) for s in ("train", "test")}
    labels = reviews.test.labels
    score, reviewed = polarity(words["train"], reviews.train.labels, len(reviews.vocabulary))
    points = automata.collect(classifier, words["train"], whole=True)
    verdicts = classifier.predict(words["test"])
    kept: dict[str, Any] = {
        "cell": cell, "train_accuracy": result.lines[-1]["train_accuracy"],
        "valid_accuracy": result.accuracy, "test_accuracy": float((verdicts == labels).mean()),
        "epochs": result.epochs, "training_seconds": round(result.seconds, 3), "hidden_states": len(points),
    }  # fmt: skip
    telling = (np.abs(score) >= config.threshold) & (reviewed >= config.occurrences)
    for method in ("kmeans", "kmeans-x"):
        rows, fits = _sweep(config, reviews, classifier, points, method)
        found: dict[str, Any] = {"sweep": rows}
        for rule in ("reject", "nearest"):
            at = int(np.argmax([row[rule] for row in rows]))
            fitted = fits[at]
            made = rejecting(fitted) if rule == "reject" else fitted.automaton_
            found[rule] = {
                "k": rows[at]["k"],
                "valid_accuracy": rows[at][rule],
                "test_accuracy": float((made.accepts(words["test"]) == labels).mean()),
                "state_accuracy": float((fitted.predict_state(words["test"]) == labels).mean()),
                "faithfulness": float((made.accepts(words["test"]) == verdicts).mean()),
                "unseen_uses": _unseen_uses(fitted, made, words["test"]),
                "steps": int(words["test"].lengths.sum()),
                "states": made.minimise().n_states,
                **_exactness(reviews, fitted, made),
            }
        fitted = fits[int(np.argmax([row["nearest"] for row in rows]))]
        found["edges"] = edge_scores(
            fitted.automaton_, fitted.seen_, score, telling, shuffles=config.shuffles, seed=seed
        )
        kept[method] = found
        if method == "kmeans":
            small = [n for n, row in enumerate(rows) if row["k"] <= SMALL]
            at = max(small, key=lambda n: rows[n]["nearest"])
            kept["readable"] = {
                "k": rows[at]["k"], "valid_accuracy": rows[at]["nearest"],
                "test_accuracy": float((fits[at].predict(words["test"]) == labels).mean()),
                "faithfulness": float((fits[at].predict(words["test"]) == verdicts).mean()),
                **readable(fits[at], points, score, top=config.top),
            }  # fmt: skip
    return {**kept, "seconds": round(time.perf_counter() - began, 3)}


def _sweep(
    config: SentimentConfig, reviews: datasets.Reviews, classifier: automata.SequenceClassifier,
    points: automata.HiddenPoints, method: str,
) -> tuple[list[dict[str, Any]], list[automata.LISOR]]:  # fmt: skip
    """Fit every k and score it on the validation part, by both rules for unseen transitions."""
    valid = automata.encode(reviews.valid.words, reviews.vocabulary)
    options: dict[str, Any] = {"method": method, "unseen": "nearest", "n_init": config.n_init}
    if method == "kmeans-x":
        options["position_weight"] = config.weight
    rows, fits = [], []
    for k in config.clusters if method == "kmeans" else config.clusters_x:
        began = time.perf_counter()
        fitted = automata.LISOR(k, **options).fit_points(classifier, points)
        rows.append({
            "k": k,
            "reject": float((rejecting(fitted).accepts(valid) == reviews.valid.labels).mean()),
            "nearest": float((fitted.predict(valid) == reviews.valid.labels).mean()),
            "n_unseen": fitted.n_unseen_,
            "seconds": round(time.perf_counter() - began, 3),
        })  # fmt: skip
        fits.append(fitted)
    return rows, fits


def _unseen_uses(fitted: automata.LISOR, made: automata.Automaton, words: automata.Sequences) -> int:
    """Return how many steps ``made`` takes over transitions that no training word took; in a sink, the step
    that led there alone."""
    path: NDArray[np.intp] = made.trace(words)[:, :-1]
    taken = words.mask & (path <= fitted.n_clusters)
    return int((~fitted.seen_[path[taken], words.codes[taken]]).sum())


def _exactness(reviews: datasets.Reviews, fitted: automata.LISOR, made: automata.Automaton) -> dict[str, Any]:
    """Compare with the true automaton: on all words, on sentences whose neighbours occur, and by class."""
    target = true_automaton(reviews)
    if target is None or reviews.truth is None:
        return {}
    truth = reviews.truth
    any_words = made.with_empty(False).counterexample(target)
    natural = natural_counterexample(made, target, *bigrams(reviews.train.words, reviews.vocabulary))
    names = tuple(str(number) for number in range(len(truth.classes)))
    classes = automata.Automaton.of(names, truth.table, truth.accepting, truth.start)
    mapped = by_class(fitted, list(truth.classes.values())).with_empty(False).counterexample(classes)
    class_names = tuple(truth.classes)
    return {
        "exact": any_words is None, "counterexample": any_words,
        "natural_exact": natural is None, "natural_counterexample": natural,
        "class_exact": mapped is None,
        "class_counterexample": mapped and [class_names[int(number)] for number in mapped],
    }  # fmt: skip
