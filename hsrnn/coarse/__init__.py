"""Coarse graining made explicit (after Yang, Xie and Yang, 2023, arXiv 2211.01779).

The body of that paper could not be read. What stands here is a reconstruction from its abstract and from
public descriptions; every choice is ours, and most can be switched.

===============  =============================================================================
``taylor``       :class:`TaylorLayer`: a block of sites becomes one site, by a polynomial
``taylornet``    :class:`TaylorNet`: levels of such steps, and a linear head
``series``       power series of tensors, to run a network on
``orders``       the logits order by order, single coefficients, gradient and Hessian at zero
``train``        the training loop, and how a network is scored
``augment``      shifted and mirrored images
``baselines``    other networks of equal size, and a quadratic classifier in closed form
``floors``       ridge regression in closed form on products of neighbouring pixels
``distill``      :class:`Distiller`: data into references, level by level; classify by looking
``coarsener``    G: a group of pictures becomes one picture
``embedder``     E: pictures to vectors that are compared
``references``   baselines of a distillation: random, averages, k-means, herding, matched
``fixed_point``  one net applied for ever; how references look
===============  =============================================================================
"""

from .augment import mirrored, shifted
from .baselines import BASELINES, FlatTaylor, baseline, quadratic_ridge
from .coarsener import Coarsener, coarse_levels, into_groups
from .distill import Distiller
from .embedder import Embedder, PictureClassifier, train_classifier
from .fixed_point import Looks, Trajectory, iterate, looks, sharpness
from .floors import MonomialRidge, monomials
from .orders import coefficient, gradient, hessian, orders, straighten
from .references import (
    accuracy_by_looking,
    class_scores,
    embedded,
    herding,
    hierarchical_kmeans,
    kmeans_references,
    matched_references,
    mean_references,
    pictures_by_class,
    pixels,
    random_references,
)
from .series import Series, term_by_term
from .taylor import TaylorLayer, neighbourhoods, output_size
from .taylornet import Level, Rescale, TaylorNet, TaylorNetConfig, parameters
from .train import Score, TrainingConfig, evaluate, train

__all__ = [
    "BASELINES",
    "Coarsener",
    "Distiller",
    "Embedder",
    "FlatTaylor",
    "Level",
    "Looks",
    "MonomialRidge",
    "PictureClassifier",
    "Rescale",
    "Score",
    "Series",
    "TaylorLayer",
    "TaylorNet",
    "TaylorNetConfig",
    "TrainingConfig",
    "Trajectory",
    "accuracy_by_looking",
    "baseline",
    "class_scores",
    "coarse_levels",
    "coefficient",
    "embedded",
    "evaluate",
    "gradient",
    "herding",
    "hessian",
    "hierarchical_kmeans",
    "into_groups",
    "iterate",
    "kmeans_references",
    "looks",
    "matched_references",
    "mean_references",
    "mirrored",
    "monomials",
    "neighbourhoods",
    "orders",
    "output_size",
    "parameters",
    "pictures_by_class",
    "pixels",
    "quadratic_ridge",
    "random_references",
    "sharpness",
    "shifted",
    "straighten",
    "term_by_term",
    "train",
    "train_classifier",
]
