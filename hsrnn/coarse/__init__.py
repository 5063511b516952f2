"""Coarse graining made explicit (after Yang, Xie and Yang, 2023, arXiv 2211.01779).

The body of that paper could not be read. What stands here is a reconstruction from its abstract and from
public descriptions; every choice is ours, and most can be switched.

=============  ==================================================================================
``taylor``     :class:`TaylorLayer`: a block of sites becomes one site, by a polynomial
``taylornet``  :class:`TaylorNet`: levels of such steps, and a linear head
=============  ==================================================================================
"""

from .taylor import TaylorLayer, neighbourhoods, output_size
from .taylornet import Level, Rescale, TaylorNet, TaylorNetConfig, parameters

__all__ = [
    "Level",
    "Rescale",
    "TaylorLayer",
    "TaylorNet",
    "TaylorNetConfig",
    "neighbourhoods",
    "output_size",
    "parameters",
]
