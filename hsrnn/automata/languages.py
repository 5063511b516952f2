"""Regular languages as automata: the paper's tasks, Tomita's seven, and any language a reader gives.

Sources: Hou and Zhou (2020, arXiv 1810.10708) for 0110 and 000; Tomita (1982) for the seven grammars, in
the form of Weiss, Goldberg and Yahav (2018). The sizes of the minimal complete automata are facts that the
tests assert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .automaton import Automaton
from .convert import from_regex
from .sequences import Words, check_alphabet, decode, encode

BINARY = ("0", "1")


@dataclass(frozen=True, eq=False)
class Language:
    """A set of words.

    Attributes:
        name: how figures and records call it.
        alphabet: the symbols.
        automaton: the minimal complete automaton, or ``None`` where only a predicate is known.
        predicate: says of a word (a string, or a tuple where symbols are longer) whether it belongs; used
            only where there is no automaton.
        description: one line in words.

    Raises:
        ValueError: unless exactly one of automaton and predicate is given, over this alphabet.
    """

    name: str
    alphabet: tuple[str, ...]
    automaton: Automaton | None = None
    predicate: Callable[..., bool] | None = field(default=None, repr=False)
    description: str = ""

    def __post_init__(self) -> None:
        """Check; keep the automaton minimal."""
        object.__setattr__(self, "alphabet", check_alphabet(self.alphabet))
        if (self.automaton is None) == (self.predicate is None):
            raise ValueError(f"language {self.name!r} needs either an automaton or a predicate, and not both")
        if self.automaton is not None:
            if self.automaton.alphabet != self.alphabet:
                raise ValueError(
                    f"the automaton of {self.name!r} has the alphabet {self.automaton.alphabet}, "
                    f"not {self.alphabet}"
                )
            object.__setattr__(self, "automaton", self.automaton.minimise())

    @classmethod
    def from_regex(cls, expression: str, alphabet: Sequence[str] = BINARY, name: str = "") -> Language:
        """Return the language of a regular expression; see :func:`hsrnn.automata.from_regex`."""
        made = from_regex(expression, alphabet)
        return cls(name or expression, made.alphabet, made, description=f"matches {expression}")

    @classmethod
    def from_automaton(cls, automaton: Automaton, name: str = "given") -> Language:
        """Return the language of an automaton."""
        return cls(name, automaton.alphabet, automaton)

    @classmethod
    def from_predicate(
        cls, predicate: Callable[..., bool], alphabet: Sequence[str] = BINARY, name: str = "given"
    ) -> Language:
        """Return the language of the words for which ``predicate(word)`` is true; it need not be regular."""
        return cls(name, check_alphabet(alphabet), predicate=predicate)

    def accepts(self, words: Words) -> NDArray[np.bool_]:
        """Return which words belong to the language, ``(words,)``; ValueError for a symbol outside the
        alphabet."""
        sequences = encode(words, self.alphabet)
        if self.automaton is not None:
            return self.automaton.accepts(sequences)
        assert self.predicate is not None
        verdicts = (bool(self.predicate(word)) for word in decode(sequences, self.alphabet))
        return np.fromiter(verdicts, bool, len(sequences))


def containing(substring: str, alphabet: Sequence[str] = BINARY) -> Automaton:
    """Return the minimal automaton of all words that contain ``substring``, at least one symbol long.

    State q means "the last q symbols are the longest beginning of the substring that ends here".
    """
    symbols = check_alphabet(alphabet)
    if not substring or not set(substring) <= set(symbols):
        raise ValueError(f"substring must be symbols of {symbols}, at least one, got {substring!r}")
    end = len(substring)
    table = [[_longest_overlap(substring, substring[:q] + symbol) for symbol in symbols] for q in range(end)]
    return Automaton.of(symbols, [*table, [end] * len(symbols)], [end]).minimise()


def _longest_overlap(substring: str, text: str) -> int:
    return next(n for n in range(len(substring), -1, -1) if text.endswith(substring[:n]))


def exactly(words: Iterable[str], alphabet: Sequence[str] = BINARY) -> Automaton:
    """Return the minimal automaton of a finite set of words over one-character symbols."""
    chosen = set(words)
    symbols = check_alphabet(alphabet)
    encode(sorted(chosen), symbols)
    prefixes = sorted({word[:n] for word in chosen for n in range(len(word) + 1)} | {""}, key=len)
    number = {prefix: state for state, prefix in enumerate(prefixes)}
    sink = len(prefixes)
    table = [[number.get(prefix + symbol, sink) for symbol in symbols] for prefix in prefixes]
    return Automaton.of(symbols, [*table, [sink] * len(symbols)], [number[w] for w in chosen]).minimise()


def _counting(modulus_zero: int, modulus_one: int) -> Automaton:
    """Return the automaton that counts 0s and 1s by two moduli and accepts where both counts are 0."""
    states = list(product(range(modulus_zero), range(modulus_one)))
    table = [
        [
            states.index(((a + 1) % modulus_zero, b)),
            states.index((a, (b + 1) % modulus_one)),
        ]
        for a, b in states
    ]
    return Automaton.of(BINARY, table, [0])


def _make() -> dict[str, Language]:
    tomita_6 = Automaton.of(BINARY, [[1, 2], [2, 0], [0, 1]], [0])
    # State 1 is inside an odd run of 1s. Behind one, every run of 0s must be even: 2 has read an odd number
    # of 0s of its run, so a 1 or the end is wrong there; in 3 all is well so far.
    tomita_3 = Automaton.of(BINARY, [[0, 1], [2, 0], [3, 4], [2, 3], [4, 4]], [0, 1, 3])
    made = [
        ("0110", exactly(["0110"]), "the one word 0110"),
        ("contains-0110", containing("0110"), "0110 stands somewhere in the word"),
        ("000", containing("000"), "three 0s in a row stand somewhere in the word"),
        ("tomita-1", from_regex("1*", BINARY), "1s only"),
        ("tomita-2", from_regex("(10)*", BINARY), "10 repeated"),
        ("tomita-3", tomita_3, "no odd run of 1s has an odd run of 0s somewhere behind it"),
        ("tomita-4", containing("000").complement(), "no three 0s in a row"),
        ("tomita-5", _counting(2, 2), "an even number of 0s and an even number of 1s"),
        ("tomita-6", tomita_6, "the number of 0s minus the number of 1s is a multiple of 3"),
        ("tomita-7", from_regex("0*1*0*1*", BINARY), "0*1*0*1*: at most four runs, 0s first"),
    ]
    return {name: Language(name, BINARY, automaton, None, text) for name, automaton, text in made}


LANGUAGES: dict[str, Language] = _make()


def language(name: str) -> Language:
    """Return one of the languages above by name.

    Raises:
        ValueError: for an unknown name; it lists the known ones.
    """
    if name not in LANGUAGES:
        raise ValueError(f"no language {name!r}; there are: {', '.join(LANGUAGES)}")
    return LANGUAGES[name]
