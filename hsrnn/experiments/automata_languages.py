"""Experiment ``automata.languages``: which cell hides the smallest automaton, and is it the right one?

Hou and Zhou (2020, arXiv 1810.10708), artificial tasks: networks with 0, 1, 2 and 3 gates are trained until
they know a regular language, LISOR is run for every k, and the smallest k that is right on all held-out words
is compared. Here on nine languages, by k-means and by k-means-x at several weights, with the exact comparison
that the known target allows (decisions A5, A9, A11). A record is one seed: every cell on every language.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsrnn import automata

from .pieces import each_piece

NINE = ("0110", "000", *(f"tomita-{number}" for number in range(1, 8)))


@dataclass(frozen=True)
class LanguagesConfig:
    """Settings of one run.

    Attributes:
        cells: the cells to compare.
        languages: names of languages, as :func:`hsrnn.automata.language` knows them.
        by_length: languages that are trained by a curriculum of lengths, for they count.
        hidden_size: units of every cell.
        longest: words have lengths 1 to ``longest``.
        train_words: training words, half of them inside the language.
        test_words: held-out words, half of them inside.
        epochs: most epochs of one training.
        batch_size: words of a parameter update.
        learning_rate: Adam's step.
        settle: epochs to go on for once all held-out words are right.
        attempts: trainings from other initial weights, at most, until one knows the language.
        extract_words: training words whose hidden states are clustered.
        smallest: smallest k of the sweep.
        largest: largest k of the sweep.
        weights: position weights of k-means-x (decision A5); none leaves k-means-x out.
        n_init: runs of k-means for each k.
    """

    cells: tuple[str, ...] = ("srn", "mgu", "gru", "lstm")
    languages: tuple[str, ...] = NINE
    by_length: tuple[str, ...] = ("tomita-5", "tomita-6")
    hidden_size: int = 12
    longest: int = 12
    train_words: int = 1500
    test_words: int = 1000
    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 0.01
    settle: int = 0
    attempts: int = 3
    extract_words: int = 300
    smallest: int = 2
    largest: int = 30
    weights: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 1.0)
    n_init: int = 1

    def __post_init__(self) -> None:
        """Check what the room itself does not; raises ValueError."""
        for name in ("cells", "languages"):
            if not getattr(self, name):
                raise ValueError(f"{name} must name at least one, got none")
        for cell in self.cells:
            if cell not in automata.CELLS:
                raise ValueError(f"cells must be of {', '.join(automata.CELLS)}, got {cell!r}")
        for name in (*self.languages, *self.by_length):
            automata.language(name)
        for name in ("longest", "attempts", "extract_words", "smallest"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.largest < self.smallest:
            raise ValueError(f"largest must be at least smallest = {self.smallest}, got {self.largest}")


PRESETS: dict[str, LanguagesConfig] = {
    "smoke": LanguagesConfig(
        cells=("srn", "mgu"), languages=("000", "tomita-1"), longest=8, train_words=400, test_words=200,
        epochs=40, extract_words=100, largest=12, weights=(0.02,),
    ),
    "book": LanguagesConfig(languages=("000", "tomita-1", "tomita-4"), weights=(0.02,), largest=20),
    "desk": LanguagesConfig(),
    # The paper's own sizes are not known to us (decision A13); this is the desk's, with more of everything.
    "paper": LanguagesConfig(
        train_words=4000, epochs=400, settle=10, attempts=10, extract_words=1000, largest=60, n_init=3
    ),
}  # fmt: skip


def run(
    config: LanguagesConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
) -> tuple[dict[str, Any], dict[str, str], float]:
    """Train every cell on every language and read automata from those that learned it.

    Each finished network is a line of ``networks.jsonl`` in ``folder``, so a run that was interrupted goes on
    with the next one.

    Returns:
        The metrics, no hashes (all words are generated), and the seconds spent on all networks.
    """
    keys = [(cell, name) for name in config.languages for cell in config.cells]
    made = each_piece(
        folder / "networks.jsonl", config, keys,
        partial(one_network, config, seed=seed, device=device), names=("cell", "language"),
        title=f"automata.languages, seed {seed}", progress=progress,
    )  # fmt: skip
    learned = [network for network in made if network["learned"]]
    metrics: dict[str, Any] = {
        "networks": made,
        "learned": len(learned) / len(made),
        "exact": _share(learned, lambda network: network["kmeans"]["exact_k"] is not None),
        "exact_any": _share(learned, lambda network: any(
            found["exact_k"] is not None for found in (network["kmeans"], *network["kmeans-x"].values())
        )),
    }  # fmt: skip
    for cell in config.cells:
        own = [network for network in learned if network["cell"] == cell]
        metrics[cell] = {
            "learned": len(own) / len(config.languages),
            **{f"mean_{name}": _mean(own, name) for name in ("first_k", "stable_k", "exact_k")},
        }
    return metrics, {}, sum(network["seconds"] for network in made)


def _share(networks: list[dict[str, Any]], test: Any) -> float | None:
    return float(np.mean([test(network) for network in networks])) if networks else None


def _mean(networks: list[dict[str, Any]], name: str) -> float | None:
    found = [value for network in networks if (value := network["kmeans"][name]) is not None]
    return float(np.mean(found)) if found else None


def trained(
    config: LanguagesConfig, cell: str, name: str, *, seed: int, device: str = "cpu"
) -> tuple[automata.SequenceClassifier, automata.Split, automata.TrainingResult, int]:
    """Train one cell on one language; return it, its words, what the training came to and the attempts it
    took.

    An attempt that does not learn the language is followed by one from other initial weights, on the same
    words.
    """
    target = automata.language(name)
    generator = np.random.default_rng([seed, *name.encode()])
    words = automata.split(
        target, range(1, config.longest + 1), config.train_words, config.test_words, generator
    )
    curriculum = tuple(range(2, config.longest)) if name in config.by_length else ()
    training = automata.TrainingConfig(
        epochs=config.epochs, batch_size=config.batch_size, learning_rate=config.learning_rate,
        settle=config.settle, curriculum=curriculum,
    )  # fmt: skip
    for attempt in range(config.attempts):
        fresh = 1000 * seed + attempt
        classifier = automata.SequenceClassifier(target.alphabet, cell, config.hidden_size, seed=fresh).to(
            device
        )
        result = automata.train(
            classifier, words.train, words.train_labels, words.test, words.test_labels, training,
            empty=bool(target.accepts([""])[0]), seed=fresh,
        )  # fmt: skip
        if result.learned:
            break
    return classifier, words, result, attempt + 1


def one_network(
    config: LanguagesConfig, cell: str, name: str, *, seed: int, device: str = "cpu"
) -> dict[str, Any]:
    """Train one network and sweep over it; return what a record keeps of it.

    A network that did not learn its language is reported, and no automaton is read from it.
    """
    classifier, words, result, attempts = trained(config, cell, name, seed=seed, device=device)
    target = automata.language(name).automaton
    assert target is not None
    kept: dict[str, Any] = {
        "cell": cell, "language": name, "learned": result.learned, "accuracy": result.accuracy,
        "attempts": attempts, "epochs": result.epochs, "training_seconds": round(result.seconds, 3),
        "shared_words": words.n_shared, "true_states": target.n_states,
    }  # fmt: skip
    seconds = result.seconds
    if result.learned:
        clustered = words.train.take(slice(0, config.extract_words))
        options: list[dict[str, Any]] = [{}]
        options += [{"method": "kmeans-x", "position_weight": weight} for weight in config.weights]
        summaries = []
        for option in options:
            found = automata.sweep(
                classifier, clustered, words.test, words.test_labels,
                n_clusters=range(config.smallest, config.largest + 1), target=target, n_init=config.n_init,
                **option,
            )  # fmt: skip
            seconds += found.seconds
            summaries.append(_summary(found))
        kept["kmeans"] = summaries[0]
        kept["kmeans-x"] = {str(weight): made for weight, made in zip(config.weights, summaries[1:])}
    return {**kept, "seconds": round(seconds, 3)}


def _summary(found: automata.Sweep) -> dict[str, Any]:
    """Keep the three k of a sweep, and what came out at the first; where no automaton was exact, the most
    accurate one's shortest error."""
    best = max(found.rows, key=lambda row: row.table_accuracy)
    kept: dict[str, Any] = {
        "first_k": found.first_k, "stable_k": found.stable_k, "exact_k": found.exact_k,
        "best_accuracy": best.table_accuracy, "best_state_accuracy": best.state_accuracy,
        "best_states": best.n_states, "best_unseen": best.n_unseen, "seconds": round(found.seconds, 3),
    }  # fmt: skip
    if found.first_k is not None:
        first, _ = found.at(found.first_k)
        kept |= {
            "first_states": first.n_states, "first_exact": first.equivalent,
            "first_faithfulness": first.faithfulness,
        }  # fmt: skip
    if found.exact_k is None:
        kept["counterexample"] = "".join(best.counterexample or ())
    return kept
