"""The generated corpus: sentences of a grammar, with the true end of every word, phrase and sentence.

A sentence is drawn from the rules below. It is written in lower case, words separated by one space, and ends
with a newline; the next sentence follows at once. The alphabet is a to z, space and newline: 28 symbols.

    the old dog that chased him slept in our garden
    [the old dog] [that chased] [him] [slept] [in our garden]       the phrases

The units are nested and each kind covers every letter of the text:
- a word is a maximal run of letters;
- a phrase is a base chunk, the largest group of words around one noun or one verb that contains no other such
  group: a noun group (`the old dog`, `him`, `zarel`), a verb group (`will often sleep`) or a preposition with
  its noun group (`in our garden`). A word that joins (`and`, `that`, `but`, ...) belongs to the phrase it
  introduces, so each phrase ends with its head: a noun, a name, a pronoun or a main verb;
- a sentence is what one newline ends.

A boundary array is True at the LAST LETTER of each unit, never at a space or newline. So every phrase end is
a word end, and every sentence end is a phrase end.

Subject and verb agree in number, also across a phrase or a clause between them, so that keeping a whole
phrase in memory pays.

The floor of the score. Every random choice has a known probability, hence so has every sentence. No text of
whole sentences can be drawn in two ways (tested with a chart parser), so the probability of the text is the
probability of its choices, and -log2 of it, divided by the number of characters, is exactly the bits per
character that the grammar itself would score on that text. On average over all texts no model scores less; on
one finite text a model may, by luck. Without spaces some texts can be read in more than one way, and the
number is an upper bound of that score. `hsrnn.datasets.entropy` has the average over all texts.
"""

from __future__ import annotations

import hashlib
import math
import operator
import random
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from hsrnn.datasets import lexicon

LEVELS = ("word", "phrase", "sentence")
ALPHABET = "\n abcdefghijklmnopqrstuvwxyz"
START = "Sentence"
PHRASE_END, SENTENCE_END = "|", "."

Rules = dict[str, tuple[tuple[int, tuple[str, ...]], ...]]

# Each line: a weight and what the symbol on the left becomes. Capitalised symbols have rules of their own,
# other words are written as they stand; "|" ends a phrase and "." ends the sentence.
PHRASE_STRUCTURE = {
    "Sentence": "70 Clause . / 30 Clause Connective Clause .",
    "Clause": "60 Subject.singular Predicate.singular / 40 Subject.plural Predicate.plural",
    "Subject.singular": "50 Group.singular | / 20 Pronoun.singular |"
    " / 18 Group.singular | Preposition Group | / 12 Group.singular | Relative.singular",
    "Subject.plural": "40 Group.plural | / 15 Pronoun.plural | / 15 Group.plural | Preposition Group |"
    " / 10 Group.plural | Relative.plural / 20 Group | and Group |",
    "Object": "60 Group | / 15 Pronoun.object | / 15 Group | and Group |"
    " / 6 Group.singular | Relative.singular / 4 Group.plural | Relative.plural",
    "Group": "60 Group.singular / 40 Group.plural",
    "Group.singular": "60 Determiner.singular Nominal.singular / 18 a Nominal.singular.consonant"
    " / 4 an Nominal.singular.vowel / 18 Name",
    "Group.plural": "65 Determiner.plural Nominal.plural / 35 Nominal.plural",
    "Nominal.singular": "60 Noun.singular / 30 Adjective Noun.singular"
    " / 10 Adjective Adjective Noun.singular",
    "Nominal.plural": "60 Noun.plural / 30 Adjective Noun.plural / 10 Adjective Adjective Noun.plural",
    "Nominal.singular.consonant": "60 Noun.singular.consonant / 30 Adjective.consonant Noun.singular"
    " / 10 Adjective.consonant Adjective Noun.singular",
    "Nominal.singular.vowel": "60 Noun.singular.vowel / 30 Adjective.vowel Noun.singular"
    " / 10 Adjective.vowel Adjective Noun.singular",
} | {
    # The rules that are the same for both numbers, but for the verb form of the present tense.
    rule.replace("NUMBER", number): expansion.replace("NUMBER", number).replace("PRESENT", present)
    for number, present in (("singular", "third"), ("plural", "base"))
    for rule, expansion in {
        "Relative.NUMBER": "50 that Rest.NUMBER | / 50 that Act.NUMBER | Object",
        "Predicate.NUMBER": "30 Rest.NUMBER | / 25 Rest.NUMBER | Preposition Group | / 30 Act.NUMBER | Object"
        " / 15 Act.NUMBER | Object Preposition Group |",
        "Rest.NUMBER": "30 Rest.PRESENT / 10 Adverb Rest.PRESENT / 35 Rest.past / 10 Adverb Rest.past"
        " / 10 will Rest.base / 5 will Adverb Rest.base",
        "Act.NUMBER": "30 Act.PRESENT / 10 Adverb Act.PRESENT / 35 Act.past / 10 Adverb Act.past"
        " / 10 will Act.base / 5 will Adverb Act.base",
    }.items()
}


def rules() -> Rules:
    """Return the whole grammar: symbol -> ((weight, expansion), ...), the lexicon included.

    The weight of a word falls with its rank as in Zipf's law; names are all equally frequent.
    """
    grammar: Rules = {}
    for symbol, alternatives in PHRASE_STRUCTURE.items():
        split = [alternative.split() for alternative in alternatives.split(" / ")]
        grammar[symbol] = tuple((int(weight), tuple(expansion)) for weight, *expansion in split)
    rest_base, rest_third, rest_past = lexicon.verb_forms(lexicon.INTRANSITIVE_VERBS)
    act_base, act_third, act_past = lexicon.verb_forms(lexicon.TRANSITIVE_VERBS)
    classes = {
        "Noun.singular": lexicon.NOUNS,
        "Noun.plural": [lexicon.plural(noun) for noun in lexicon.NOUNS],
        "Adjective": lexicon.ADJECTIVES,
        "Adverb": lexicon.ADVERBS,
        "Preposition": lexicon.PREPOSITIONS,
        "Connective": lexicon.CONNECTIVES,
        "Determiner.singular": lexicon.DETERMINERS_SINGULAR,
        "Determiner.plural": lexicon.DETERMINERS_PLURAL,
        "Pronoun.singular": lexicon.PRONOUNS_SINGULAR,
        "Pronoun.plural": lexicon.PRONOUNS_PLURAL,
        "Pronoun.object": lexicon.PRONOUNS_OBJECT,
        "Rest.base": rest_base,
        "Rest.third": rest_third,
        "Rest.past": rest_past,
        "Act.base": act_base,
        "Act.third": act_third,
        "Act.past": act_past,
    }
    for symbol, words in classes.items():
        grammar[symbol] = tuple((10_000 // (rank + 3), (word,)) for rank, word in enumerate(words))
    for symbol in ("Noun.singular", "Adjective"):
        initial = {True: "vowel", False: "consonant"}
        for is_vowel, suffix in initial.items():
            chosen = [entry for entry in grammar[symbol] if (entry[1][0][0] in "aeiou") == is_vowel]
            grammar[f"{symbol}.{suffix}"] = tuple(chosen)
    grammar["Name"] = tuple((1, (name,)) for name in lexicon.names())
    return grammar


@dataclass(frozen=True, eq=False)
class Sample:
    """A text drawn from the grammar, `length` characters, with its true boundaries.

    `boundaries[level]` is a read-only bool array of shape (length,), True at the last letter of each unit.
    The text may stop inside a sentence; units cut off there have no boundary.
    `bits` is -log2 of the probability of the whole sentences, which take the first `whole` characters.
    """

    text: str
    boundaries: Mapping[str, NDArray[np.bool_]]
    bits: float
    whole: int

    @property
    def bits_per_character(self) -> float:
        """What the grammar itself scores on the whole sentences, bits per character (nan: none)."""
        return self.bits / self.whole if self.whole else math.nan


@lru_cache(maxsize=8)
def generate(length: int, seed: int, *, spaces: bool = True) -> Sample:
    """Draw `length` characters of text; the same arguments give the same bytes on every machine.

    A shorter text is the beginning of a longer one with the same seed. Without `spaces` the words of a
    sentence stand together with nothing between them (the newline after each sentence stays): segmentation
    without the easy cue.

    Raises:
        ValueError: `length` is below 1 or `seed` is negative.
    """
    if operator.index(length) < 1:
        raise ValueError(f"length must be at least 1 character, got {length}")
    if operator.index(seed) < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    words: list[str] = []
    levels: list[int] = []
    bits, whole, total = 0.0, 0, 0
    draw = random.Random(seed).random
    while total < length:
        first = len(words)
        sentence_bits = _draw_sentence(draw, words, levels)
        characters = sum(map(len, words[first:])) + (len(words) - first if spaces else 1)
        total += characters
        if total <= length:
            whole = total
            bits += sentence_bits
    text, boundaries = _lay_out(words, levels, length, spaces)
    return Sample(text, boundaries, bits, whole)


def stream_seed(seed: int, split: str) -> int:
    """Return the seed of one split, so that train, valid and test are separate draws."""
    return int.from_bytes(hashlib.sha256(f"hsrnn generated {seed} {split}".encode()).digest()[:8], "big")


@dataclass(frozen=True)
class _Choice:
    """One symbol's alternatives, ready for drawing: cumulative weights, reversed expansions, bits of each."""

    cumulative: tuple[int, ...]
    expansions: tuple[tuple[str, ...], ...]
    bits: tuple[float, ...]


@lru_cache(maxsize=1)
def _choices() -> dict[str, _Choice]:
    choices = {}
    for symbol, alternatives in rules().items():
        cumulative = tuple(accumulate(weight for weight, _ in alternatives))
        bits = tuple(-math.log2(weight / cumulative[-1]) for weight, _ in alternatives)
        choices[symbol] = _Choice(cumulative, tuple(expansion[::-1] for _, expansion in alternatives), bits)
    return choices


def _draw_sentence(draw: Callable[[], float], words: list[str], levels: list[int]) -> float:
    """Append one sentence to `words` and `levels` (0 word, 1 phrase, 2 sentence end); return its bits."""
    choices = _choices()
    bits = 0.0
    stack = [START]
    while stack:
        symbol = stack.pop()
        choice = choices.get(symbol)
        if choice is not None:
            # Whole-number weights: no rounding of the weights can make two machines choose differently.
            index = bisect_right(choice.cumulative, int(draw() * choice.cumulative[-1]))
            bits += choice.bits[index]
            stack.extend(choice.expansions[index])
        elif symbol == PHRASE_END:
            levels[-1] = 1
        elif symbol == SENTENCE_END:
            levels[-1] = 2
        else:
            words.append(symbol)
            levels.append(0)
    return bits


def _lay_out(
    words: Sequence[str], levels: Sequence[int], length: int, spaces: bool
) -> tuple[str, dict[str, NDArray[np.bool_]]]:
    """Write the words with their separators and mark the last letter of each unit; cut both at `length`."""
    between = " " if spaces else ""
    text = "".join(
        [word + ("\n" if level == 2 else between) for word, level in zip(words, levels, strict=True)]
    )
    level = np.fromiter(levels, dtype=np.int8, count=len(levels))
    letters = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    separators = np.where(level == 2, 1, len(between))
    last = np.cumsum(letters + separators) - separators - 1
    boundaries = {}
    for rank, name in enumerate(LEVELS):
        marks = np.zeros(len(text), dtype=np.bool_)
        marks[last[level >= rank]] = True
        boundaries[name] = marks[:length].copy()
        boundaries[name].flags.writeable = False
    return text[:length], boundaries
