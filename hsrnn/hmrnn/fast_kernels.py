"""What the fast path does between its products, forward, compiled: one pass over each row.

A step of one layer is a handful of products and, between them, some thirty operations on a few dozen rows. As
tensor operations each would cost more to call than to do. The equations stand at the head of
:mod:`~hsrnn.hmrnn.fast_layer`. Rows of step ``t`` lie packed at ``a`` and behind in the order of their
classes; ``order`` gives their places in the batch, ``ends`` the ends of the classes. Arrays that an option
leaves out are empty. Sigmoid and tanh of whole blocks are torch's, which has them vectorised.
"""

from __future__ import annotations

from functools import partial
from typing import no_type_check

import numba
import numpy as np

# Sums may be taken in any order, so that they can be vectorised; NaN and infinity keep their meaning.
jit = partial(
    numba.njit, cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"}
)


@jit
@no_type_check
def fill(target, source) -> None:
    """Copy a row; an assignment of whole arrays takes three times as long."""
    for k in range(len(target)):
        target[k] = source[k]


@jit
@no_type_check
def gather(
    t, a, count, first, order, ends, h, c, heard, below_h, below_z, above_h, z,
    before, from_below, from_above, rests,
) -> None:  # fmt: skip
    """Pack what the products of the ``count`` active rows read, and carry the other rows over the step;
    ``rests`` marks those whose unused gates will be wanted."""
    for j in range(count):
        row = order[j]
        fill(before[a + j], h[t, row])
        if len(from_below):
            target = from_below[a + j]
            if ends[1] <= j < ends[5]:
                weight, source = below_z[t + 1, row], below_h[t + 1, row]
                for k in range(len(target)):
                    target[k] = weight * source[k]
            else:
                target[:] = 0
    if len(from_above):
        for j in range(ends[2]):
            weight, source, target = z[t, order[j]], above_h[t, order[j]], from_above[first + j]
            for k in range(len(target)):
                target[k] = weight * source[k]
    for j in range(count, len(order)):
        row = order[j]
        rests[row] |= j < ends[6]
        fill(h[t + 1, row], h[t, row])
        fill(c[t + 1, row], c[t, row])
        for ear in range(len(heard)):
            heard[ear, t + 1, row] = heard[ear, t, row]


@jit
@no_type_check
def add_terms(
    a, count, first, order, ends, own, lower, upper, kinds, own_terms, rests, above_terms, latest,
    recalled, normal, gate_scale, gain, bias, gates, epsilon,
) -> None:  # fmt: skip
    """Add up Eq. 4-7 into ``gates``, with the layer norm of each gate, its gain and bias; keep what later
    steps use again. ``lower`` has a row for each kind of input where there are ``kinds``."""
    columns = own.shape[1]
    n = columns // 4
    for j in range(count):
        p = a + j
        s, source = gates[p], own[j]
        if len(own_terms) and rests[order[j]]:
            fill(own_terms[p], source)
            rests[order[j]] = False
        fill(s, source)
        if len(lower) and ends[1] <= j < ends[5]:
            source = lower[kinds[order[j]]] if len(kinds) else lower[j - ends[1]]
            for k in range(columns):
                s[k] += source[k]
        if len(upper) and j < ends[2]:
            source = upper[j]
            for k in range(columns):
                s[k] += source[k]
            if len(above_terms):
                fill(above_terms[first + j], source)
                latest[order[j]] = first + j
        if ends[3] <= j < ends[4]:
            recalled[p] = latest[order[j]]
        if len(gain):
            for gate in range(4):
                part = slice(gate * n, (gate + 1) * n)
                gate_scale[p, gate] = normalise(s[part], normal[p, part], gain[part], bias[part], epsilon)


@jit
@no_type_check
def normalise(x, normal, gain, bias, epsilon):
    """Replace ``x`` by its layer norm, leave that without gain and bias in ``normal``, and return the factor
    that ``x`` was scaled by."""
    mean, scale = moments(x, epsilon)
    # Two loops over a row in the nearest cache are sooner done than one that reads and writes four arrays.
    for k in range(len(x)):
        normal[k] = (x[k] - mean) * scale
    for k in range(len(x)):
        x[k] = normal[k] * gain[k] + bias[k]
    return scale


@jit
@no_type_check
def moments(x, epsilon):
    """Return the mean of ``x`` and one over its standard deviation, as layer norm takes them."""
    total = x.dtype.type(0)
    for k in range(len(x)):
        total += x[k]
    mean = total / x.dtype.type(len(x))
    total = x.dtype.type(0)
    for k in range(len(x)):
        total += (x[k] - mean) * (x[k] - mean)
    variance = total / x.dtype.type(len(x))
    return mean, x.dtype.type(1) / np.sqrt(variance + x.dtype.type(epsilon))


@jit
@no_type_check
def choice(own, below):
    """Return the coefficients of COPY and UPDATE."""
    one = type(own)(1)
    return (one - own) * (one - below), (one - own) * below


@jit
@no_type_check
def new_cells(t, a, count, order, z, below_z, gates, c, cell_moments, gain, bias, shown, epsilon) -> None:
    """Take c over the step (Eq. 2); ``shown`` becomes c, normalised where there is a norm."""
    n = c.shape[2]
    one = c.dtype.type(1)
    for j in range(count):
        row, p = order[j], a + j
        copy, update = choice(z[t, row], below_z[t + 1, row])
        renew = one - copy
        f, i, g = gates[p, :n], gates[p, n : 2 * n], gates[p, 3 * n :]
        old, new, target = c[t, row], c[t + 1, row], shown[p]
        for k in range(n):
            new[k] = (copy + update * f[k]) * old[k] + renew * i[k] * g[k]
        if len(gain):
            mean, scale = moments(new, epsilon)
            cell_moments[p, 0], cell_moments[p, 1] = mean, scale
            for k in range(n):
                target[k] = (new[k] - mean) * scale * gain[k] + bias[k]
        else:
            for k in range(n):
                target[k] = new[k]


@jit
@no_type_check
def new_hidden(t, a, count, order, z, below_z, gates, shown, h, ears, heard, redraws) -> None:
    """Take h over the step (Eq. 3), and the dot products that the detectors take of it."""
    n = h.shape[2]
    one = h.dtype.type(1)
    for j in range(count):
        row, p = order[j], a + j
        copy, _ = choice(z[t, row], below_z[t + 1, row])
        if redraws:
            copy = h.dtype.type(0)
        renew = one - copy
        o, q, old, new = gates[p, 2 * n : 3 * n], shown[p], h[t, row], h[t + 1, row]
        for k in range(n):
            new[k] = renew * o[k] * q[k] + copy * old[k]
        for ear in range(len(ears)):
            heard[ear, t + 1, row] = dot(new, ears[ear])


@jit
@no_type_check
def dot(x, y):
    """Return the dot product."""
    total = x.dtype.type(0)
    for k in range(len(x)):
        total += x[k] * y[k]
    return total


@jit
@no_type_check
def detect(
    t, z, below_z, heard, below_heard, above_heard, bias, s_z, codes, soft, slope, draws, forced, train
) -> None:
    """Compute s_z and z of step ``t`` and its code in all rows (decision D3). ``draws`` is empty where
    boundaries are not drawn, ``forced`` where none is forced, ``above_heard`` where nothing is above."""
    zero, one = s_z.dtype.type(0), s_z.dtype.type(1)
    half, slope = s_z.dtype.type(0.5), s_z.dtype.type(slope)
    for row in range(s_z.shape[1]):
        s = heard[t, row] + below_z[t + 1, row] * below_heard[t + 1, row] + bias[0]
        if len(above_heard):
            s += z[t, row] * above_heard[t, row]
        s_z[t, row] = s
        linear = (slope * s + one) * half
        if soft:
            new = min(max(linear, zero), one)
        elif len(draws):
            new = one if draws[t, row] < min(max(linear, zero), one) else zero
        else:
            new = one if s > zero else zero
        inside = in_band(s, slope, soft)
        if len(forced) and not np.isnan(forced[t, row]):
            new, inside = forced[t, row], False
        z[t + 1, row] = new
        codes[t + 1, row] = (1 if new != zero else 0) + (2 if inside and train else 0)


@jit
@no_type_check
def in_band(s, slope, soft):
    """Return whether a gradient passes from z to ``s``: the clip of the hard sigmoid, which counts its two
    ends in for soft boundaries, as torch's clamp does."""
    one = type(s)(1)
    if soft:
        linear = (slope * s + one) * type(s)(0.5)
        return 0 <= linear <= 1
    return abs(s) < one / slope


@jit
@no_type_check
def bands(s_z, slope, soft):
    """Return :func:`in_band` of all of ``s_z`` ``(time, batch)``."""
    inside = np.empty(s_z.shape, np.bool_)
    for t in range(s_z.shape[0]):
        for row in range(s_z.shape[1]):
            inside[t, row] = in_band(s_z[t, row], s_z.dtype.type(slope), soft)
    return inside
