"""K-means-x equals scikit-learn on the matrix with positions written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from hsrnn.automata import PositionKMeans, kmeans
from hsrnn.automata.clustering import distinct_rows


def cloud(seed: int, sequences: int = 12, features: int = 3):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 9, sequences)
    sequence = np.repeat(np.arange(sequences), lengths)
    position = np.concatenate([np.arange(1, n + 1) for n in lengths])
    return generator.normal(size=(len(sequence), features)), sequence, position


def written_out(points, sequence, position, weight):
    block = np.zeros((len(points), sequence.max() + 1))
    block[np.arange(len(points)), sequence] = weight * position
    return np.concatenate([points, block], 1)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.02, 0.1, 1.0]), st.integers(1, 7))
def test_equals_scikit_learn_from_the_same_centres(seed, weight, k):
    points, sequence, position = cloud(seed)
    first = np.random.default_rng(seed).choice(len(points), k, replace=False)
    ours = PositionKMeans(k, weight).fit(points, sequence, position, first)
    matrix = written_out(points, sequence, position, weight)
    theirs = KMeans(k, init=matrix[first], n_init=1).fit(matrix)
    assert (ours.labels_ == theirs.labels_).all()
    assert ours.inertia_ == pytest.approx(theirs.inertia_, abs=1e-9)
    assert ours.n_iter_ == theirs.n_iter_


def test_well_separated_clusters_are_found():
    generator = np.random.default_rng(0)
    truth = np.repeat(np.arange(5), 40)
    points = 10.0 * np.eye(5)[truth] + generator.normal(size=(200, 5))
    places = np.zeros(200, int), np.arange(1, 201)
    found = PositionKMeans(5, 0.0, n_init=3).fit(points, *places)
    assert adjusted_rand_score(truth, found.labels_) == 1
    assert adjusted_rand_score(truth, kmeans(points, 5, n_init=3)) == 1


def test_equal_points_are_clustered_once():
    points = np.random.default_rng(2).normal(size=(60, 3)).astype(np.float32)
    many = points[np.random.default_rng(3).integers(60, size=4000)]
    distinct = distinct_rows(many)
    assert (many[distinct.first][distinct.number] == many).all() and distinct.count.sum() == 4000
    labels = kmeans(many, 7)
    assert (labels == kmeans(many, 7, distinct=distinct)).all()
    # A fixed point of Lloyd on all 4000: each point is nearest to the mean of its own cluster.
    means = np.stack([many[labels == k].mean(0) for k in range(7)])
    assert (((many[:, None] - means) ** 2).sum(2).argmin(1) == labels).all()
    # And as good as scikit-learn on all of them.
    inertia = ((many - means[labels]) ** 2).sum()
    assert inertia < 1.15 * KMeans(7, n_init=10, random_state=0).fit(many).inertia_
    with pytest.raises(ValueError, match="n_clusters = 70 is more than the 60 distinct hidden states"):
        kmeans(many, 70)


def test_more_runs_are_no_worse_and_the_seed_decides():
    points, sequence, position = cloud(5, 60)
    one = PositionKMeans(9, 0.05).fit(points, sequence, position)
    many = PositionKMeans(9, 0.05, n_init=8).fit(points, sequence, position)
    assert many.inertia_ <= one.inertia_
    assert (PositionKMeans(9, 0.05).fit(points, sequence, position).labels_ == one.labels_).all()


def test_equal_points_leave_no_cluster_unlabelled_by_accident():
    points = np.zeros((6, 2))
    labels = PositionKMeans(3, 0.0).fit(points, np.zeros(6, int), np.arange(1, 7)).labels_
    assert labels.shape == (6,) and labels.min() >= 0 and labels.max() < 3


def test_errors():
    points, sequence, position = cloud(0)
    few = points[:3]
    with pytest.raises(ValueError, match="n_clusters = 4 is more than the 3 hidden states"):
        kmeans(few, 4)
    with pytest.raises(ValueError, match="n_clusters must be at least 1, got 0"):
        PositionKMeans(0, 0.1).fit(points, sequence, position)
    with pytest.raises(ValueError, match="weight must not be negative, got -1"):
        PositionKMeans(2, -1.0).fit(points, sequence, position)
    with pytest.raises(ValueError, match="sequence must number the sequences"):
        PositionKMeans(2, 0.1).fit(points, sequence[::-1].copy(), position)
