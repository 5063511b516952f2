"""What all trainings share: checkpoints that survive any interruption, schedules, logs, several
processes and seeds.

Nothing here knows a model: rooms and experiments call it with tensors and plain values. No pickle is
written or read; a checkpoint is one safetensors file whose header carries the plain values as JSON.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

Result = TypeVar("Result")


class CheckpointError(ValueError):
    """A checkpoint file that cannot be read, or that belongs to another run."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` so that ``path`` holds either all of the old bytes or all of the new ones, even
    after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def save_checkpoint(path: Path, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
    """Save named tensors and JSON-able ``values`` to one safetensors file, atomically."""
    unaliased = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_atomically(path, to_bytes(unaliased, metadata={"values": json.dumps(values, sort_keys=True)}))


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read back what :func:`save_checkpoint` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        CheckpointError: if the file is damaged or carries no values.
    """
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        with safe_open(str(path), framework="pt") as file:
            values = (file.metadata() or {}).get("values")
            # Copies: a tensor of a file lies at any address, and products depend on it in their last digit.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged ({error}); delete it to start anew") from error
    if values is None:
        raise CheckpointError(
            f"{path} is a safetensors file, but not one of our checkpoints (its header has no values)"
        )
    return tensors, json.loads(values)


def flatten(prefix: str, tree: Any) -> dict[str, Tensor]:
    """Name every tensor of nested tuples and dicts: ``{"state.0.hidden": tensor, ...}``."""
    if isinstance(tree, Tensor):
        return {prefix: tree}
    if isinstance(tree, dict):
        items: Iterable[tuple[Any, Any]] = tree.items()
    else:
        items = zip(getattr(tree, "_fields", range(len(tree))), tree)
    return {name: tensor for key, part in items for name, tensor in flatten(f"{prefix}.{key}", part).items()}


def restore(prefix: str, template: Any, tensors: dict[str, Tensor]) -> Any:
    """Rebuild a nest like ``template`` from the tensors that :func:`flatten` named.

    Raises:
        CheckpointError: if a tensor is missing or has another shape.
    """
    if isinstance(template, Tensor):
        if prefix not in tensors or tensors[prefix].shape != template.shape:
            raise CheckpointError(f"the checkpoint has no tensor {prefix!r} of shape {tuple(template.shape)}")
        return tensors[prefix].to(template.device, template.dtype)
    if isinstance(template, dict):
        return {key: restore(f"{prefix}.{key}", part, tensors) for key, part in template.items()}
    names = getattr(template, "_fields", range(len(template)))
    parts = [restore(f"{prefix}.{name}", part, tensors) for name, part in zip(names, template)]
    return type(template)(*parts) if hasattr(template, "_fields") else tuple(parts)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Name every tensor of an optimiser's state: ``optimizer.<parameter index>.<name>``."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer.{k}.{name}": tensor for k, entry in state.items() for name, tensor in entry.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put the tensors of :func:`optimizer_tensors` back; learning rates and other options stay as
    constructed."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, k, entry = name.split(".")
            state.setdefault(int(k), {})[entry] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def keep_training(
    path: Path,
    run: dict[str, Any],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    tensors: dict[str, Tensor],
    values: dict[str, Any],
) -> None:
    """Write a checkpoint that :func:`resume_training` goes on from.

    Args:
        path: the file.
        run: what tells this run from others, plain values as JSON gives them back.
        model: its parameters and buffers are kept,
        optimizer: and its state,
        generator: and where its draws stand.
        tensors: what else the loop holds.
        values: plain values that it holds.
    """
    own = flatten("model", model.state_dict()) | optimizer_tensors(optimizer)
    own["generator"] = generator.get_state()
    save_checkpoint(path, own | tensors, {"run": run} | values)


def resume_training(
    path: Path,
    run: dict[str, Any],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Put model, optimiser and generator back as :func:`keep_training` found them, and return all tensors and
    values of the checkpoint.

    Raises:
        CheckpointError: if the file is damaged, or was written by another run.
    """
    tensors, values = load_checkpoint(path)
    if (found := values["run"]) != run:
        differ = ", ".join(name for name in run if found.get(name) != run[name])
        raise CheckpointError(
            f"{path} belongs to a run with other {differ}: use another folder, or delete it"
        )
    model.load_state_dict(restore("model", model.state_dict(), tensors))
    restore_optimizer(optimizer, tensors)
    generator.set_state(tensors["generator"])
    return tensors, values


def linear_slope(epoch: float, *, per_epoch: float, maximum: float) -> float:
    """Return ``min(maximum, 1 + per_epoch * epoch)``, the slope-annealing schedule by the CURRENT epoch
    (0 first)."""
    return min(maximum, 1.0 + per_epoch * epoch)


@dataclass
class PlateauDecay:
    """Divide the learning rate by ``factor`` when the validation loss has not improved for ``patience``
    evaluations.

    Attributes:
        patience: evaluations without improvement that are tolerated; the one after them divides.
        factor: divisor, 50 in the HM-RNN paper.
        best: lowest loss so far.
        waited: evaluations since then.
        decays: number of divisions so far.
    """

    patience: int
    factor: float
    best: float = float("inf")
    waited: int = 0
    decays: int = 0

    def step(self, loss: float) -> bool:
        """Take the newest validation loss; return whether the learning rate is divided now."""
        if loss < self.best:
            self.best, self.waited = loss, 0
            return False
        self.waited += 1
        if self.waited <= self.patience:
            return False
        self.waited = 0
        self.decays += 1
        return True


class JsonLog:
    """A log of one JSON object a line, that a resumed run cuts back to its checkpoint before it goes on.

    Args:
        path: the file; ``None`` keeps the lines in memory only.
        keep: number of lines that belong to the run so far; what stands behind them is cut off.
    """

    def __init__(self, path: Path | None, *, keep: int = 0) -> None:
        self.path = path
        self.lines: list[dict[str, Any]] = []
        if path is not None:
            if keep and path.exists():
                with path.open() as file:
                    self.lines = [json.loads(line) for line, _ in zip(file, range(keep))]
            if len(self.lines) < keep:
                raise CheckpointError(
                    f"{path} has {len(self.lines)} lines, but the checkpoint was made after {keep}"
                )
            write_atomically(path, "".join(json.dumps(line) + "\n" for line in self.lines).encode())

    def write(self, **values: Any) -> None:
        """Append one line."""
        self.lines.append(values)
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(values) + "\n")


@dataclass(frozen=True)
class Processes:
    """The group of processes that ``torchrun`` started, or this process alone.

    Attributes:
        rank: number of this process, 0 first.
        count: number of processes.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def from_environment(cls) -> Processes:
        """Join the group that ``torchrun`` describes in the environment (nccl on GPUs, else gloo)."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls()
        if not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        return cls(torch.distributed.get_rank(), count)

    @property
    def first(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def share(self, rows: int) -> slice:
        """Return the slice of a batch of ``rows`` that is this process's.

        Raises:
            ValueError: if the rows do not divide evenly.
        """
        if rows % self.count:
            raise ValueError(f"{rows} rows cannot be shared evenly by {self.count} processes")
        each = rows // self.count
        return slice(self.rank * each, (self.rank + 1) * each)

    def average(self, tensor: Tensor) -> Tensor:
        """Replace ``tensor`` by its mean over all processes, in place, and return it."""
        if self.count > 1:
            torch.distributed.all_reduce(tensor)
            tensor /= self.count
        return tensor

    def average_gradients(self, model: nn.Module) -> None:
        """Replace every gradient by its mean over all processes, in one message."""
        if self.count == 1:
            return
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        flat = self.average(torch.cat([g.flatten() for g in gradients]))
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients])):
            gradient.copy_(part.view_as(gradient))


def run_seeds(
    function: Callable[[int], Result], seeds: Sequence[int], *, jobs: int = 1, dask: str | None = None
) -> list[Result]:
    """Call ``function(seed)`` for every seed, in this process, in ``jobs`` processes, or on a Dask cluster.

    Args:
        function: picklable, takes a seed.
        seeds: distinct seeds.
        jobs: processes on this machine (joblib); each gets its share of the cores.
        dask: address of an existing Dask scheduler, e.g. ``tcp://host:8786``; needs ``pip install
            hsrnn[dask]``.

    Returns:
        The results in the order of ``seeds``.

    Raises:
        ValueError: for no seed, a seed named twice or fewer than 1 job.
        ModuleNotFoundError: if ``dask`` is given and Dask is not installed.
    """
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds must be distinct and at least one, got {list(seeds)}")
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    if dask is not None:
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "a Dask cluster needs the optional extra: pip install 'hsrnn[dask]'"
            ) from error
        with Client(dask) as client:
            return client.gather(client.map(function, seeds, pure=False))
    if jobs == 1:
        return [function(seed) for seed in seeds]
    from joblib import Parallel, delayed

    threads = max(1, (os.cpu_count() or 1) // jobs)
    return Parallel(n_jobs=jobs)(delayed(_with_threads)(function, seed, threads) for seed in seeds)


def _with_threads(function: Callable[[int], Result], seed: int, threads: int) -> Result:
    torch.set_num_threads(threads)
    return function(seed)
