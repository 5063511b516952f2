"""Generated movie reviews with negation, whose label is by construction a regular language over word classes.

    the plot was not boring but everyone said the acting was awful        0 (negative)
    nobody said the cast wasn't superb                                    1 (positive)

Every word belongs to one of five classes. The true rule, the whole of it:

- an opinion word (positive or negative) sets the verdict;
- a negation flips the next opinion word of its clause, and two negations cancel;
- a turning word ("but") opens a new clause: a negation that still waits is forgotten;
- neutral words change nothing. The verdict at the end is the label; before any opinion it is negative.

So the last opinion decides. A reader of the rule has to remember two bits, the verdict and whether a negation
waits: four states, and no fewer will do. `truth()` has the rule as a table. A bag of words cannot follow it,
for the order matters.

Nearly a quarter of the reviews are snippets, cut out of a whole one at any word (`acting was awful but the`),
so that the rule shows at every word and not at the ends of sentences alone.

Real reviews are not like this: their words have no fixed class, and no such rule labels them. These exist so
that an automaton that was read from a network can be compared with the right one, exactly.
"""

from __future__ import annotations

import operator
import random
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate

CLASSES = ("positive", "negative", "neutral", "negation", "turn")
STATES = ("negative", "positive", "negative, negation waits", "positive, negation waits")
# One row a state, one column a class.
TABLE = ((1, 0, 0, 2, 0), (1, 0, 1, 3, 1), (0, 1, 2, 0, 0), (0, 1, 3, 1, 1))
ACCEPTING = (1, 3)
START = 0
SHORTEST, LONGEST = 4, 30
SNIPPETS = 0.5  # of what is drawn; many are too short and drawn again, so that fewer remain

# The words of each kind, the most frequent first; capitalised kinds are those of the rules below.
WORDS: Mapping[str, str] = {
    "Good": """
        good great funny clever moving superb brilliant charming fresh lovely witty gripping bold
        warm smart touching delightful excellent graceful wonderful inventive thrilling lively
        subtle stunning elegant tender hilarious absorbing polished radiant masterful dazzling
        sincere joyful splendid sparkling poignant enchanting flawless
    """,
    "Bad": """
        bad boring dull awful weak silly predictable tedious flat lazy empty stale clumsy terrible
        bland hollow messy shallow tiresome noisy pointless lifeless horrible careless dreary
        stupid contrived annoying dismal inept sloppy grating mediocre forgettable dreadful
        muddled soulless wooden insipid abysmal
    """,
    "Loved": "liked loved enjoyed admired praised adored treasured applauded",
    "Hated": "disliked hated mocked regretted endured resented despised loathed",
    "Thing": """
        plot acting film cast story script ending music dialogue movie direction camera humour
        hero opening action pace sound lead villain editing scenery costume romance tension
        soundtrack chemistry lighting animation setting finale monologue choreography premise
    """,
    "Genre": """
        comedy drama thriller western musical sequel mystery remake cartoon satire documentary
        biography
    """,
    "Determiner": "the its this that",
    "Was": "was is seemed looked became remained",
    "Degree": "very really quite rather so truly fairly utterly simply remarkably",
    "Person": "i we you they everyone critics people viewers",
    "Said": "said thought claimed wrote believed argued",
    "Found": "found called considered",
    "Critic": "critic viewer reviewer friend",
    "Saw": "saw watched finished left",
    "See": "see watch finish leave",
    "Place": "cinema theatre festival house city museum",
    "Company": "friends children neighbours strangers students",
    "Number": "two three four five",
    "Time": "hours days weeks",
    "Not": "not never hardly barely scarcely rarely seldom",
    "Never": "never hardly barely scarcely rarely seldom",
    "Wasn't": "wasn't isn't",
    "Didn't": "didn't couldn't wouldn't",
    "Turn": "but yet however still though although nevertheless whereas while nonetheless except instead",
}

# As in `hsrnn.datasets.grammar`: a weight and what the symbol on the left becomes; other words are written as
# they stand.
RULES: Mapping[str, str] = {
    "Review": "30 Opening / 40 Opening Turn Clause / 22 Opening Turn Clause Turn Clause"
    " / 8 Opening Turn Clause Turn Clause Turn Clause",
    "Opening": "80 Clause / 16 Opinion Genre about Number Company / 4 Not Degree Opinion Genre",
    "Clause": "52 Plain / 24 Negated / 8 Double / 6 Story / 10 Waiting",
    "Plain": "50 Subject Was Degree Opinion / 20 it Was a Opinion Genre / 20 Person Verb Subject"
    " / 10 Person Said Subject Was Opinion",
    "Negated": "24 Subject Was Not Degree Opinion / 14 Subject Wasn't Degree Opinion"
    " / 12 it Wasn't a Opinion Genre / 14 Nobody Found Subject Opinion / 14 Person Never Verb Subject"
    " / 10 nothing about Subject Was Opinion / 12 Nobody Said Person Verb Subject",
    "Double": "45 Nobody Said Negated / 45 Person Never Said Negated / 10 Nobody Said Waiting",
    "Story": "20 Person Saw it Where / 14 Person could See it Where / 33 it Was a Genre about Number Company"
    " / 33 it Was Number Time long",
    "Waiting": "30 Person Didn't See it Where / 15 Nobody Saw it Where / 5 Nobody could See it Where"
    " / 20 Person Never Saw it Where / 15 it Wasn't a Genre about Number Company"
    " / 15 it Wasn't Number Time long",
    "Where": "50 in a Place / 50 with Number Company",
    "Subject": "100 Determiner Thing",
    "Opinion": "50 Good / 50 Bad",
    "Verb": "50 Loved / 50 Hated",
    "Nobody": "55 nobody / 15 none of us / 15 neither of us / 15 no Critic",
}
_CLASS_OF_KIND = {"Good": 0, "Loved": 0, "Bad": 1, "Hated": 1, "Turn": 4} | {
    kind: 3 for kind in ("Not", "Never", "Wasn't", "Didn't")
}
_NEGATIONS_AS_THEY_STAND = ("nobody", "nothing", "none", "neither", "no")


@dataclass(frozen=True)
class ReviewTruth:
    """The rule that labels the generated reviews: a minimal complete automaton over word classes.

    Attributes:
        classes: class -> its words, in a fixed order; no word is in two classes.
        table: one row a state, one column a class (in the order of `classes`): the next state.
        accepting: the states whose verdict is positive.
        start: the state before the first word.
        states: what each state remembers, in words.
    """

    classes: Mapping[str, tuple[str, ...]]
    table: tuple[tuple[int, ...], ...]
    accepting: tuple[int, ...]
    start: int
    states: tuple[str, ...]

    def class_of(self, word: str) -> int:
        """Return the number of the class of a word.

        Raises:
            KeyError: the word is none of the generated reviews' words.
        """
        if word not in self._numbers:
            raise KeyError(
                f"{word!r} is not one of the {len(self._numbers)} words of the generated reviews; "
                "`truth().classes` lists them"
            )
        return self._numbers[word]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, words in enumerate(self.classes.values()) for word in words}

    def path(self, words: Iterable[str]) -> list[int]:
        """Return the states that the words pass, the start first; KeyError for an unknown word."""
        states, numbers = [self.start], self._numbers
        for word in words:
            number = numbers[word] if word in numbers else self.class_of(word)
            states.append(self.table[states[-1]][number])
        return states

    def label(self, words: Iterable[str]) -> int:
        """Return 1 for a positive and 0 for a negative sequence of words; KeyError for an unknown word."""
        return int(self.path(words)[-1] in self.accepting)

    def word_table(self, vocabulary: Sequence[str]) -> list[list[int]]:
        """Return the table with one column for each word of `vocabulary`; KeyError for an unknown word."""
        return [[row[self.class_of(word)] for word in vocabulary] for row in self.table]


@dataclass(frozen=True)
class Review:
    """One generated review: its words and its true label, 1 (positive) or 0 (negative)."""

    words: tuple[str, ...]
    label: int

    def __str__(self) -> str:
        """Return the words as a sentence."""
        return " ".join(self.words)


@lru_cache(maxsize=1)
def truth() -> ReviewTruth:
    """Return the rule that labels the generated reviews."""
    numbers = _class_of_word()
    classes = {
        name: tuple(word for word, number in numbers.items() if number == code)
        for code, name in enumerate(CLASSES)
    }
    return ReviewTruth(classes, TABLE, ACCEPTING, START, STATES)


def draw_reviews(
    count: int, seed: int, *, without: Collection[tuple[str, ...]] = frozenset()
) -> tuple[Review, ...]:
    """Draw reviews of 4 to 30 words, half of them positive; the same arguments give the same on every
    machine.

    Reviews 2i and 2i + 1 have different labels, in random order. Every review holds an opinion. A review that
    is in `without` (the words of another split) is drawn again.

    Raises:
        ValueError: `count` is below 2 or odd, or `seed` is negative.
    """
    if operator.index(count) < 2 or count % 2:
        raise ValueError(f"count must be an even number of reviews, at least 2, got {count}")
    if operator.index(seed) < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    draw, rule = random.Random(seed).random, truth()
    opinions = {*rule.classes["positive"], *rule.classes["negative"]}
    made: list[Review] = []
    while len(made) < count:
        wanted = int(draw() * 2) if len(made) % 2 == 0 else 1 - made[-1].label
        while True:
            words = _draw_words(draw)
            if draw() < SNIPPETS:
                first = int(draw() * len(words))
                words = words[first : first + 1 + int(draw() * (len(words) - first))]
            fits = SHORTEST <= len(words) <= LONGEST and rule.label(words) == wanted
            if fits and not opinions.isdisjoint(words) and words not in without:
                break
        made.append(Review(words, wanted))
    return tuple(made)


@lru_cache(maxsize=1)
def _grammar() -> dict[str, tuple[tuple[int, ...], tuple[tuple[str, ...], ...]]]:
    """Return symbol -> (cumulative weights, reversed expansions); words of a kind fall off as Zipf's law."""
    grammar = {}
    for symbol, alternatives in RULES.items():
        split = [alternative.split() for alternative in alternatives.split(" / ")]
        weights = accumulate(int(weight) for weight, *_ in split)
        grammar[symbol] = (tuple(weights), tuple(tuple(reversed(parts[1:])) for parts in split))
    for kind, words in WORDS.items():
        listed = words.split()
        weights = accumulate(10_000 // (rank + 3) for rank in range(len(listed)))
        grammar[kind] = (tuple(weights), tuple((word,) for word in listed))
    return grammar


def _class_of_word() -> dict[str, int]:
    """Return word -> number of its class, class by class, in the order of the lists above."""
    found: dict[str, int] = {word: CLASSES.index("negation") for word in _NEGATIONS_AS_THEY_STAND}
    for kind, words in WORDS.items():
        found |= dict.fromkeys(words.split(), _CLASS_OF_KIND.get(kind, CLASSES.index("neutral")))
    for alternatives in RULES.values():
        for part in alternatives.split():
            if part not in RULES and part not in WORDS and part != "/" and not part.isdigit():
                found.setdefault(part, CLASSES.index("neutral"))
    found["an"] = CLASSES.index("neutral")
    return dict(sorted(found.items(), key=operator.itemgetter(1)))


def _draw_words(draw: Callable[[], float]) -> tuple[str, ...]:
    grammar, words, stack = _grammar(), [], ["Review"]
    while stack:
        symbol = stack.pop()
        if symbol in grammar:
            # Whole-number weights: no rounding of the weights can make two machines choose differently.
            cumulative, expansions = grammar[symbol]
            stack.extend(expansions[bisect_right(cumulative, int(draw() * cumulative[-1]))])
        else:
            words.append(symbol)
    for place, following in enumerate(words[1:]):
        if words[place] == "a" and following[0] in "aeiou":
            words[place] = "an"
    return tuple(words)
