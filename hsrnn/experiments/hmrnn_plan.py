"""The runs that the claims on the HM-LSTM rest on: settings by name, how many seeds, and what a seed costs.

The tables of verdicts look records up by these settings, so a run with any other setting cannot slip into a
claim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hsrnn.ledger import Record, Table

from . import hmrnn_handwriting, hmrnn_language
from .claims import HEADLINE_SEEDS, command_of
from .hmrnn_handwriting import HandwritingConfig
from .hmrnn_language import JOINED, LanguageConfig
from .hmrnn_tables import as_recorded, runs

WIDTHS = {"book": 75, "desk": 150, "paper": 600}
"""Units of an LSTM that has as many parameters as the HM-LSTM of a preset, within one per cent."""

PACES = {"desk": 1.33}
"""Growth of the slope per epoch where the paper's 0.04 would not move it: in the three epochs of ``desk`` it
reaches 5 at the end."""

# Chung, Ahn and Bengio (2017), section 4.1: what differs between Wikipedia and the Penn Treebank. The paper
# names no number of epochs; 20 of 90 million characters are as many characters as 360 of the Treebank.
WIKIPEDIA: dict[str, Any] = {
    "hidden_sizes": (1024, 1024, 1024), "output_size": 2048, "rows": 128, "learning_rate": 1e-3,
    "slope_max": 1.0, "updates": 140_600, "evaluate_every": 7030, "checkpoint_every": 1000,
}  # fmt: skip


def language(preset: str) -> dict[str, LanguageConfig]:
    """Return the settings of ``hmrnn.language`` that the claims compare, by name, for one preset."""
    step = replace(hmrnn_language.PRESETS[preset], slope_max=1.0)
    pace = PACES.get(preset, step.slope_per_epoch)
    lstm = replace(step, core="lstm")
    corpus = step.corpus + JOINED
    return {
        "step": step,
        "annealed": replace(step, slope_max=5.0, slope_per_epoch=pace),
        "sample": replace(step, boundary="sample"),
        "soft": replace(step, boundary="soft"),
        "LSTM": lstm,
        "LSTM, equal parameters": replace(lstm, hidden_sizes=(WIDTHS[preset],) * 3),
        "LN LSTM": replace(step, core="layer-norm-lstm"),
        "clockwork RNN": replace(step, core="clockwork"),
        "step, joined": replace(step, corpus=corpus),
        "LSTM, joined": replace(lstm, corpus=corpus),
    }


def wikipedia(preset: str, corpus: str) -> LanguageConfig:
    """Return the settings for ``text8``, ``enwik8`` or a prefix of them; ``paper`` gives the paper's own."""
    step = replace(language(preset)["step"], corpus=corpus)
    return replace(step, **WIKIPEDIA) if preset == "paper" else step


def handwriting(preset: str) -> dict[str, HandwritingConfig]:
    """Return the settings of ``hmrnn.handwriting`` that claim C6 compares, by name, for one preset."""
    step = replace(hmrnn_handwriting.PRESETS[preset], slope_max=1.0)
    return {
        "step": step,
        "annealed": replace(step, slope_max=3.0),
        "LSTM": replace(step, core="lstm"),
    }


def decided(
    records: Sequence[Record], settings: Callable[[str], Mapping[str, Any]], *names: str
) -> list[list[Record]]:
    """Return the records of settings by name, of whichever of the presets ``paper`` and ``desk`` has more
    seeds of all of them; ``settings`` is :func:`language` or :func:`handwriting`."""
    found = [[runs(records, settings(preset)[name]) for name in names] for preset in ("paper", "desk")]
    return max(found, key=lambda groups: (min(map(len, groups)), sum(map(len, groups))))


@dataclass(frozen=True)
class Planned:
    """A setting that some claims rest on.

    Attributes:
        claims: which, e.g. ``C1 C3``.
        experiment: its name.
        preset: where the settings start from.
        config: the settings.
        seeds: how many are wanted, counted from 0.
        minutes: what a seed takes on one core, judged from a few updates; as long as no run has been timed.
    """

    claims: str
    experiment: str
    preset: str
    config: Any
    seeds: int
    minutes: int


def plan() -> tuple[Planned, ...]:
    """Return every setting that the claims rest on at ``desk`` and ``book`` size, the most needed first."""
    text, book, lines = language("desk"), language("book"), handwriting("desk")
    treebank = (
        ("C1-C5", "step", 5, 14), ("C3", "annealed", 5, 14), ("C1", "LSTM", 5, 12), ("C1", "LN LSTM", 5, 18),
        ("C1", "LSTM, equal parameters", 5, 16), ("C5", "step, joined", 5, 14), ("C2", "sample", 5, 14),
        ("C2", "soft", 5, 18), ("C5", "LSTM, joined", 5, 12), ("C1", "clockwork RNN", 1, 12),
    )  # fmt: skip
    generated = (("C5", "step", 20, 1), ("C5", "step, joined", 20, 1), ("C1", "LSTM", 5, 1),
                 ("C1", "LSTM, equal parameters", 5, 1), ("C1", "LN LSTM", 5, 1))  # fmt: skip
    wiki = (("text8-prefix", 14), ("enwik8-prefix", 16))
    written = (("LSTM", 7), ("step", 12), ("annealed", 12))
    return (
        *(Planned(c, "hmrnn.language", "desk", text[name], n, t) for c, name, n, t in treebank),
        *(Planned("C6", "hmrnn.handwriting", "desk", lines[name], 5, t) for name, t in written),
        *(Planned("C4 C5", "hmrnn.language", "desk", wikipedia("desk", name), 1, t) for name, t in wiki),
        *(Planned(c, "hmrnn.language", "book", book[name], n, t) for c, name, n, t in generated),
    )


def plan_table(records: Mapping[str, Sequence[Record]]) -> Table:
    """Every run that the claims rest on, how many seeds the ledger has, and the command for the others.

    Args:
        records: experiment -> its records.
    """
    rows = []
    for one in plan():
        done = runs(records[one.experiment], one.config)
        # The quickest: a machine that did other things meanwhile says nothing of the cost.
        minutes = min((record.seconds for record in done), default=60 * one.minutes) / 60
        missing = sorted(set(range(one.seeds)) - {record.seed for record in done})
        seeds = f"--seeds {spans(missing or range(one.seeds))}"
        rows.append((
            one.claims, f"`{command_for(one.experiment, one.preset, one.config, seeds)}`",
            f"{one.seeds - len(missing)} of {one.seeds}",
            f"{minutes:.1f}" if done else f"about {one.minutes}",
        ))  # fmt: skip
    return Table(
        "The runs that the claims rest on",
        ("claims", "command", "seeds done", "minutes a seed"),
        tuple(rows),
        f"Where seeds are missing, the command names those. A verdict needs {HEADLINE_SEEDS} seeds, the "
        "correlation of segments with scores about 20. Minutes on one core: the quickest of the records, or, "
        "after the word about, judged from a few updates. The data of ptb, text8, enwik8 and IAM-OnDB are "
        "looked for in the folder HSRNN_DATA.",
    )


def command_for(experiment: str, preset: str, config: Any, seeds: str) -> str:
    """Return the shortest command that runs an experiment with ``config``; ``seeds`` is the option that names
    the seeds."""
    return command_of(experiment, preset, as_recorded(config), seeds)


def spans(seeds: Sequence[int]) -> str:
    """Write seeds as ``hsrnn reproduce --seeds`` reads them, e.g. ``0-2,5``.

    Raises:
        ValueError: for no seed.
    """
    if not seeds:
        raise ValueError("spans needs at least one seed")
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
