"""The three tests of every exercise, for modules that import them.

Such a module holds ``RIGHT``, a solution by name, and ``WRONG``, the mistakes by name: each an answer, or an
answer with words that the checker must say to it. ``conftest.py`` hands them to these tests.
"""

from hsrnn import exercises


def test_solutions_pass(name, answer, seed):
    assert exercises.check(name, answer, seed=seed) is True


def test_mistakes_are_found(name, mistake, words, capsys):
    assert exercises.check(name, mistake, seed=0) is False
    said = " ".join(capsys.readouterr().out.split())
    assert "not yet" in said.lower() and words.lower() in said.lower()


def test_stubs_are_not_solved(name, capsys):
    assert exercises.check(name, ...) is False
    assert "not solved yet" in capsys.readouterr().out
