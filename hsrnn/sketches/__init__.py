"""Recursive sketches: one vector that remembers how a network of modules understood its input.

Source: Ghazi, Panigrahy and Wang, *Recursive Sketches for Modular Deep Learning* (ICML 2019, arXiv
1905.12730).

This room is an empirical study of the theorems, from a reconstruction: the body of the paper could not be
read, and what stands here follows its abstract, slides and public descriptions. The constants are parameters,
no formula has been checked against the paper, and nothing here is a reproduction of it.

=============  =======================================================================================
``streams``    random bits from a name: the same on every machine, in every year
``matrices``   R and R^T as operators: Haar, randomised Hadamard; T(R) = (I + R) / 2
``blocks``     the block-sparse distribution D(b, q, d)
``family``     R_M,0, R_M,1, R_M,2 of every module and R_p of every position, from one seed
=============  =======================================================================================
"""

from .blocks import BlockCode, BlockSparse
from .family import Family, Matrices
from .matrices import Dense, Haar, Hadamard, Operator, Transparent, walsh_hadamard

__all__ = [
    "BlockCode",
    "BlockSparse",
    "Dense",
    "Family",
    "Haar",
    "Hadamard",
    "Matrices",
    "Operator",
    "Transparent",
    "walsh_hadamard",
]
