"""What the fast path does between its products, backward, compiled: see :mod:`~hsrnn.hmrnn.fast_kernels`.

``dx`` is the gradient of the loss by ``x``; ``ds`` that by the pre-activation of f, i, o, g.
"""

from __future__ import annotations

from typing import no_type_check

from .fast_kernels import choice, dot, fill, jit, moments


@jit
@no_type_check
def hear(t, dh, d_heard, ears) -> None:
    """Pass the gradients of all dot products that the detectors took of ``h[t]`` on to it."""
    for row in range(dh.shape[1]):
        target = dh[t, row]
        for ear in range(len(ears)):
            add(target, d_heard[ear, t, row], ears[ear])


@jit
@no_type_check
def add(target, weight, x) -> None:
    """Add ``weight * x``."""
    for k in range(len(target)):
        target[k] += weight * x[k]


@jit
@no_type_check
def pass_copies(t, count, order, dh, dc) -> None:
    """Carry the gradients of the rows that copied back over the step."""
    for j in range(count, len(order)):
        row = order[j]
        add(dh[t, row], dh.dtype.type(1), dh[t + 1, row])
        fill(dc[t, row], dc[t + 1, row])


@jit
@no_type_check
def rest(index, steps, rows, own_terms, c, gates, shown, gate_gain, gate_bias, gain, bias, epsilon) -> None:
    """Prepare the gates that copying rows did not use, up to sigmoid and tanh: ``index`` names their
    ``U h' + b``, ``steps`` and ``rows`` a place of their c. There is no term from above or below: both
    boundaries are 0."""
    n = c.shape[2]
    for j in range(len(index)):
        s, target = gates[j], shown[j]
        fill(s, own_terms[index[j]])
        fill(target, c[steps[j], rows[j]])
        if len(gain):
            for gate in range(4):
                part = slice(gate * n, (gate + 1) * n)
                normalise_for_good(s[part], gate_gain[part], gate_bias[part], epsilon)
            normalise_for_good(target, gain, bias, epsilon)


@jit
@no_type_check
def normalise_for_good(x, gain, bias, epsilon) -> None:
    """Replace ``x`` by its layer norm."""
    mean, scale = moments(x, epsilon)
    for k in range(len(x)):
        x[k] = (x[k] - mean) * scale * gain[k] + bias[k]


@jit
@no_type_check
def choose_copies(t, rows, place, gates, shown, h, c, dh, dc, dz, dz_below) -> None:
    """Gradient of the choice in rows that copied, though a boundary was in its band."""
    n = c.shape[2]
    for j in range(len(rows)):
        row, p = rows[j], place[j]
        f, i, o, g = gates[p, :n], gates[p, n : 2 * n], gates[p, 2 * n : 3 * n], gates[p, 3 * n :]
        change = written(dc[t + 1, row], i, g, c[t, row]) + written(dh[t + 1, row], o, shown[p], h[t, row])
        dz[t, row] += change
        dz_below[t + 1, row] += change + kept(dc[t + 1, row], f, c[t, row])


@jit
@no_type_check
def written(dx, x, y, old):
    """Return ``<dx, x o y - old>``."""
    total = dx.dtype.type(0)
    for k in range(len(dx)):
        total += dx[k] * (x[k] * y[k] - old[k])
    return total


@jit
@no_type_check
def kept(dx, x, y):
    """Return ``<dx, x o y>``."""
    total = dx.dtype.type(0)
    for k in range(len(dx)):
        total += dx[k] * x[k] * y[k]
    return total


@jit
@no_type_check
def gates_back(
    t, a, count, order, z, below_z, gates, shown, h, c, dh, dc, dz, dz_below,
    normal, gate_scale, cell_moments, gate_gain, gain, d_gate_gain, d_gate_bias, d_gain, d_bias,
    kinds, d_terms, room, redraws,
) -> None:  # fmt: skip
    """From dh and dc of the active rows to their ds (left in ``gates``, added up in ``d_terms`` for each kind
    of input, or for all), dc' and the choice's dz. ``room`` ``(3, units)`` is scratch."""
    n = h.shape[2]
    one = h.dtype.type(1)
    for j in range(count):
        row, p = order[j], a + j
        copy, update = choice(z[t, row], below_z[t + 1, row])
        renew = one - copy
        f, i, o, g = gates[p, :n], gates[p, n : 2 * n], gates[p, 2 * n : 3 * n], gates[p, 3 * n :]
        q, old_h, old_c = shown[p], h[t, row], c[t, row]
        d_hidden, d_shown, d_cell, d_output = dh[t + 1, row], room[0], room[1], room[2]
        # h = renew o q + copy h' (the authors' top layer: h = o q), with q = tanh(c) or tanh(norm(c))
        weight = one if redraws else renew
        for k in range(n):
            d_output[k] = weight * d_hidden[k] * q[k]
            d_shown[k] = weight * d_hidden[k] * o[k] * (one - q[k] * q[k])
        if len(gain):
            mean, scale = cell_moments[p, 0], cell_moments[p, 1]
            new = c[t + 1, row]
            for k in range(n):
                d_cell[k] = (new[k] - mean) * scale
            affine_back(d_shown, d_cell, gain, d_gain, d_bias)
            norm_back(d_shown, d_cell, scale)
        d_new = dc[t + 1, row]
        for k in range(n):
            d_cell[k] = d_new[k] + d_shown[k]
        # The choice between the operations, in both boundaries (decision D1).
        stays = kept(d_cell, f, old_c)
        if len(dz_below):
            change = written(d_cell, i, g, old_c)
            if not redraws:
                change += written(d_hidden, o, q, old_h)
            both = change + stays
            dz[t, row] += change - below_z[t + 1, row] * both
            dz_below[t + 1, row] += (one - z[t, row]) * both
        else:
            # The boundary below is 1 for ever: between UPDATE and FLUSH.
            dz[t, row] -= stays
        # c = (copy + update f) c' + renew i g
        d_old = dc[t, row]
        for k in range(n):
            d_old[k] = d_cell[k] * (copy + update * f[k])
        if copy != 0 and not redraws:
            add(dh[t, row], copy, d_hidden)
        for k in range(n):
            f[k] = update * d_cell[k] * old_c[k] * f[k] * (one - f[k])
        for k in range(n):
            d_in = renew * d_cell[k] * g[k] * i[k] * (one - i[k])
            g[k] = renew * d_cell[k] * i[k] * (one - g[k] * g[k])
            i[k] = d_in
        for k in range(n):
            o[k] = d_output[k] * o[k] * (one - o[k])
        ds = gates[p]
        if len(gain):
            plain = normal[p]
            affine_back(ds, plain, gate_gain, d_gate_gain, d_gate_bias)
            for gate in range(4):
                part = slice(gate * n, (gate + 1) * n)
                norm_back(ds[part], plain[part], gate_scale[p, gate])
        add(d_terms[kinds[row] if len(kinds) else 0], one, ds)


@jit
@no_type_check
def affine_back(dx, normal, gain, d_gain, d_bias) -> None:
    """Take ``dx`` back through the gain and bias of a layer norm. One loop over five arrays would not be
    vectorised: too many of them might overlap."""
    for k in range(len(dx)):
        d_gain[k] += dx[k] * normal[k]
    for k in range(len(dx)):
        d_bias[k] += dx[k]
    for k in range(len(dx)):
        dx[k] *= gain[k]


@jit
@no_type_check
def norm_back(dx, normal, scale) -> None:
    """Take ``dx`` back through a layer norm without gain, whose result was ``normal``."""
    size = dx.dtype.type(len(dx))
    total = dx.dtype.type(0)
    for k in range(len(dx)):
        total += dx[k]
    mean, slope = total / size, dot(dx, normal) / size
    for k in range(len(dx)):
        dx[k] = scale * (dx[k] - mean - normal[k] * slope)


@jit
@no_type_check
def products_back(
    t, a, count, first, order, ends, z, below_z, below_h, above_h, gates, recalled, above_terms,
    both, upper, dh, dh_below, dh_above, dz, dz_below, ds_above,
) -> None:  # fmt: skip
    """Hand out what the products with ds gave (``both`` for h' and, but in the lowest layer, for h_below, of
    all active rows; ``upper`` up to class 3): gradients of h', h_below, h_above, and of the boundaries that
    gate them."""
    n = dh.shape[2]
    one = dh.dtype.type(1)
    for j in range(count):
        row = order[j]
        add(dh[t, row], one, both[j, :n])
        if len(dz_below) and j >= ends[0]:
            lower = both[j, n:]
            dz_below[t + 1, row] += dot(lower, below_h[t + 1, row])
            if below_z[t + 1, row] != 0:
                add(dh_below[t + 1, row], below_z[t + 1, row], lower)
    for j in range(len(upper)):
        row = order[j]
        dz[t, row] += dot(upper[j], above_h[t, row])
        if z[t, row] != 0:
            add(dh_above[t, row], z[t, row], upper[j])
    if len(above_terms):
        for j in range(ends[3], ends[4]):
            dz[t, order[j]] += dot(gates[a + j], above_terms[recalled[a + j]])
    if len(ds_above):
        for j in range(ends[2]):
            fill(ds_above[first + j], gates[a + j])


@jit
@no_type_check
def detect_back(
    t,
    z,
    below_z,
    through,
    dz,
    ds_z,
    d_heard,
    below_d_heard,
    above_d_heard,
    dz_below,
    below_heard,
    above_heard,
) -> None:
    """Gradient of z~, in all rows."""
    for row in range(ds_z.shape[1]):
        ds = ds_z[t, row] + dz[t + 1, row] * through[t, row]
        ds_z[t, row] = ds
        d_heard[t, row] = ds
        below_d_heard[t + 1, row] = ds * below_z[t + 1, row]
        if len(dz_below):
            dz_below[t + 1, row] += ds * below_heard[t + 1, row]
        if len(above_d_heard):
            above_d_heard[t, row] = ds * z[t, row]
            dz[t, row] += ds * above_heard[t, row]
