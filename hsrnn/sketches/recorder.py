"""From the forward pass of a torch network built of modules to trees of objects.

Source: Ghazi, Panigrahy and Wang (2019, arXiv 1905.12730): a sketch is added to a network that is trained
already. :class:`Recorder` hooks the named submodules. Each call of one makes an object for each row of its
output; its inputs are the objects whose outputs it depends on, found by following autograd's graph back to
the nearest recorded outputs, so that reshaping, stacking and arithmetic in between need no cooperation. Only
``detach()`` hides where a tensor came from.

A module that works on parts is often called once with the parts folded into the batch, sample by sample: rows
``k m`` to ``k m + m - 1`` belong to row k of what uses them. Where a module has fewer rows than what uses it,
its object is shared by several.

Deviation S5: the paper takes trained modules and the weights of their inputs as given; here both come from a
real torch network, and weights from a rule that the caller chooses, equal ones by default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .modular import Object, bounded, overall, split_signs

WeightRule = Literal["equal", "norm", "gradient"] | Callable[["Call", list["Call"]], Tensor]
AttributeRule = Callable[[str, Tensor], Tensor]


@dataclass(eq=False)
class Call:
    """One recorded call of a module.

    Attributes:
        module: its name in the tree.
        output: ``(rows, ...)`` what it gave.
        inputs: the calls it depends on, in the order in which they ran.
    """

    module: str
    output: Tensor
    inputs: list[Call] = field(default_factory=list)


class _Mark(torch.autograd.Function):
    """Passes a tensor on unchanged, and gives it a node of its own in autograd's graph even where nothing is
    trained."""

    @staticmethod
    def forward(context: Any, tensor: Tensor, token: Tensor) -> Tensor:
        """Return the tensor."""
        return tensor.view_as(tensor)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Pass the gradient on."""
        return gradient, None


def default_attributes(module: str, output: Tensor) -> Tensor:
    """Return non-negative attributes of length at most 1 of a module's output ``(rows, ...)``: flattened,
    split by sign, and divided by the length where that is above 1."""
    return bounded(split_signs(output.flatten(1)))


class Recorder:
    """Records which objects a network makes of a batch; a context manager.

    Args:
        network: any module; it is left as it was when the recorder closes.
        modules: path of a submodule in ``network`` -> its name in the trees. Several paths may have one name.
        attributes: (name, output ``(rows, ...)``) -> attribute vectors ``(rows, a)``.
        weights: how much each input of an object matters: "equal"; "norm", the length of its output;
            "gradient", the size of output x gradient of the sum of what the object gave; or a function of the
            call and its inputs that gives ``(rows, inputs)`` non-negative numbers, where an input with
            several rows for each of the call's counts as that many. All are divided by their sum.

    Raises:
        ValueError: for a path that is not in the network, no modules, or an unknown rule.
    """

    def __init__(
        self, network: nn.Module, modules: Mapping[str, str], *,
        attributes: AttributeRule = default_attributes, weights: WeightRule = "equal",
    ) -> None:  # fmt: skip
        if not modules:
            raise ValueError("modules must name at least one submodule, got none")
        if isinstance(weights, str) and weights not in ("equal", "norm", "gradient"):
            raise ValueError(f"weights must be equal, norm, gradient or a function, got {weights!r}")
        known = dict(network.named_modules())
        for path in modules:
            if path not in known:
                near = ", ".join(sorted(name for name in known if name)[:8])
                raise ValueError(f"the network has no submodule {path!r}; it has {near}")
        self.network, self.modules = network, dict(modules)
        self.attributes, self.weights = attributes, weights
        self._submodules = {path: known[path] for path in modules}
        self._handles: list[Any] = []
        self._calls: list[Call] = []
        self._nodes: dict[Any, Call] = {}

    def __enter__(self) -> Recorder:
        """Hook the submodules."""
        for path, submodule in self._submodules.items():
            name = self.modules[path]

            def hook(module: nn.Module, given: tuple, output: Tensor, name: str = name) -> Tensor:
                return self._record(name, output)

            self._handles.append(submodule.register_forward_hook(hook))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._calls, self._nodes = [], [], {}

    def __call__(self, *inputs: Any, **named: Any) -> tuple[Any, list[Object]]:
        """Run the network and return what it gives, and the pseudo-object over the outputs of each sample.

        The outputs are the recorded calls that no other recorded call uses; their rows say how many samples
        there are.

        Raises:
            ValueError: if nothing was recorded, a recorded module gave no single tensor of rows, or rows do
                not fit together.
            RuntimeError: if it is called outside its ``with`` block.
        """
        if not self._handles:
            raise RuntimeError("a recorder works inside its block: with Recorder(...) as recorder: ...")
        self._calls, self._nodes = [], {}
        with torch.enable_grad():
            result = self.network(*inputs, **named)
        if not self._calls:
            raise ValueError(f"none of {', '.join(self.modules)} was called; nothing is recorded")
        return result, self._trees()

    def _record(self, name: str, output: Tensor) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim < 1 or not output.is_floating_point():
            raise ValueError(
                f"module {name!r} must give one tensor (rows, ...) of real numbers to be recorded"
            )
        token = torch.ones((), device=output.device, requires_grad=True)
        marked = _Mark.apply(output, token)
        call = Call(name, marked, self._sources([output.grad_fn]))
        self._calls.append(call)
        self._nodes[marked.grad_fn] = call
        return marked

    def _sources(self, nodes: list[Any]) -> list[Call]:
        """Return the nearest recorded calls behind some nodes of autograd's graph."""
        seen, found = set(), []
        while nodes:
            node = nodes.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if node in self._nodes:
                found.append(self._nodes[node])
            else:
                nodes += [following for following, _ in node.next_functions]
        return sorted(found, key=self._calls.index)

    def _trees(self) -> list[Object]:
        used = {id(part) for call in self._calls for part in call.inputs}
        made: dict[int, list[Object]] = {}
        for call in self._calls:
            with torch.no_grad():
                vectors = self.attributes(call.module, call.output.detach())
            rows = len(call.output)
            if len(vectors) != rows:
                raise ValueError(
                    f"attributes of {call.module!r} must be ({rows}, a), got {tuple(vectors.shape)}"
                )
            shares = self._shares(call)
            made[id(call)] = [
                Object(
                    call.module, vectors[row],
                    tuple(thing for part in call.inputs for thing in _rows_of(made[id(part)], row, rows)),
                    None if shares is None else tuple(shares[row].tolist()),
                )
                for row in range(rows)
            ]  # fmt: skip
        tops = [call for call in self._calls if id(call) not in used]
        samples = min(len(call.output) for call in tops)
        return [
            overall([thing for call in tops for thing in _rows_of(made[id(call)], row, samples)])
            for row in range(samples)
        ]

    def _shares(self, call: Call) -> Tensor | None:
        """Return the weights of a call's inputs ``(rows, inputs)``, 1 in sum, or ``None`` for equal ones."""
        if self.weights == "equal" or not call.inputs:
            return None
        rows = len(call.output)
        if callable(self.weights):
            raw = self.weights(call, call.inputs)
        else:
            outputs = [part.output for part in call.inputs]
            sizes = [output.detach() for output in outputs]
            if self.weights == "gradient":
                slopes = torch.autograd.grad(call.output.sum(), outputs, retain_graph=True, allow_unused=True)
                sizes = [
                    torch.zeros_like(size) if slope is None else size * slope
                    for size, slope in zip(sizes, slopes, strict=True)
                ]
            lengths = [size.flatten(1).norm(dim=1) for size in sizes]
            raw = torch.cat([_fold(length, rows) for length in lengths], 1)
        total = raw.sum(1, keepdim=True)
        if bool((raw < 0).any()) or not bool(raw.isfinite().all()):
            raise ValueError(f"weights of the inputs of {call.module!r} must be finite and non-negative")
        return torch.where(
            total > 0, raw / total.clamp_min(1e-30), torch.ones_like(raw) / raw.shape[1]
        ).double()


def _rows_of(things: list[Object], row: int, rows: int) -> list[Object]:
    """Return the objects that belong to a row of a call with ``rows`` rows."""
    count = len(things)
    if count % rows == 0:
        return things[row * (count // rows) : (row + 1) * (count // rows)]
    if rows % count == 0:
        return [things[row // (rows // count)]]
    raise ValueError(
        f"{count} rows of module {things[0].module!r} do not fold into {rows} rows; "
        "fold parts into the batch sample by sample"
    )


def _fold(values: Tensor, rows: int) -> Tensor:
    """Return ``values`` ``(count,)`` as ``(rows, count / rows)``, repeating them where there are fewer."""
    if len(values) % rows == 0:
        return values.view(rows, -1)
    return values.repeat_interleave(rows // len(values))[:, None]
