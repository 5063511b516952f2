"""Words to train and to test on: as many inside as outside a language, of chosen lengths.

For a language with an automaton, the words of one length and one side are counted exactly and drawn by
number, uniformly (the n-th word in alphabetical order), so that even one word in 2^30 is found at once. A
predicate is asked about random words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .languages import Language
from .sequences import Sequences, concatenate, from_codes

ENUMERATED = 1 << 16  # a predicate is asked about every word of a length up to so many
TRIES = 200  # words asked for each word wanted, before a predicate's side counts as exhausted


@dataclass(frozen=True, eq=False)
class Split:
    """Training and test words with labels.

    Attributes:
        train: training words.
        train_labels: ``(words,)``, true inside the language.
        test: held-out words.
        test_labels: ``(words,)``.
        n_shared: distinct words that stand in both sets, because the language has too few of them to hold any
            out.
    """

    train: Sequences
    train_labels: NDArray[np.bool_]
    test: Sequences
    test_labels: NDArray[np.bool_]
    n_shared: int


def draw_words(
    language: Language, length: int, inside: bool, number: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return up to ``number`` distinct words of one length and one side, ``(words, length)`` codes in random
    order.

    Fewer come back only where there are no more (for a predicate over very many words: where no more were
    found).
    """
    if language.automaton is None:
        return _draw_by_asking(language, length, inside, number, generator)
    table, start = language.automaton.table, language.automaton.start
    accepting = language.automaton.accepting
    # Behind each state, how many words of 0, 1, ... symbols lie on this side; halted before it overflows.
    ways = [(accepting if inside else ~accepting).astype(np.float64)]
    for _ in range(length):
        ways.append(np.minimum(ways[-1][table].sum(1), 1e300))
    total = ways[length][start]
    if total == 0:
        return np.zeros((0, length), np.int64)
    if total < 2**53:  # counted exactly: draw numbers of words
        numbers = generator.choice(int(total), min(number, int(total)), replace=False)
        return _words_by_number(table, ways, start, numbers)
    found = np.zeros((0, length), np.int64)  # so many that two draws are hardly ever the same word
    while len(found) < number:
        more = _words_by_chance(table, accepting == inside, start, (number - len(found), length), generator)
        _, first = np.unique(np.concatenate([found, more]), axis=0, return_index=True)
        found = np.concatenate([found, more])[np.sort(first)]
    return found


def _words_by_number(
    table: NDArray[np.intp], ways: list[NDArray[np.float64]], start: int, numbers: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Return the words of the given numbers in alphabetical order, symbol by symbol for all of them at
    once."""
    state = np.full(len(numbers), start)
    left = numbers.astype(np.float64)
    word = np.empty((len(numbers), len(ways) - 1), np.int64)
    for t in range(word.shape[1]):
        reached = np.cumsum(ways[len(ways) - 2 - t][table[state]], 1)
        word[:, t] = (reached <= left[:, None]).sum(1)
        before = np.column_stack([np.zeros(len(left)), reached])
        left -= before[np.arange(len(left)), word[:, t]]
        state = table[state, word[:, t]]
    return word


def _words_by_chance(
    table: NDArray[np.intp], wanted: NDArray[np.bool_], start: int, shape: tuple[int, int],
    generator: np.random.Generator,
) -> NDArray[np.int64]:  # fmt: skip
    """Draw ``(words, length)`` uniformly from those that end in a wanted state: each symbol as often as words
    go on behind it. Only ratios matter, so the counts are scaled to at most 1."""
    number, length = shape
    ways = [wanted.astype(np.float64)]
    for _ in range(length):
        on = ways[-1][table].sum(1)
        ways.append(on / on.max())
    state, word = np.full(number, start), np.empty(shape, np.int64)
    for t in range(length):
        reached = np.cumsum(ways[length - 1 - t][table[state]], 1)
        word[:, t] = (reached <= generator.random(number)[:, None] * reached[:, -1:]).sum(1)
        state = table[state, word[:, t]]
    return word


def _draw_by_asking(
    language: Language, length: int, inside: bool, number: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    symbols = len(language.alphabet)
    if symbols**length <= ENUMERATED:
        every = np.indices((symbols,) * length).reshape(length, symbols**length).T.astype(np.int64)
        fitting = every[_verdicts(language, every) == inside]
        return fitting[generator.permutation(len(fitting))[:number]]
    found, asked = np.zeros((0, length), np.int64), 0
    while len(found) < number and asked < TRIES * number:
        words = generator.integers(symbols, size=(max(4 * number, 256), length))
        found = np.concatenate([found, words[_verdicts(language, words) == inside]])
        found = found[np.sort(np.unique(found, axis=0, return_index=True)[1])]
        asked += len(words)
    return found[:number]


def _verdicts(language: Language, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    return language.accepts(Sequences(codes, np.full(len(codes), codes.shape[1], np.int64)))


def _check(lengths: Sequence[int], number: int) -> list[int]:
    chosen = list(lengths)
    if not chosen or min(chosen) < 1 or len(set(chosen)) < len(chosen):
        raise ValueError(
            "lengths must be distinct, at least one, and each at least 1 (a network reads at least one "
            f"symbol), got {chosen}"
        )
    if number < 1:
        raise ValueError(f"the number of words must be at least 1, got {number}")
    return chosen


def sample(
    language: Language, lengths: Sequence[int], number: int, generator: np.random.Generator
) -> tuple[Sequences, NDArray[np.bool_]]:
    """Return ``number`` words, half inside and half outside (one more inside where odd), spread evenly over
    ``lengths``, and their labels; shuffled.

    Words are distinct as far as the language has enough of them at these lengths; beyond that they repeat, so
    that the two classes stay balanced.

    Raises:
        ValueError: for unfit lengths or number, or if a side has no word of these lengths.
    """
    chosen = _check(lengths, number)
    parts, labels = [], []
    for inside, wanted in ((True, (number + 1) // 2), (False, number // 2)):
        if wanted:
            blocks = [draw_words(language, length, inside, wanted, generator) for length in chosen]
            parts.append(_even(language, inside, blocks, wanted, generator))
            labels.append(np.full(wanted, inside))
    return _shuffled(parts, labels, generator)


def _exactly(words: Sequences, number: int, generator: np.random.Generator) -> Sequences:
    """Return ``number`` of the words: all of them as often as it takes, then some."""
    rounds = [generator.permutation(len(words)) for _ in range(-(-number // len(words)))]
    return words.take(np.concatenate(rounds)[:number])


def _shuffled(
    parts: list[Sequences], labels: list[NDArray[np.bool_]], generator: np.random.Generator
) -> tuple[Sequences, NDArray[np.bool_]]:
    """Join and shuffle."""
    joined = concatenate(parts)
    order = generator.permutation(len(joined))
    return joined.take(order), np.concatenate(labels)[order]


def split(
    language: Language,
    lengths: Sequence[int],
    n_train: int,
    n_test: int,
    generator: np.random.Generator,
    *,
    share: bool = True,
) -> Split:
    """Return balanced training and test words of the given lengths that have no word in common, as far as the
    language allows.

    Each length and side that has enough words for its share of both sets, and at least two, is parted. Where
    there are fewer (the language 0110 has one word inside, every language has few short ones), all of them go
    into both sets, for no network knows a language whose only words it never saw; ``n_shared`` counts them.

    Args:
        language: what to sample.
        lengths: distinct lengths, each at least 1.
        n_train: training words, half of them inside.
        n_test: test words, half of them inside.
        generator: source of all draws.
        share: put scarce words into both sets; ``False`` puts them into the training set alone, so that the
            sets are always disjoint.

    Raises:
        ValueError: for unfit lengths or numbers, or if a side has no word left for a set.
    """
    chosen = _check(lengths, min(n_train, n_test))
    train: tuple[list[Sequences], list[NDArray[np.bool_]]] = ([], [])
    test: tuple[list[Sequences], list[NDArray[np.bool_]]] = ([], [])
    for inside in (True, False):
        wanted = [(number + inside) // 2 for number in (n_train, n_test)]
        # Lengths with plenty make up for lengths that are scarce: draw as many as one length might have to
        # give.
        pools = [draw_words(language, length, inside, sum(wanted), generator) for length in chosen]
        blocks: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
        for pool in pools:
            if len(pool) >= 2 and len(pool) * len(chosen) >= sum(wanted):
                cut = min(max(1, round(len(pool) * wanted[0] / sum(wanted))), len(pool) - 1)
                blocks[0].append(pool[:cut])
                blocks[1].append(pool[cut:])
            else:
                blocks[0].append(pool)
                blocks[1].append(pool if share else pool[:0])
        for kept, block, number in zip((train, test), blocks, wanted):
            if number:
                kept[0].append(_even(language, inside, block, number, generator))
                kept[1].append(np.full(number, inside))
    made = Split(*_shuffled(*train, generator), *_shuffled(*test, generator), 0)
    both = _distinct(made.train) & _distinct(made.test)
    return replace(made, n_shared=len(both))


def _distinct(words: Sequences) -> set[bytes]:
    return {row[:length].tobytes() for row, length in zip(words.codes, words.lengths)}


def _even(
    language: Language, inside: bool, blocks: list[NDArray[np.int64]], wanted: int,
    generator: np.random.Generator,
) -> Sequences:  # fmt: skip
    """Take ``wanted`` words from blocks of one length each: even shares, what short blocks lack made up by
    the others; where all are too few, words repeat."""
    kept, left = [], wanted
    for place, block in enumerate(sorted(blocks, key=len)):
        kept.append(block[: -(-left // (len(blocks) - place))])
        left -= len(kept[-1])
    words = from_codes(kept)
    if len(words) == 0:
        lengths = ", ".join(str(block.shape[1]) for block in blocks)
        raise ValueError(
            f"{language.name} has no word {'inside' if inside else 'outside'} it for a set of words of "
            f"length {lengths}; choose other lengths, or let the sets share words"
        )
    return _exactly(words, wanted, generator)
