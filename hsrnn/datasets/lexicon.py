"""The words of the generated corpus: short English words by part of speech, the most frequent first.

No form belongs to two classes (a test holds this), so the class of every word can be read off the word. Names
are invented, as consonant, vowel, consonant, vowel and perhaps a last consonant: `zarel`, `qumo`. There are
thousands of them, all equally frequent, so that a model has to spell them instead of knowing them by heart.
"""

from __future__ import annotations

from itertools import product

NOUNS = """
day house dog friend tree town river hand door garden teacher farmer night letter road field horse song mother
king village bird window bridge table doctor queen apple boat market story island eye forest cat lamp hill
sister baker stone winter flower neighbour box idea clock ship kitchen egg lake tower animal cloud uncle
sailor carpet mirror basket orchard fox hammer engine blanket actor castle pocket bucket donkey oven puzzle
barrel umbrella candle lantern artist rabbit valley hunter wizard ladder ocean quilt acorn zebra jacket owl
kettle goat insect trumpet arrow yard oyster juggler tiger emperor
""".split()

ADJECTIVES = """
old good small new long young big little great dark red white quiet cold happy green strong early warm blue
open black empty kind heavy brave tall bright simple deep soft clever slow narrow hungry angry silent eager
round gentle golden ancient lazy proud famous rough broken wild dusty ugly sweet odd pale curious strange tiny
icy yellow humble elegant wooden shy grey amber noble jolly exact crooked
""".split()

# A verb is "base past"; the third person adds s.
INTRANSITIVE_VERBS = """
go went, sleep slept, wait waited, laugh laughed, walk walked, sing sang, arrive arrived, smile smiled,
fall fell, run ran, rest rested, listen listened, dance danced, work worked, cry cried, swim swam,
speak spoke, tremble trembled, whistle whistled, wander wandered, disappear disappeared, shine shone,
stumble stumbled, vanish vanished, yawn yawned, hesitate hesitated, kneel knelt, quarrel quarrelled,
sneeze sneezed, relax relaxed
"""

TRANSITIVE_VERBS = """
see saw, find found, take took, love loved, want wanted, follow followed, watch watched, hear heard,
carry carried, make made, help helped, like liked, bring brought, chase chased, forget forgot, meet met,
paint painted, buy bought, remember remembered, hold held, admire admired, know knew, draw drew,
visit visited, need needed, push pushed, describe described, repair repaired, trust trusted, steal stole,
hide hid, examine examined, wash washed, catch caught, borrow borrowed, praise praised, avoid avoided,
inspect inspected, join joined, scratch scratched, guard guarded
"""

ADVERBS = """
often never slowly always quickly softly suddenly really quietly happily rarely calmly gladly sadly loudly
gently boldly politely eagerly wisely bravely proudly rapidly awkwardly
""".split()

PREPOSITIONS = "in on with near under behind above beside without around across beyond inside below".split()
CONNECTIVES = "but because while when so although until".split()

DETERMINERS_SINGULAR = "the this his her every our their each another".split()
DETERMINERS_PLURAL = "the some these many two our his their three her few seven".split()
PRONOUNS_SINGULAR = "he she it nobody".split()
PRONOUNS_PLURAL = "they we people".split()
PRONOUNS_OBJECT = "him them us something me".split()


def plural(noun: str) -> str:
    """Return the regular plural of a noun, which is also how a verb forms its third person."""
    if noun.endswith(("s", "x", "z", "ch", "sh")) or noun == "go":
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def verb_forms(verbs: str) -> tuple[list[str], list[str], list[str]]:
    """Return (base, third person, past) of every verb, three lists in the same order."""
    pairs = [pair.split() for pair in verbs.replace("\n", " ").split(",")]
    base = [pair[0] for pair in pairs]
    return base, [plural(verb) for verb in base], [pair[1] for pair in pairs]


def names() -> list[str]:
    """Return all invented names, in a fixed order."""
    return [
        "".join(parts)
        for parts in product("jqvxyz", "aeiou", "bdklmnrt", "aeiou", ("", "l", "m", "n", "r", "s"))
    ]
