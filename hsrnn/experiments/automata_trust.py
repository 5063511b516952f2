"""Experiment ``automata.trust``: is the automaton to be trusted more than the network it was read from?

Hou and Zhou (2020, arXiv 1810.10708) claim it. Here networks are trained on short words of a regular
language, with a share of the labels flipped, and network and automata are tested on clean, balanced words 1,
2, 5 and 20 times as long (claim C2). LISOR stands beside L*, KV and quantised states on the same networks
(claims C1, C6). A record is one seed: every cell on every language with every share of flipped labels.

Nothing is chosen by clean labels. The words on which a network is stopped, and on which k is chosen, have
flipped labels in the same share as those it is trained on, and the clean words are looked at once, at the
end. Only the one label of the empty word is never flipped. Words of training and test are never the same.

Languages: Tomita 4 is the complement of 000 and left out for that. Exactly 0110, Tomita 1 and Tomita 2 have
at most one word of each length, so nearly every word is outside and balanced long words are one word
repeated.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsrnn import automata
from hsrnn.automata.sequences import Sequences

from .pieces import each_piece

EXTRACTORS = ("kmeans", "kmeans-faithful", "lstar", "kv", "quantised")


@dataclass(frozen=True)
class TrustConfig:
    """Settings of one run.

    Attributes:
        cells: the cells to compare.
        languages: names of languages, as :func:`hsrnn.automata.language` knows them.
        by_length: languages that are trained by a curriculum of lengths, for they count.
        noises: shares of labels that are flipped, in training and held-out words alike.
        factors: how many times longer than trained on the test words are.
        hidden_size: units of every cell.
        longest: training words have lengths 1 to ``longest``.
        window: test words have lengths ``factor * longest - window + 1`` to ``factor * longest``.
        train_words: training words, half of them inside the language.
        held_out_words: words that decide when to stop and which k to take, half of them inside.
        test_words: clean words of each factor, half of them inside (fewer where there are no more new ones).
        epochs: most epochs of one training.
        batch_size: words of a parameter update.
        learning_rate: Adam's step.
        patience: epochs without a better held-out accuracy after which a training stops.
        pace: most epochs at one length of the curriculum.
        attempts: trainings from other initial weights, at most, until one has learned.
        slack: a network has learned if its held-out accuracy, on noisy labels, is at least
            ``1 - noise - slack``.
        extract_words: training words whose hidden states are clustered.
        smallest: smallest k of the sweep.
        largest: largest k of the sweep.
        pool: L* and KV compare with the network on at most so many words, all those up to a length.
        max_rounds: most failed comparisons of L* and KV.
        max_states: larger hypotheses of L* and KV are not compared any more.
        max_queries: most words that L* and KV ask about beside the pool.
        bins: bins a unit of the quantised states.
        max_cells: most cells of their grid that may be reached.
    """

    cells: tuple[str, ...] = ("srn", "mgu", "gru", "lstm")
    languages: tuple[str, ...] = ("000", "contains-0110", "tomita-3", "tomita-5", "tomita-6", "tomita-7")
    by_length: tuple[str, ...] = ("tomita-5", "tomita-6")
    noises: tuple[float, ...] = (0.0, 0.01, 0.05, 0.1)
    factors: tuple[int, ...] = (1, 2, 5, 20)
    hidden_size: int = 12
    longest: int = 12
    window: int = 4
    train_words: int = 1000
    held_out_words: int = 500
    test_words: int = 400
    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 0.01
    patience: int = 10
    pace: int = 5
    attempts: int = 2
    slack: float = 0.05
    extract_words: int = 300
    smallest: int = 2
    largest: int = 30
    pool: int = 2**13
    max_rounds: int = 12
    max_states: int = 50
    max_queries: int = 1500
    bins: tuple[int, ...] = (2, 3)
    max_cells: int = 2000

    def __post_init__(self) -> None:
        """Check what the room itself does not; raises ValueError."""
        for name in ("cells", "languages", "noises", "factors"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} must be distinct, at least one, got {values}")
        for cell in self.cells:
            if cell not in automata.CELLS:
                raise ValueError(f"cells must be of {', '.join(automata.CELLS)}, got {cell!r}")
        for name in (*self.languages, *self.by_length):
            automata.language(name)
        for noise in self.noises:
            if not 0 <= noise < 0.5:
                raise ValueError(
                    f"noises must be shares in [0, 0.5), got {noise}; with half of the labels flipped "
                    "nothing is left to learn"
                )
        for name in ("longest", "window", "attempts", "extract_words", "smallest"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.test_words < 2:
            raise ValueError(f"test_words must be at least 2, one of each side, got {self.test_words}")
        if min(self.factors) < 1 or self.window > self.longest:
            raise ValueError(
                f"factors must be at least 1 and window at most longest = {self.longest}, so that test words "
                f"have symbols, got {self.factors} and {self.window}"
            )
        if self.largest < self.smallest:
            raise ValueError(f"largest must be at least smallest = {self.smallest}, got {self.largest}")


PRESETS: dict[str, TrustConfig] = {
    "smoke": TrustConfig(
        cells=("srn", "mgu"), languages=("000",), noises=(0.0, 0.1), factors=(1, 3), longest=8, window=3,
        train_words=200, held_out_words=100, test_words=100, epochs=60, extract_words=100, largest=14,
        pool=2**9, bins=(2,), max_cells=500,
    ),
    "book": TrustConfig(languages=("000", "tomita-3"), noises=(0.0, 0.05)),
    "desk": TrustConfig(),
    "paper": TrustConfig(
        train_words=4000, held_out_words=2000, test_words=2000, epochs=300, patience=20, attempts=5,
        extract_words=1000, largest=60, bins=(2, 3, 4, 5, 6), max_cells=10_000,
    ),
}  # fmt: skip


def run(
    config: TrustConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
) -> tuple[dict[str, Any], dict[str, str], float]:
    """Train every cell on every language with every share of flipped labels, and test network and automata.

    Each finished network is a line of ``networks.jsonl`` in ``folder``, so a run that was interrupted goes on
    with the next one.

    Returns:
        The metrics, no hashes (all words are generated), and the seconds spent on all networks.
    """
    keys = [
        (cell, name, noise) for name in config.languages for noise in config.noises for cell in config.cells
    ]
    made = each_piece(
        folder / "networks.jsonl", config, keys, partial(one_network, config, seed=seed, device=device),
        names=("cell", "language", "noise"), title=f"automata.trust, seed {seed}", progress=progress,
    )  # fmt: skip
    metrics: dict[str, Any] = {
        "networks": made, "learned": float(np.mean([network["learned"] for network in made])),
    }  # fmt: skip
    longest = str(max(config.factors))
    for noise in config.noises:
        known = [network for network in made if network["learned"] and network["noise"] == noise]
        if known:
            metrics[f"longest_words_noise_{noise}"] = {
                "network": float(np.mean([network["accuracy"][longest] for network in known])),
                "kmeans": float(np.mean([
                    network["extractors"]["kmeans"]["accuracy"][longest] for network in known
                ])),
            }  # fmt: skip
    return metrics, {}, sum(network["seconds"] for network in made)


def flip(labels: NDArray[np.bool_], share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Return labels ``(words,)`` of which ``round(share * words)``, chosen at random, are turned round; with
    an equal generator, those of a smaller share are among those of a larger one."""
    chosen = generator.permutation(len(labels))[: round(share * len(labels))]
    noisy = labels.copy()
    noisy[chosen] = ~noisy[chosen]
    return noisy


@lru_cache(maxsize=1)
def clean_words(
    config: TrustConfig, name: str, seed: int
) -> tuple[automata.Split, dict[int, tuple[Sequences, NDArray[np.bool_]]]]:
    """Return words to train on and to hold out, and for each factor balanced test words that are none of
    them; all labels are clean. Every cell and every noise reads the same words.

    Raises:
        ValueError: if a side has no word left to test on.
    """
    language = automata.language(name)
    words = automata.split(
        language, range(1, config.longest + 1), config.train_words, config.held_out_words,
        np.random.default_rng([seed, *name.encode()]),
    )  # fmt: skip
    known = {word for part in (words.train, words.test) for word in automata.decode(part, language.alphabet)}
    generator = np.random.default_rng([seed, 1, *name.encode()])
    tests = {}
    for factor in config.factors:
        lengths = range(factor * config.longest - config.window + 1, factor * config.longest + 1)
        scarce = lengths[0] <= config.longest  # words of these lengths may be known
        drawn, labels = automata.sample(
            language, lengths, config.test_words * (4 if scarce else 1), generator
        )  # fmt: skip
        new = np.ones(len(labels), bool)
        if scarce:
            seen = set(known)  # where a side has too few words a sample repeats them
            for at, word in enumerate(automata.decode(drawn, language.alphabet)):
                new[at] = word not in seen
                seen.add(word)
        sides = [np.flatnonzero(new & (labels == side)) for side in (False, True)]
        number = min(config.test_words // 2, *map(len, sides))
        if number == 0:
            raise ValueError(
                f"{name} has no word of length {lengths[0]} to {lengths[-1]} on one side that is not trained "
                "on; take fewer train_words, or a larger window"
            )
        rows = np.sort(np.concatenate([side[:number] for side in sides]))
        tests[factor] = drawn.take(rows), labels[rows]
    return words, tests


def trained(
    config: TrustConfig, cell: str, name: str, noise: float, *, seed: int, device: str = "cpu"
) -> tuple[automata.SequenceClassifier, automata.Split, automata.TrainingResult, int]:
    """Train one cell on one language; return it, its words with noisy labels, what the training came to and
    the attempts it took.

    Training stops once all held-out words are right or none
    of ``patience`` epochs was better, and goes back to the best epoch. An attempt that has not learned is
    followed by one from other initial weights; the best on the held-out words is kept.
    """
    target = automata.language(name)
    words, _ = clean_words(config, name, seed)
    generator = np.random.default_rng([seed, 2, *name.encode()])
    flipped = (flip(labels, noise, generator) for labels in (words.train_labels, words.test_labels))
    words = automata.Split(words.train, next(flipped), words.test, next(flipped), words.n_shared)
    training = automata.TrainingConfig(
        epochs=config.epochs, batch_size=config.batch_size, learning_rate=config.learning_rate,
        curriculum=tuple(range(2, config.longest)) if name in config.by_length else (),
        pace=config.pace, patience=config.patience,
    )  # fmt: skip
    made = []
    for attempt in range(config.attempts):
        fresh = 1000 * seed + attempt
        net = automata.SequenceClassifier(target.alphabet, cell, config.hidden_size, seed=fresh).to(device)
        result = automata.train(
            net, words.train, words.train_labels, words.test, words.test_labels, training,
            empty=bool(target.accepts([""])[0]), seed=fresh,
        )  # fmt: skip
        made.append((net, result))
        if result.accuracy >= 1 - noise - config.slack:
            break
    classifier, result = max(made, key=lambda pair: pair[1].accuracy)
    return classifier, words, result, len(made)


def one_network(
    config: TrustConfig, cell: str, name: str, noise: float, *, seed: int, device: str = "cpu"
) -> dict[str, Any]:
    """Train one network, read automata from it, and test all of them; return what a record keeps of it.

    A network that did not learn is reported, and no automaton is read from it.
    """
    began = time.perf_counter()
    classifier, words, result, attempts = trained(config, cell, name, noise, seed=seed, device=device)
    training_seconds = time.perf_counter() - began
    target = automata.language(name).automaton
    assert target is not None
    _, tests = clean_words(config, name, seed)
    verdicts = {factor: classifier.predict(test) for factor, (test, _) in tests.items()}
    kept: dict[str, Any] = {
        "cell": cell, "language": name, "noise": noise,
        "learned": result.accuracy >= 1 - noise - config.slack, "held_out_accuracy": result.accuracy,
        "attempts": attempts, "epochs": result.epochs, "training_seconds": round(training_seconds, 3),
        "true_states": target.n_states, "test_words": len(tests[config.factors[0]][0]),
        "accuracy": {str(f): float((verdicts[f] == labels).mean()) for f, (_, labels) in tests.items()},
        "extractors": {},
    }  # fmt: skip
    if kept["learned"]:
        for key, (automaton, more) in extracted(config, classifier, words).items():
            kept["extractors"][key] = {**more, **_tested(automaton, target, tests, verdicts)}
    return {**kept, "seconds": round(time.perf_counter() - began, 3)}


def extracted(
    config: TrustConfig, classifier: automata.SequenceClassifier, words: automata.Split
) -> dict[str, tuple[automata.Automaton | None, dict[str, Any]]]:
    """Return for each of ``EXTRACTORS`` its minimised automaton and what there is to say of the extraction.

    ``kmeans`` takes the k of the sweep that is most accurate on the held-out words, whose labels are noisy;
    ``kmeans-faithful`` the one that agrees with the network on most of them. Of equals, the smallest k.
    """
    found = automata.sweep(
        classifier, words.train.take(slice(0, config.extract_words)), words.test, words.test_labels,
        n_clusters=range(config.smallest, config.largest + 1),
    )  # fmt: skip
    made: dict[str, tuple[automata.Automaton | None, dict[str, Any]]] = {}
    for key, quality in (("kmeans", "table_accuracy"), ("kmeans-faithful", "faithfulness")):
        best = max(range(len(found.rows)), key=lambda at: getattr(found.rows[at], quality))
        made[key] = found.automata[best], {
            "k": found.rows[best].n_clusters, "seconds": round(found.seconds, 3)
        }  # fmt: skip
    for algorithm in ("lstar", "kv"):
        began = time.perf_counter()
        oracle = automata.PoolOracle(classifier, exhaustive=config.pool, random_words=0)
        peer = automata.learn(
            classifier, algorithm, oracle=oracle, max_rounds=config.max_rounds,
            max_states=config.max_states, max_queries=config.max_queries,
        )  # fmt: skip
        made[algorithm] = peer.automaton, {
            "complete": peer.complete, "rounds": peer.detail["rounds"],
            "seconds": round(time.perf_counter() - began, 3),
        }  # fmt: skip
    peer = automata.quantise(
        classifier, words.train, words.train_labels, bins=config.bins, max_states=config.max_cells
    )
    made["quantised"] = peer.automaton, {
        "complete": peer.complete, "bins": peer.detail["bins"], "seconds": round(peer.seconds, 3)
    }  # fmt: skip
    return made


def _tested(
    automaton: automata.Automaton | None,
    target: automata.Automaton,
    tests: dict[int, tuple[Sequences, NDArray[np.bool_]]],
    verdicts: dict[int, NDArray[np.bool_]],
) -> dict[str, Any]:
    """Score an automaton on the clean words of every factor, beside its network on those of the first, and
    compare it with the truth."""
    if automaton is None:
        return {"states": None}
    read = {factor: automaton.accepts(test) for factor, (test, _) in tests.items()}
    first = next(iter(tests))
    wrong = automaton.counterexample(target)
    kept = {
        "states": automaton.n_states,
        "accuracy": {str(f): float((read[f] == labels).mean()) for f, (_, labels) in tests.items()},
        "faithfulness": float((read[first] == verdicts[first]).mean()),
        "exact": wrong is None,
    }  # fmt: skip
    return kept if wrong is None else {**kept, "counterexample": "".join(wrong)}
