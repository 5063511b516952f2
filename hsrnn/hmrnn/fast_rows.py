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

from typing import no_type_check

import numpy as np

from .fast_kernels import jit

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


@jit
@no_type_check
def sort_rows(own, below, latest, order, ends) -> None:
    """Sort the rows of a step by class.

    Args:
        own: codes ``(batch,)``, ``fired + 2 * band``, of the layer's boundary one step ago.
        below: codes ``(batch,)`` of the boundary below now.
        latest: at least 0 in rows ``(batch,)`` whose ``T h_above`` is known.
        order: the rows ``(batch,)``, written.
        ends: where each class ends in ``order``, ``(8,)``, written.
    """
    classes = np.empty(len(own), np.int64)
    ends[:] = 0
    for row in range(len(own)):
        kind = _CLASSES[own[row] * 4 + below[row]]
        if kind == 3 and latest[row] >= 0:
            kind = 4
        classes[row] = kind
        ends[kind] += 1
    start = np.zeros(8, np.int64)
    for kind in range(1, 8):
        start[kind] = ends[kind - 1]
        ends[kind] += ends[kind - 1]
    for row in range(len(own)):
        order[start[classes[row]]] = row
        start[classes[row]] += 1
