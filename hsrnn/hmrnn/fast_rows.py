"""Which rows of a batch need which product, in one layer at one time step.

The pre-activations of a layer are ``s = U h' + z_own (T h_above) + z_below (W h_below) + b`` with ``z_own``
the layer's boundary one step ago and ``z_below`` the boundary below it now. ``s`` and its gradient ``ds``
enter as follows. "Band" means that a gradient can reach a boundary at all: ``|s_z| < 1/slope`` and not forced
(it always can in the initial state).

=====  =====  =====  ===============================================  ====================================
Class  z_own  below  Forward                                          Backward
=====  =====  =====  ===============================================  ====================================
0      1      0      FLUSH: ``U h'``, ``T h_above``                   ``U^T ds``, ``T^T ds``
1      1      0      the same; z_below in its band                    and ``W^T ds``, for that of z_below
2      1      1      FLUSH: all three products                        all three
3      0      1      UPDATE: ``U h'``, ``W h_below``; z_own in its    all three, ``T^T ds`` for that of
                     band                                             z_own
4      0      1      the same; ``T h_above`` is known                 ``U^T ds``, ``W^T ds``
5      0      1      UPDATE                                           ``U^T ds``, ``W^T ds``
6      0      0      COPY: nothing but z~; one boundary in its band   ``ds = 0``; the unused gates, for the
                                                                      gradient of the choice
7      0      0      COPY: nothing but z~                             nothing
=====  =====  =====  ===============================================  ====================================

Why ``ds = 0`` under COPY: neither c nor h depends on the gates there. Why the gates still count in class 6:
with ``w = i g``, Eq. 2 and 3 read as functions of the two boundaries give, at the chosen 0/1 point,

    change = <dc, w - c'> + <dh, o q - h'>      kept = <dc, f c'>
    dz_own   = (1 - z_below) change - z_below kept
    dz_below = (1 - z_own) (change + kept)

and the products gated by a boundary give it ``<ds, T h_above> = <T^T ds, h_above>`` and ``<W^T ds,
h_below>``, so that nothing beyond the gradients of the data is needed for them.

What COPY keeps need not be multiplied again either. ``T h_above`` of an earlier step still holds while the
layer above copies: then class 4 takes the place of class 3. And a row of class 6 has the h' that it will have
at its next active step, whose ``U h'`` serves its unused gates too, those of a whole run of copies.

Sorting the rows of a step by class makes every product above run on one contiguous slice.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Class of a row from the codes (fired + 2 * band) of its own boundary, 4 *, and of the boundary below, 1 *.
_CLASSES = np.array(
    [
        # below: 0  fired  band  both
        7, 5, 6, 5,  # own boundary 0, outside its band
        0, 2, 1, 2,  # own boundary fired, outside
        6, 3, 6, 3,  # own boundary 0, in its band
        0, 2, 1, 2,  # own boundary fired, in its band
    ]
)  # fmt: skip


class Rows(NamedTuple):
    """Rows of one step sorted by class; slices are into ``active``.

    ``active`` rows are computed, ``copying`` rows are not; the first of these, ``choosing``, are of class 6.
    ``above`` and ``below`` name the rows with a boundary of their own and with one below, ``recalling`` those
    of class 4, the other two slices those whose product is wanted backward.
    """

    active: Tensor
    copying: Tensor
    choosing: Tensor
    above: slice
    below: slice
    recalling: slice
    above_gradient: slice
    below_gradient: slice


def boundary_codes(z: NDArray[np.floating], band: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    """Return ``fired + 2 * band``, shape of ``z``, for boundaries ``z`` and, in training, their ``band``."""
    fired = (z != 0).astype(np.intp)
    return fired if band is None else fired + 2 * band


def sort_rows(
    own: NDArray[np.intp], below: NDArray[np.intp], *, known: NDArray[np.bool_] | None, compute_copies: bool
) -> Rows:
    """Sort the rows of a step by class.

    Args:
        own: codes ``(batch,)`` of the layer's boundary one step ago.
        below: codes ``(batch,)`` of the boundary below now.
        known: rows ``(batch,)`` whose ``T h_above`` is known; ``None`` means none of them.
        compute_copies: whether rows of class 6 and 7 count as active too.

    Returns:
        The :class:`Rows`.
    """
    classes = _CLASSES[own * 4 + below]
    if known is not None:
        classes[known & (classes == 3)] = 4
    order = torch.from_numpy(classes.argsort(kind="stable"))
    ends = list(accumulate(np.bincount(classes, minlength=8).tolist()))
    # Where copies are computed (the authors' top layer), their ds need not vanish: class 6 then wants W^T ds.
    active = len(order) if compute_copies else ends[5]
    wanted = ends[6] if compute_copies else ends[5]
    return Rows(
        active=order[:active],
        copying=order[active:],
        choosing=order[active : max(active, ends[6])],
        above=slice(0, ends[2]),
        below=slice(ends[1], ends[5]),
        recalling=slice(ends[3], ends[4]),
        above_gradient=slice(0, ends[3]),
        below_gradient=slice(ends[0], wanted),
    )
