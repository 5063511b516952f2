"""Objects, trees and DAGs as flat arrays."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hsrnn.sketches import OVERALL, Forest, Object, bounded, overall, split_signs

from .conftest import draw_dag


def walk(thing, weight=1.0, depth=0):
    """Yield (object, weight of the way, length of the way) for every way down: the plain definition."""
    yield thing, weight, depth
    for part, w in zip(thing.inputs, thing.weights):
        if w > 0:
            yield from walk(part, weight * w, depth + 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12))
def test_effective_weights_add_over_all_ways(seed, objects):
    top = draw_dag(seed, objects)
    forest = Forest.of([top])
    effective, depth, seen = {}, {}, {}
    for thing, weight, length in walk(top):
        effective[id(thing)] = effective.get(id(thing), 0.0) + weight
        depth[id(thing)] = max(depth.get(id(thing), 0), length)
        seen[id(thing)] = thing
    assert len(forest.module) == len(seen)
    ours = sorted(zip(forest.effective.round(12), forest.depth, forest.module))
    index = {name: k for k, name in enumerate(forest.modules)}
    plain = [(round(effective[key], 12), depth[key], index[thing.module]) for key, thing in seen.items()]
    np.testing.assert_allclose(ours, sorted(plain), atol=1e-11)
    assert (forest.child < forest.parent).all() and (forest.weight > 0).all()


def test_a_diamond():
    bottom = Object("edge", torch.tensor([0.6, 0.8]))
    left, right = Object("cat", torch.zeros(1), (bottom,)), Object("cat", torch.ones(1), (bottom, bottom))
    forest = Forest.of([overall([left, right], [0.25, 0.75])])
    edge = forest.members["edge"]
    assert forest.effective[edge].tolist() == [1.0] and forest.depth[edge].tolist() == [2]
    assert forest.attributes["cat"].tolist() == [[0.0], [1.0]] and OVERALL in forest.modules
    assert forest.height.tolist() == [0, 1, 1, 2]


def test_shared_objects_stand_in_each_tree_and_slices_are_trees():
    shared = draw_dag(3)
    tops = [overall([shared]), draw_dag(4), overall([draw_dag(5), shared])]
    forest = Forest.of(tops)
    for k, top in enumerate(tops):
        own, alone = forest.trees(k, k + 1), Forest.of([top])
        names = [own.modules[m] for m in own.module]
        assert names == [alone.modules[m] for m in alone.module]
        assert (
            own.effective.tolist() == alone.effective.tolist() and own.roots.tolist() == alone.roots.tolist()
        )
        for name in alone.modules:
            assert torch.equal(own.attributes[name], alone.attributes[name])
    assert len(forest.trees(1, 3)) == 2 and len(forest) == 3


def test_like_repeats_a_structure():
    single = Forest.of([overall([draw_dag(1), draw_dag(2)])])
    new = {name: torch.rand(3, *single.attributes[name].shape) for name in single.modules if name != OVERALL}
    many = single.like(new)
    assert len(many) == 3
    for k in range(3):
        own = many.trees(k, k + 1)
        assert (own.child == single.child).all() and (own.weight == single.weight).all()
        for name, vectors in new.items():
            assert torch.equal(own.attributes[name], vectors[k])


def test_bounded_and_split():
    vectors = torch.tensor([[3.0, -4.0], [0.3, 0.4]])
    torch.testing.assert_close(bounded(vectors), torch.tensor([[0.6, -0.8], [0.3, 0.4]]))
    assert split_signs(vectors)[0].tolist() == [3.0, 0.0, 0.0, 4.0]


def test_errors(plain_calls):
    x = torch.zeros(2)
    for bad, message in (
        (lambda: Object("", x), "module must be a name"),
        (lambda: Object("cat", torch.zeros(2, 2)), r"must be one vector \(a,\), got \(2, 2\)"),
        (lambda: Object("cat", x, (Object("cat", x),), (0.5, 0.5)), "one for each of the 1 inputs"),
        (lambda: overall([Object("cat", x)] * 2, [0.7, 0.7]), "at most 1 in sum"),
        (lambda: overall([Object("cat", x)] * 2, [-0.1, 0.7]), "non-negative"),
        (lambda: overall([Object("cat", x)], [float("nan")]), "non-negative"),
        (lambda: Forest.of([]), "at least one tree"),
        (lambda: Forest.of([overall([Object("cat", x), Object("cat", torch.zeros(3))])]), r"got \[2, 3\]"),
        (lambda: Forest.of([draw_dag(0), draw_dag(1)]).like({}), "this forest has 2"),
        (lambda: Forest.of([Object("cat", x)]).like({"dog": x}), r"must name the modules \['cat'\]"),
        (lambda: Forest.of([Object("cat", x)]).like({"cat": torch.zeros(3, 2, 2)}), r"must be \(3, 1, a\)"),
    ):
        with pytest.raises(ValueError, match=message):
            bad()
