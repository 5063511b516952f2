"""Monomials against a plain loop, and the closed form against scikit-learn's."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier

from hsrnn.coarse import MonomialRidge, monomials
from hsrnn.coarse.floors import MOST_FEATURES


def test_monomials_are_those_of_a_plain_loop():
    images = torch.randn(2, 3, 4, 6, generator=torch.Generator().manual_seed(0))
    for picture, found in zip(images, monomials(images, 2)):
        linear, quadratic = [], []
        for row in range(0, 4, 2):
            for column in range(0, 6, 2):
                u = [picture[c, row + i, column + j] for i in (0, 1) for j in (0, 1) for c in range(3)]
                linear += u
                quadratic += [a * b for a, b in combinations_with_replacement(u, 2)]
        assert torch.allclose(found, torch.stack(linear + quadratic))
    assert torch.equal(monomials(images, 0).sum(1), images.permute(0, 2, 3, 1).flatten(1).sum(1))
    with pytest.raises(ValueError, match="do not fill"):
        monomials(images, 4)


@pytest.mark.parametrize("block", [0, 2])
def test_the_closed_form_is_that_of_scikit_learn(block):
    draws = np.random.default_rng(0)
    images = draws.random((60, 1, 4, 4)).astype(np.float32)
    labels = draws.choice([3, 5, 8], 60)  # labels need not be 0, 1, 2
    ours = MonomialRidge(block, alpha=0.5, batch_size=7).fit(images, labels)
    features = monomials(torch.from_numpy(images), block).double().numpy()
    theirs = RidgeClassifier(alpha=0.5).fit(features, labels)
    assert np.allclose(ours.weights_, theirs.coef_.T, atol=1e-5)
    assert np.allclose(ours.decision_function(images), theirs.decision_function(features), atol=1e-5)
    assert np.array_equal(ours.predict(images), theirs.predict(features))
    assert ours.score(images, labels) == theirs.score(features, labels)


def test_errors():
    images, labels = np.zeros((3, 1, 4, 4)), [0, 1, 2]
    for model, pictures, message in (
        (MonomialRidge(alpha=-1.0), images, "alpha must not be negative, got -1.0"),
        (MonomialRidge(), images[:2], "as many, and some, got 2 and 3"),
        (MonomialRidge(4), np.zeros((3, 3, 32, 32)), f"make 78,336 monomials .* {MOST_FEATURES:,}"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(pictures, labels)
