"""Coarse graining made explicit (after Yang, Xie and Yang, 2023, arXiv 2211.01779).

The body of that paper could not be read. What stands here is a reconstruction from its abstract and from
public descriptions; every choice is ours, and most can be switched.

=============  ==================================================================================
``taylor``     :class:`TaylorLayer`: a block of sites becomes one site, by a polynomial
``taylornet``  :class:`TaylorNet`: levels of such steps, and a linear head
``series``     power series of tensors, to run a network on
``orders``     the logits order by order, single coefficients, gradient and Hessian at zero
``train``      the training loop, and how a network is scored
``augment``    shifted and mirrored images
``baselines``  other networks of equal size, and a quadratic classifier in closed form
=============  ==================================================================================
"""

from .augment import mirrored, shifted
from .baselines import BASELINES, FlatTaylor, baseline, quadratic_ridge
from .orders import coefficient, gradient, hessian, orders, straighten
from .series import Series, term_by_term
from .taylor import TaylorLayer, neighbourhoods, output_size
from .taylornet import Level, Rescale, TaylorNet, TaylorNetConfig, parameters
from .train import Score, TrainingConfig, evaluate, train

__all__ = [
    "BASELINES",
    "FlatTaylor",
    "Level",
    "Rescale",
    "Score",
    "Series",
    "TaylorLayer",
    "TaylorNet",
    "TaylorNetConfig",
    "TrainingConfig",
    "baseline",
    "coefficient",
    "evaluate",
    "gradient",
    "hessian",
    "mirrored",
    "neighbourhoods",
    "orders",
    "output_size",
    "parameters",
    "quadratic_ridge",
    "shifted",
    "straighten",
    "term_by_term",
    "train",
]
