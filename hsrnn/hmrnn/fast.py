"""The HM-LSTM over a whole chunk as ONE differentiable function, forward and backward written by hand."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .cell import CellState, HMLSTMCell
from .model import HMLSTM, CoreOutput, check_input, operations_of


class _Layer:
    """Weights of one layer, cut into gates and z~, and what its forward pass leaves for the backward pass."""

    def __init__(self, cell: HMLSTMCell, weights: dict[str, Tensor], time: int, state: list[Tensor], keep: bool) -> None:
        n = cell.hidden_size
        self.units, self.is_top, self.weights = n, cell.is_top, weights
        hidden, cell_state, boundary = state
        batch = hidden.shape[0]
        self.copies_hidden = not (cell.is_top and cell.top_layer == "author")
        new = hidden.new_empty
        # Index t + 1 of h, c and z is their value after step t.
        self.h, self.c, self.z = new(time + 1, batch, n), new(time + 1, batch, n), hidden.new_zeros(time + 1, batch)
        self.h[0], self.c[0], self.z[0] = hidden, cell_state, boundary[:, 0]
        self.s_z = hidden.new_zeros(time, batch)
        self.gates = new(time, batch, 4 * n)
        self.squashed = new(time, batch, n)
        self.gate_norm = self.cell_norm = None


def _parameters(cell: HMLSTMCell) -> dict[str, Tensor]:
    return dict(cell.named_parameters())


class _Chunk(torch.autograd.Function):
    @staticmethod
    def forward(ctx, core: HMLSTM, forced, generator, input: Tensor, *tensors: Tensor):
        layers_count = len(core.cells)
        time, batch = input.shape[1], input.shape[0]
        state, flat = tensors[: 3 * layers_count], list(tensors[3 * layers_count :])
        layers = []
        for l, cell in enumerate(core.cells):
            names = [name for name, _ in cell.named_parameters()]
            weights = dict(zip(names, flat[: len(names)]))
            del flat[: len(names)]
            layers.append(_Layer(cell, weights, time, list(state[3 * l : 3 * l + 3]), True))
        x = input.transpose(0, 1).contiguous()
        kind = core.cells[0].boundary
        slope = core.slope
        ln = core.cells[0].gate_norm is not None
        # per layer preparation
        prep = []
        for l, layer in enumerate(layers):
            w = layer.weights
            g = 4 * layer.units
            d = {}
            for name in ("recurrent", "bottom_up", "top_down"):
                if name in w:
                    d[name] = w[name][:g].t().contiguous()
                    if not layer.is_top:
                        d[name + "_z"] = w[name][g]
            d["bias"] = w["bias"][:g]
            if not layer.is_top:
                d["bias_z"] = w["bias"][g:]
            prep.append(d)
            layer.prep = d
        first = layers[0]
        torch.addmm(prep[0]["bias"], x.flatten(0, 1), prep[0]["bottom_up"], out=first.gates.view(time * batch, -1))
        torch.addmv(prep[0]["bias_z"], x.flatten(0, 1), prep[0]["bottom_up_z"], out=first.s_z.view(-1))
        for layer in layers:
            n = layer.units
            layer.h_, layer.c_, layer.z_ = layer.h.unbind(0), layer.c.unbind(0), layer.z.unbind(0)
            layer.zc_ = layer.z.unsqueeze(2).unbind(0)
            layer.sz_ = layer.s_z.unbind(0)
            layer.g_ = layer.gates.unbind(0)
            layer.q_ = layer.squashed.unbind(0)
            if ln:
                layer.raw = torch.empty_like(layer.gates)
                layer.stats, layer.cstats = [], []
                if layer is first:
                    layer.raw = layer.gates
                    layer.gates = torch.empty_like(layer.raw)
                    layer.g_ = layer.gates.unbind(0)
                layer.raw_ = layer.raw.unbind(0)
                layer.gw, layer.gb = layer.weights["gate_norm.weight"], layer.weights["gate_norm.bias"]
                layer.cw, layer.cb = layer.weights["cell_norm.weight"], layer.weights["cell_norm.bias"]
        for t in range(time):
            for l, layer in enumerate(layers):
                p, n = layer.prep, layer.units
                h, zf = layer.h_[t], layer.zc_[t]
                s = layer.raw_[t] if ln else layer.g_[t]
                gates = layer.g_[t]
                if l == 0:
                    s.addmm_(h, p["recurrent"])
                else:
                    below = layers[l - 1].h_[t + 1]
                    zb = layers[l - 1].zc_[t + 1]
                    torch.addmm(p["bias"], h, p["recurrent"], out=s)
                    s.addmm_(below * zb, p["bottom_up"])
                use_above = core.top_down and not layer.is_top
                if use_above:
                    above = layers[l + 1].h_[t]
                    s.addmm_(above * zf, p["top_down"])
                if ln:
                    normal, mean, rstd = torch.native_layer_norm(s.view(batch, 4, n), (n,), None, None, 1e-5)
                    layer.stats.append((mean, rstd))
                    torch.addcmul(layer.gb, normal.view(batch, 4 * n), layer.gw, out=gates)
                gates[:, : 3 * n].sigmoid_()
                gates[:, 3 * n :].tanh_()
                f, i, o, g = gates.chunk(4, 1)
                c_new = layer.c_[t + 1]
                write_gate = i * g
                if l == 0:
                    keep = (1 - zf) * f
                    torch.mul(keep, layer.c_[t], out=c_new)
                    c_new.add_(write_gate)
                else:
                    renew = 1 - (1 - zf) * (1 - zb)
                    copy = 1 - renew
                    keep = torch.addcmul(copy, (1 - zf) * zb, f)
                    torch.mul(keep, layer.c_[t], out=c_new)
                    c_new.addcmul_(renew, write_gate)
                q = layer.q_[t]
                if ln:
                    normal, mean, rstd = torch.native_layer_norm(c_new, (n,), layer.cw, layer.cb, 1e-5)
                    layer.cstats.append((mean, rstd))
                    torch.tanh(normal, out=q)
                else:
                    torch.tanh(c_new, out=q)
                if l == 0 or not layer.copies_hidden:
                    torch.mul(o, q, out=layer.h_[t + 1])
                else:
                    torch.lerp(h, o * q, renew, out=layer.h_[t + 1])
                if layer.is_top:
                    continue
                sz = layer.sz_[t]
                if l == 0:
                    sz.addmv_(h, p["recurrent_z"])
                else:
                    torch.addmv(p["bias_z"], h, p["recurrent_z"], out=sz)
                    sz.addcmul_(torch.mv(below, p["bottom_up_z"]), layers[l - 1].z_[t + 1])
                if use_above:
                    sz.addcmul_(torch.mv(above, p["top_down_z"]), layer.z_[t])
                z = layer.z_[t + 1]
                if kind == "step":
                    torch.gt(sz, 0, out=z)
                elif kind == "soft":
                    z.copy_(((slope * sz + 1) / 2).clamp_(0, 1))
                else:
                    draw = torch.rand(batch, 1, generator=generator, device=z.device, dtype=z.dtype)[:, 0]
                    torch.lt(draw, ((slope * sz + 1) / 2).clamp_(0, 1), out=z)
                if forced is not None:
                    imposed = forced[:, t, l]
                    z.copy_(torch.where(imposed.isnan(), z, imposed))
        ctx.core, ctx.layers, ctx.x, ctx.slope, ctx.kind, ctx.ln, ctx.forced = core, layers, x, slope, kind, ln, forced
        hidden = tuple(layer.h[1:].transpose(0, 1).contiguous() for layer in layers)
        boundaries = torch.stack([layer.z[1:].t() for layer in layers[:-1]], 2)
        preactivations = torch.stack([layer.s_z.t() for layer in layers[:-1]], 2)
        own = torch.stack([layer.z[:-1].t() for layer in layers], 2)
        low = torch.cat((torch.ones_like(own[..., :1]), boundaries), 2)
        operations = operations_of(own, low)
        ctx.mark_non_differentiable(operations)
        after = [v for layer in layers for v in (layer.h[time].clone(), layer.c[time].clone(), layer.z[time, :, None].clone())]
        return (*hidden, boundaries, preactivations, operations, *after)

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads):
        core, layers, x, slope, ln = ctx.core, ctx.layers, ctx.x, ctx.slope, ctx.ln
        L = len(layers)
        time, batch = x.shape[:2]
        g_hidden, g_z, g_s, g_state = grads[:L], grads[L], grads[L + 1], grads[L + 3 :]
        for l, layer in enumerate(layers):
            n = layer.units
            dh = torch.zeros_like(layer.h)
            dh[1:] = g_hidden[l].transpose(0, 1)
            dh[time] += g_state[3 * l]
            layer.dh_ = dh.unbind(0)
            layer.dc = g_state[3 * l + 1].clone()
            dz = torch.zeros_like(layer.z)
            if not layer.is_top:
                dz[1:] = g_z[:, :, l].t()
                dz[time] += g_state[3 * l + 2][:, 0]
                if ctx.kind == "soft":
                    v = (slope * layer.s_z + 1) / 2
                    through = ((v >= 0) & (v <= 1)).to(v.dtype) * (slope / 2)
                else:
                    through = (layer.s_z.abs() < 1 / slope).to(layer.s_z.dtype) * (slope / 2)
                if ctx.forced is not None:
                    through *= ctx.forced[:, :, l].t().isnan()
                layer.through_ = through.unbind(0)
                layer.ds_z = g_s[:, :, l].t().contiguous()
                layer.ds_z_ = layer.ds_z.unbind(0)
            layer.dz_ = dz.unbind(0)
            layer.ds = torch.empty_like(layer.gates)
            layer.ds_ = layer.ds.unbind(0)
            if ln:
                layer.da = torch.empty_like(layer.gates)  # before the norm's gain
                layer.da_ = layer.da.unbind(0)
                layer.dn = torch.empty_like(layer.squashed)
                layer.dn_ = layer.dn.unbind(0)
            layer.R, layer.W, layer.U = (
                layer.weights[k][: 4 * n] if k in layer.weights else None for k in ("recurrent", "bottom_up", "top_down")
            )
        for t in reversed(range(time)):
            for l in reversed(range(L)):
                layer = layers[l]
                n, p = layer.units, layer.prep
                h, c, zf = layer.h_[t], layer.c_[t], layer.zc_[t]
                f, i, o, g = layer.g_[t].chunk(4, 1)
                q = layer.q_[t]
                dh, dc, dh_before = layer.dh_[t + 1], layer.dc, layer.dh_[t]
                ds = layer.da_[t] if ln else layer.ds_[t]
                df, di, do, dg = ds.chunk(4, 1)
                stay = 1 - zf
                if l > 0:
                    below, zb = layers[l - 1].h_[t + 1], layers[l - 1].zc_[t + 1]
                    copy = stay * (1 - zb)
                    renew = 1 - copy
                    update = stay * zb
                else:
                    update = stay
                # h = renew * o q + copy * h'
                if l == 0 or not layer.copies_hidden:
                    dr = dh
                else:
                    dr = dh * renew
                    dh_before.addcmul_(dh, copy)
                torch.mul(dr, q, out=do)
                dq = dr * o
                if ln:
                    da = torch.ops.aten.tanh_backward.grad_input(dq, q, grad_input=layer.dn_[t])
                    mean, rstd = layer.cstats[t]
                    dq = torch.ops.aten.native_layer_norm_backward(
                        da, layer.c_[t + 1], (n,), mean, rstd, layer.cw, layer.cb, (True, False, False))[0]
                    dc.add_(dq)
                else:
                    dc.add_(torch.ops.aten.tanh_backward(dq, q))
                # c = renew * i g + (copy + update f) c'
                dw = dc if l == 0 else dc * renew
                torch.mul(dw, g, out=di)
                torch.mul(dw, i, out=dg)
                forget = f * c
                # choice
                kept = torch.linalg.vecdot(dc, forget)
                if l == 0:
                    layer.dz_[t].sub_(kept)
                    torch.mul(dc * stay, c, out=df)
                    layer.dc = dc * stay * f
                else:
                    change = torch.linalg.vecdot(dc, i * g - c)
                    if layer.copies_hidden:
                        change += torch.linalg.vecdot(dh, o * q - h)
                    lower = layers[l - 1]
                    zb1 = lower.z_[t + 1]
                    layer.dz_[t].add_(change * (1 - zb1) - kept * zb1)
                    lower.dz_[t + 1].addcmul_(change + kept, stay[:, 0])
                    torch.mul(dc * update, c, out=df)
                    layer.dc = dc * torch.addcmul(copy, update, f)
                gates = layer.g_[t]
                fio = ds[:, : 3 * n]
                torch.ops.aten.sigmoid_backward.grad_input(fio, gates[:, : 3 * n], grad_input=fio)
                torch.ops.aten.tanh_backward.grad_input(dg, g, grad_input=dg)
                if ln:
                    mean, rstd = layer.stats[t]
                    out = torch.ops.aten.native_layer_norm_backward(
                        (ds * layer.gw).view(batch, 4, n), layer.raw_[t].view(batch, 4, n), (n,), mean, rstd, None, None,
                        (True, False, False))[0]
                    ds = layer.ds_[t]
                    ds.copy_(out.view(batch, 4 * n))
                dh_before.addmm_(ds, layer.R)
                use_above = core.top_down and not layer.is_top
                if not layer.is_top:
                    ds_z = layer.ds_z_[t]
                    ds_z.addcmul_(layer.dz_[t + 1], layer.through_[t])
                    dh_before.addr_(ds_z, p["recurrent_z"])
                if l > 0:
                    dx = ds @ layer.W
                    if not layer.is_top:
                        dx.addr_(ds_z, p["bottom_up_z"])
                    lower.dz_[t + 1].add_(torch.linalg.vecdot(dx, below))
                    lower.dh_[t + 1].addcmul_(dx, zb)
                if use_above:
                    dx = ds @ layer.U
                    dx.addr_(ds_z, p["top_down_z"])
                    layer.dz_[t].add_(torch.linalg.vecdot(dx, layers[l + 1].h_[t]))
                    layers[l + 1].dh_[t].addcmul_(dx, zf)
        result = []
        for l, layer in enumerate(layers):
            n = layer.units
            ds = layer.ds.view(time * batch, 4 * n)
            dsz = None if layer.is_top else layer.ds_z.view(-1)

            def weight(inputs, like):
                d = torch.empty_like(like)
                inputs = inputs.reshape(time * batch, -1)
                torch.mm(ds.t(), inputs, out=d[: 4 * n])
                if dsz is not None:
                    torch.mv(inputs.t(), dsz, out=d[4 * n])
                return d

            grad = {}
            w = layer.weights
            grad["recurrent"] = weight(layer.h[:-1], w["recurrent"])
            if l == 0:
                grad["bottom_up"] = weight(x, w["bottom_up"])
            else:
                grad["bottom_up"] = weight(layers[l - 1].h[1:] * layers[l - 1].z[1:, :, None], w["bottom_up"])
            if not layer.is_top:
                grad["top_down"] = weight(layers[l + 1].h[:-1] * layer.z[:-1, :, None], w["top_down"]) if core.top_down else None
            db = ds.sum(0)
            grad["bias"] = db if dsz is None else torch.cat((db, dsz.sum(0, keepdim=True)))
            if ln:
                grad["gate_norm.bias"] = layer.da.view(-1, 4 * n).sum(0)
                mean = torch.stack([m for m, _ in layer.stats])
                rstd = torch.stack([m for _, m in layer.stats])
                normal = (layer.raw.view(time, batch, 4, n) - mean) * rstd
                grad["gate_norm.weight"] = (normal.view(-1, 4 * n) * layer.da.view(-1, 4 * n)).sum(0)
                mean = torch.stack([m for m, _ in layer.cstats])
                rstd = torch.stack([m for _, m in layer.cstats])
                normal = (layer.c[1:] - mean) * rstd
                grad["cell_norm.weight"] = (normal * layer.dn).sum((0, 1))
                grad["cell_norm.bias"] = layer.dn.sum((0, 1))
            result += [grad[name] for name in w]
        first = layers[0]
        dx = first.ds @ first.W
        dx += first.ds_z[..., None] * first.prep["bottom_up_z"]
        d_state = [v for layer in layers for v in (layer.dh_[0], layer.dc, layer.dz_[0][:, None])]
        return (None, None, None, dx.transpose(0, 1), *d_state, *result)


def fast_forward(core, input, state=None, *, forced_boundaries=None, generator=None):
    check_input(input, core.input_size)
    L = len(core.cells)
    if forced_boundaries is not None and forced_boundaries.shape != (*input.shape[:2], L - 1):
        raise ValueError(
            f"forced_boundaries must be {(*input.shape[:2], L - 1)} (batch, time, layers - 1), "
            f"got {tuple(forced_boundaries.shape)}"
        )
    state = core.initial_state(input.shape[0]) if state is None else state
    flat = [v for s in state for v in s]
    out = _Chunk.apply(core, forced_boundaries, generator, input, *flat, *(p for cell in core.cells for p in cell.parameters()))
    hidden, (z, s_z, operations), after = out[:L], out[L : L + 3], out[L + 3 :]
    states = tuple(CellState(*after[3 * l : 3 * l + 3]) for l in range(L))
    return CoreOutput(tuple(hidden), z, s_z, operations), states
