"""How every benchmark takes its times: runs in alternation in one process, on a fixed number of threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import torch


def alternate(
    ours: Callable[[], object],
    reference: Callable[[], object],
    repeats: int,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Return the median seconds of both, run in alternation after one unmeasured run of each.

    Args:
        ours: what is measured.
        reference: what it is compared with.
        repeats: measured runs of each.
        clock: what gives the seconds. ``time.process_time``, the time that this process spent on a processor,
            leaves out what other programs took; with several threads it adds them up.
    """
    seconds: dict[Callable[[], object], list[float]] = {ours: [], reference: []}
    for k in range(repeats + 1):
        for run, taken in seconds.items():
            start = clock()
            run()
            if k:
                taken.append(clock() - start)
    return median(seconds[ours]), median(seconds[reference])


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use ``count`` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
