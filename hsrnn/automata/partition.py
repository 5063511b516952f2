"""Partition refinement and products on dense tables: what minimising and comparing rest on.

Moore (1956): states that no word tells apart are one state. Start from the two blocks "accepting" and "not",
and split blocks until all states of a block go, on each symbol, to one block. Each round is one sort over all
states, so n rounds at worst but very few in practice. Symbols with equal columns are looked at once (decision
A12): of a vocabulary of thousands, only a few columns are left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.integer]


def unique_rows(array: Table) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the index of the first of each distinct row, and for each row of ``array`` ``(n, m)`` the number
    of the distinct row it equals; distinct rows are numbered by first appearance."""
    if array.shape[1] == 0:
        return np.zeros(min(1, len(array)), np.intp), np.zeros(len(array), np.intp)
    # Few bytes a row make the sort cheap: the smallest type that holds every entry.
    narrow = np.ascontiguousarray(array, np.min_scalar_type(int(array.max(initial=0))))
    keys = narrow.view(np.dtype((np.void, narrow.itemsize * narrow.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    order = np.argsort(first)
    rank[order] = np.arange(len(first))
    return first[order], rank[inverse.ravel()]


def breadth_first(table: Table, start: int) -> NDArray[np.intp]:
    """Return the states that ``table`` ``(states, symbols)`` reaches from ``start``, in the order in which a
    breadth-first search meets them, symbols taken in order."""
    seen = np.zeros(len(table), bool)
    seen[start] = True
    order = [np.array([start], np.intp)]
    while order[-1].size:
        frontier = first_seen(table[order[-1]].ravel())
        frontier = frontier[~seen[frontier]]
        seen[frontier] = True
        order.append(frontier)
    return np.concatenate(order)


def first_seen(values: Table) -> NDArray[np.intp]:
    """Return the distinct values of a 1-D array in order of first appearance."""
    distinct, first = np.unique(values, return_index=True)
    return distinct[np.argsort(first)].astype(np.intp)


def renumber(
    table: Table, accepting: NDArray[np.bool_], order: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return table and accepting states of the states in ``order`` alone, numbered by their place there; no
    transition may leave them."""
    number = np.empty(len(table), np.intp)
    number[order] = np.arange(len(order))
    return number[table[order]], accepting[order]


def refine(table: Table, accepting: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return for each state the number of its block in the coarsest partition that no word splits further."""
    columns, _ = unique_rows(table.T)
    looked_at = table[:, columns]
    _, block = unique_rows(accepting[:, None].astype(np.uint8))
    blocks = int(block.max()) + 1
    while True:
        _, block = unique_rows(np.column_stack([block, block[looked_at]]))
        if int(block.max()) + 1 == blocks:
            return block
        blocks = int(block.max()) + 1


def minimal(
    table: Table, accepting: NDArray[np.bool_], start: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.intp]]:
    """Return table and accepting states of the minimal complete automaton, start state 0, states in the order
    of a breadth-first search (so that equal languages give equal tables), and for each old state the number
    of the new one, -1 where it is not reachable."""
    reached = breadth_first(table, start)
    small, accepts = renumber(table, accepting, reached)
    block = refine(small, accepts)
    _, first = np.unique(block, return_index=True)
    quotient = block[small[first]]
    order = breadth_first(quotient, int(block[0]))
    number = np.full(len(table), -1, np.intp)
    number[reached] = np.argsort(order)[block]
    return *renumber(quotient, accepts[first], order), number


def shortest_difference(
    first: Table, second: Table, first_accepts: NDArray[np.bool_], second_accepts: NDArray[np.bool_],
    starts: tuple[int, int],
) -> list[int] | None:  # fmt: skip
    """Return the shortest word, first in alphabetical order among the shortest, that exactly one of two
    automata over the same symbols accepts, as codes; ``None`` if there is none.

    A breadth-first search over pairs of states, layer by layer.
    """
    columns, _ = unique_rows(np.concatenate([first, second]).T)
    a, b, width = first[:, columns], second[:, columns], len(second)
    parent = np.full(len(first) * width, -1, np.int64)
    symbol = np.zeros(len(first) * width, np.int64)
    root = starts[0] * width + starts[1]
    parent[root] = root
    frontier = np.array([root])
    while frontier.size:
        differ = first_accepts[frontier // width] != second_accepts[frontier % width]
        if differ.any():
            pair, word = int(frontier[np.argmax(differ)]), []
            while pair != root:
                word.append(int(columns[symbol[pair]]))
                pair = int(parent[pair])
            return word[::-1]
        pairs = (a[frontier // width] * width + b[frontier % width]).ravel()
        _, at = np.unique(pairs, return_index=True)
        at = np.sort(at)
        at = at[parent[pairs[at]] < 0]
        parent[pairs[at]], symbol[pairs[at]] = frontier[at // len(columns)], at % len(columns)
        frontier = pairs[at]
    return None
