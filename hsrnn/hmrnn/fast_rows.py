"""Which rows of a batch need which product, in one layer at one time step.

The pre-activations of a layer are ``s = U h' + z_own (T h_above) + z_below (W h_below) + b`` with ``z_own`` the layer's
boundary one step ago and ``z_below`` the boundary below it now. ``s`` and its gradient ``ds`` enter as follows. "Band"
means that a gradient can reach a boundary at all: ``|s_z| < 1/slope`` and not forced (it always can in the initial
state).

=====  =====  =====  =====================================================  ==========================================
Class  z_own  below  Forward                                                Backward
=====  =====  =====  =====================================================  ==========================================
0      1      0      FLUSH: ``U h'``, ``T h_above``                         ``U^T ds``, ``T^T ds``
1      1      0      the same, z_below in its band                          and ``W^T ds``, for the gradient of z_below
2      1      1      FLUSH: all three products                              all three
3      0      1      UPDATE: ``U h'``, ``W h_below``; z_own in its band     all three: ``T^T ds`` for that of z_own
4      0      1      UPDATE                                                 ``U^T ds``, ``W^T ds``
5      0      0      COPY, one of the two in its band: nothing, but z~      ``ds = 0``; the gates that were not used are
                                                                            wanted for the gradient of the choice
6      0      0      COPY: nothing, but z~                                  nothing
=====  =====  =====  =====================================================  ==========================================

Why ``ds = 0`` under COPY: neither c nor h depends on the gates there. Why the gates still count in class 5: with
``w = i g``, Eq. 2 and 3 read as functions of the two boundaries give, at the chosen 0/1 point,

    change = <dc, w - c'> + <dh, o q - h'>      kept = <dc, f c'>
    dz_own   = (1 - z_below) change - z_below kept
    dz_below = (1 - z_own) (change + kept)

and the products gated by a boundary give it ``<ds, T h_above> = <T^T ds, h_above>`` and ``<W^T ds, h_below>``, so that
nothing beyond the gradients of the data is needed for them. Sorting the rows of a step by class makes every product
above run on one contiguous slice.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# Class of a row from the codes (fired + 2 * band) of its own boundary, 4 *, and of the boundary below, 1 *.
_CLASSES = torch.tensor(
    [
        # below: 0  fired  band  both
        6, 4, 5, 4,  # own boundary 0, outside its band
        0, 2, 1, 2,  # own boundary fired, outside
        5, 3, 5, 3,  # own boundary 0, in its band
        0, 2, 1, 2,  # own boundary fired, in its band
    ]
)  # fmt: skip


class Rows(NamedTuple):
    """Rows of one step sorted by class: ``active`` of them are computed, ``choosing`` are of class 5 and are not."""

    active: Tensor
    choosing: Tensor
    above: slice
    below: slice
    above_gradient: slice
    below_gradient: slice


def boundary_codes(z: Tensor, band: Tensor | None) -> Tensor:
    """Return ``fired + 2 * band`` (int64, shape of ``z``) for boundaries ``z`` and, in training, their ``band``."""
    fired = (z != 0).long()
    return fired if band is None else fired.add_(band, alpha=2)


def sort_rows(own: Tensor, below: Tensor, *, compute_copies: bool) -> Rows:
    """Sort the rows of a step by class.

    Args:
        own: codes ``(batch,)`` of the layer's boundary one step ago.
        below: codes ``(batch,)`` of the boundary below now.
        compute_copies: whether rows of class 5 and 6 count as active too.

    Returns:
        The :class:`Rows`; slices are into ``active``.
    """
    classes = _CLASSES.to(own.device).index_select(0, own * 4 + below)
    order = torch.argsort(classes, stable=True)
    ends, total = [], 0
    for count in torch.bincount(classes, minlength=7).tolist():
        total += count
        ends.append(total)
    active, choosing = ends[4], ends[5]
    if compute_copies:
        # Under COPY ds need not vanish here, so class 5 wants W^T ds for the boundary below.
        return Rows(order, order[:0], slice(0, ends[2]), slice(ends[1], active), slice(0, ends[3]), slice(ends[0], choosing))
    return Rows(
        order[:active], order[active:choosing], slice(0, ends[2]), slice(ends[1], active), slice(0, ends[3]),
        slice(ends[0], active),
    )  # fmt: skip
