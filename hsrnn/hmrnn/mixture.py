"""The density of the next pen movement: a mixture of bivariate Gaussians and one Bernoulli (Graves 2013).

Source: Graves, arXiv 1308.0850, section 4.1; Chung, Ahn and Bengio (ICLR 2017), section 4.2, use it for the
HM-LSTM's handwriting and do not say how many Gaussians there are (decision D9: 20). With K of them,

    p(dx, dy, pen) = sum_k w_k N(dx, dy; m_k, s_k, r_k) * e^pen (1 - e)^(1 - pen)

A network's output y of 6 K + 1 numbers becomes the parameters by

    w = softmax(y_w),  m = y_m,  s = softplus(y_s) + smallest_scale,  r = 0.999 tanh(y_r),  e = sigmoid(y_e)

so that no output, however large, gives an infinite density or a gradient that is not a number. The scale is
that of Chung's earlier handwriting code, which keeps s above 1e-4; Graves takes exp. The bound on r is ours.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST_CORRELATION = 0.999


class StrokeMixture(NamedTuple):
    """A density over rows (dx, dy, pen); any leading axes, then K components.

    ``log_weights`` ``(..., K)`` sum to 1 in probability; ``means`` and ``scales`` (standard deviations, above
    0) ``(..., K, 2)``; ``correlations`` ``(..., K)`` in (-1, 1); ``pen`` ``(...)`` the logit of pen = 1.
    """

    log_weights: Tensor
    means: Tensor
    scales: Tensor
    correlations: Tensor
    pen: Tensor

    def log_density(self, strokes: Tensor) -> Tensor:
        """Return the log density in nats ``(...)`` of rows ``(..., 3)``: dx, dy, and pen, 0 or 1."""
        u, v = ((strokes[..., None, :2] - self.means) / self.scales).unbind(-1)
        rest = (1 - self.correlations) * (1 + self.correlations)
        # u^2 - 2 r u v + v^2 over 1 - r^2, as a sum of squares: never below zero, however it is rounded.
        squares = u.square() + (v - self.correlations * u).square() / rest
        log_gauss = -0.5 * squares - self.scales.log().sum(-1) - 0.5 * rest.log() - math.log(2 * math.pi)
        pen = strokes[..., 2] * self.pen - F.softplus(self.pen)
        return torch.logsumexp(self.log_weights + log_gauss, -1) + pen

    def sharpened(self, sharpness: float) -> StrokeMixture:
        """Return the density that Graves samples legible writing from: scales times exp(-sharpness), weights
        to the power 1 + sharpness; 0 changes nothing, and the pen is never touched.

        Raises:
            ValueError: for a negative sharpness.
        """
        if not sharpness >= 0:
            raise ValueError(f"sharpness must not be negative, got {sharpness}")
        weights = torch.log_softmax(self.log_weights * (1 + sharpness), -1)
        scales = self.scales * math.exp(-sharpness)
        return self._replace(log_weights=weights, scales=scales)

    def place(self, numbers: Tensor) -> Tensor:
        """Return the row ``(..., 3)`` that four numbers ``(..., 4)`` draw from each density: a uniform one
        chooses the component, two normal ones move the pen, and a uniform one lifts it."""
        which, first, second, up = numbers.unbind(-1)
        passed = (self.log_weights.exp().cumsum(-1) <= which[..., None]).sum(-1, keepdim=True)
        chosen = passed.clamp(max=self.log_weights.shape[-1] - 1)
        both = chosen[..., None].expand(*chosen.shape, 2)
        mean = self.means.gather(-2, both).squeeze(-2)
        scale = self.scales.gather(-2, both).squeeze(-2)
        r = self.correlations.gather(-1, chosen).squeeze(-1)
        second = r * first + ((1 - r) * (1 + r)).sqrt() * second
        moved = mean + scale * torch.stack((first, second), -1)
        pen = up < self.pen.sigmoid()
        return torch.cat((moved, pen[..., None].to(mean)), -1)

    def draw(self, generator: torch.Generator) -> Tensor:
        """Draw one row ``(..., 3)`` from each density."""
        shape, dtype = (*self.pen.shape, 2), self.pen.dtype
        (which, up), (first, second) = (
            make(shape, generator=generator, dtype=dtype).to(self.pen).unbind(-1)
            for make in (torch.rand, torch.randn)
        )
        return self.place(torch.stack((which, first, second, up), -1))


def mixture_of(output: Tensor, *, smallest_scale: float = 1e-4) -> StrokeMixture:
    """Read a network's output ``(..., 6 K + 1)`` as the parameters of K Gaussians and a pen.

    The columns are K weights, K means of dx, K of dy, K scales of dx, K of dy, K correlations, and the pen.

    Raises:
        ValueError: if the last axis is not 6 K + 1 with K at least 1, or ``smallest_scale`` is not positive.
    """
    count, left = divmod(output.shape[-1] - 1, 6)
    if left or count < 1:
        raise ValueError(f"output must have 6 K + 1 columns, K at least 1, got {output.shape[-1]}")
    if not smallest_scale > 0:
        raise ValueError(f"smallest_scale must be above 0, got {smallest_scale}")
    weights, mx, my, sx, sy, r, pen = output.split((*([count] * 6), 1), -1)
    return StrokeMixture(
        torch.log_softmax(weights, -1),
        torch.stack((mx, my), -1),
        F.softplus(torch.stack((sx, sy), -1)) + smallest_scale,
        LARGEST_CORRELATION * torch.tanh(r),
        pen.squeeze(-1),
    )
