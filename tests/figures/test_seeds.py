"""Single runs: every seed is a mark, and the words say where they lie."""

import numpy as np
import pytest

from hsrnn import figures

X, Y = np.array([0.1, 0.2, 0.3, 0.4]), np.array([1.6, 1.5, 1.55, 1.4])


def test_the_words_are_made_of_the_numbers():
    picture = figures.plot_seeds({"step": (X, Y), "soft": ([0.2], [1.5])}, "F1", "bits", "Seeds")
    assert picture.alt.startswith("Seeds. bits by F1, one mark a seed. step: 4 seeds, 0.10 to 0.40 across")
    assert "1.40 to 1.60 up, the line falls; soft: 1 seed, 0.20 to 0.20 across" in picture.alt
    assert "the line rises" in figures.plot_seeds({"step": (X, -Y)}, "F1", "bits").alt
    assert (
        picture.image
        == figures.plot_seeds({"step": (X, Y), "soft": ([0.2], [1.5])}, "F1", "bits", "Seeds").image
    )


def test_every_seed_is_a_mark():
    def marks(x, y):
        return figures.plot_seeds({"step": (x, y)}, "a", "b").image.count(b"<use")

    inner = np.append(X, 0.25), np.append(Y, 1.5)  # within the old limits, so that the ticks stay
    assert marks(*inner) == marks(X, Y) + 1


def test_a_group_that_does_not_vary_has_no_line():
    assert "line" not in figures.plot_seeds({"step": ([1.0] * 5, np.arange(5.0))}, "a", "b").alt
    assert "line" not in figures.plot_seeds({"step": (X[:3], Y[:3])}, "a", "b").alt


def test_bad_groups_are_named():
    with pytest.raises(ValueError, match="1 to 6 settings, got 0"):
        figures.plot_seeds({}, "a", "b")
    for pair in (([1.0], [1.0, 2.0]), ([], [])):
        with pytest.raises(ValueError, match=r"groups\['x'\] must be two measures of the same seeds"):
            figures.plot_seeds({"x": pair}, "a", "b")
