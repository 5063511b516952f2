"""Ways in and out: automata-lib, AALpy, DOT text, JSON, and a regular expression where it is short."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from automata.fa.dfa import DFA
from automata.fa.nfa import NFA

from .automaton import Automaton
from .sequences import check_alphabet


def to_automata_lib(automaton: Automaton) -> DFA:
    """Return a complete automata-lib DFA with states 0, 1, ...; never test it with ``if dfa:``, which counts
    its words."""
    return DFA(
        states=set(range(automaton.n_states)),
        input_symbols=set(automaton.alphabet),
        transitions={
            state: dict(zip(automaton.alphabet, row)) for state, row in enumerate(automaton.table.tolist())
        },
        initial_state=automaton.start,
        final_states=set(np.flatnonzero(automaton.accepting).tolist()),
    )


def from_automata_lib(dfa: DFA, alphabet: Sequence[str] | None = None) -> Automaton:
    """Return the automaton of an automata-lib DFA; a partial one is completed by a rejecting sink.

    Args:
        dfa: any DFA; its states may have any names.
        alphabet: the order of its symbols; sorted if ``None``.

    Raises:
        ValueError: if ``alphabet`` does not name exactly the DFA's symbols.
    """
    symbols = check_alphabet(sorted(dfa.input_symbols) if alphabet is None else alphabet)
    if set(symbols) != set(dfa.input_symbols):
        raise ValueError(f"alphabet must name the symbols {sorted(dfa.input_symbols)}, got {list(symbols)}")
    return _from_transitions(dfa.transitions, symbols, dfa.initial_state, dfa.final_states)


def _from_transitions(transitions: Any, symbols: tuple[str, ...], start: Any, final: Any) -> Automaton:
    """Number the states that can be reached in the order of a breadth-first search; what has no transition
    goes to a sink."""
    number, queue, rows = {start: 0}, [start], []
    sink = object()
    for state in queue:
        targets = [transitions.get(state, {}).get(symbol, sink) for symbol in symbols]
        for target in targets:
            if target not in number:
                number[target] = len(number)
                queue.append(target)
        rows.append([number[target] for target in targets])
    return Automaton.of(symbols, rows, [number[state] for state in final if state in number])


def from_regex(expression: str, alphabet: Sequence[str]) -> Automaton:
    """Return the minimal automaton of a regular expression in automata-lib's syntax: ``|``, ``*``, ``+``,
    ``?``, ``( )``, ``{m,n}``, ``.`` for any symbol.

    Raises:
        ValueError: for symbols of more than one character, or an expression that cannot be read.
    """
    symbols = check_alphabet(alphabet)
    if any(len(symbol) > 1 for symbol in symbols):
        raise ValueError(
            "a regular expression needs symbols of one character; give the language as a DFA or a predicate"
        )
    try:
        dfa = DFA.from_nfa(NFA.from_regex(expression, input_symbols=set(symbols)), minify=False)
    except Exception as error:
        raise ValueError(
            f"{expression!r} is no regular expression over {''.join(symbols)!r}: {error}"
        ) from error
    return from_automata_lib(dfa, symbols).minimise()


def to_aalpy(automaton: Automaton) -> Any:
    """Return an AALpy ``Dfa`` with states ``s0, s1, ...``.

    Raises:
        ModuleNotFoundError: if AALpy is not installed.
    """
    dfa_class = aalpy_module("aalpy.automata").Dfa
    # AALpy takes the first state of the dictionary as the start.
    order = [automaton.start, *(s for s in range(automaton.n_states) if s != automaton.start)]
    rows = automaton.table.tolist()
    return dfa_class.from_state_setup({
        f"s{state}": (
            bool(automaton.accepting[state]),
            {symbol: f"s{target}" for symbol, target in zip(automaton.alphabet, rows[state])},
        )
        for state in order
    })  # fmt: skip


def from_aalpy(dfa: Any, alphabet: Sequence[str] | None = None) -> Automaton:
    """Return the automaton of an AALpy ``Dfa``; missing transitions go to a rejecting sink.

    Args:
        dfa: an AALpy ``Dfa`` whose inputs are strings.
        alphabet: the order of the symbols; sorted if ``None``.
    """
    symbols = check_alphabet(sorted(dfa.get_input_alphabet()) if alphabet is None else alphabet)
    transitions = {
        state.state_id: {symbol: target.state_id for symbol, target in state.transitions.items()}
        for state in dfa.states
    }
    final = [state.state_id for state in dfa.states if state.is_accepting]
    return _from_transitions(transitions, symbols, dfa.initial_state.state_id, final)


def aalpy_module(name: str) -> Any:
    """Import a module of AALpy, which only peers and conversions need.

    Raises:
        ModuleNotFoundError: if it is not installed; the message says how to get it.
    """
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("L*, KV and AALpy automata need AALpy: pip install aalpy") from error


def to_dot(automaton: Automaton, *, names: Sequence[str] | None = None, max_symbols: int = 8) -> str:
    """Return DOT text: left to right, double circles accept, an arrow from nowhere marks the start.

    Args:
        automaton: any.
        names: what to write into the states; their numbers if ``None``.
        max_symbols: how many symbols to write on an edge; of more it writes the first and how many there are.

    Raises:
        ValueError: unless there is one name a state.
    """
    names = [str(state) for state in range(automaton.n_states)] if names is None else list(names)
    if len(names) != automaton.n_states:
        raise ValueError(f"names must be {automaton.n_states}, one a state, got {len(names)}")
    lines = ["digraph automaton {", "  rankdir=LR;", '  start [shape=none, label=""];']
    for state, name in enumerate(names):
        shape = "doublecircle" if automaton.accepting[state] else "circle"
        lines.append(f"  {state} [shape={shape}, label={_quoted(name)}];")
    lines.append(f"  start -> {automaton.start};")
    for (state, target), symbols in automaton.edges().items():
        label = ", ".join(symbols[:max_symbols])
        if len(symbols) > max_symbols:
            label += f", ... ({len(symbols)})"
        lines.append(f"  {state} -> {target} [label={_quoted(label)}];")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_json(automaton: Automaton) -> str:
    """Return one JSON object: ``alphabet``, ``start``, ``accepting`` (list of states) and ``table``
    (rows)."""
    return json.dumps({
        "alphabet": list(automaton.alphabet),
        "start": automaton.start,
        "accepting": np.flatnonzero(automaton.accepting).tolist(),
        "table": automaton.table.tolist(),
    })  # fmt: skip


def from_json(text: str) -> Automaton:
    """Read back what :func:`to_json` wrote.

    Raises:
        ValueError: for text that is no such object, or a table that is no automaton.
    """
    try:
        value = json.loads(text)
        parts = [value[name] for name in ("alphabet", "table", "accepting", "start")]
        return Automaton.of(*parts)
    except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
        raise ValueError(
            f"an automaton in JSON is an object with alphabet, table, accepting and start: {error!r}"
        ) from error


def to_regex(automaton: Automaton, max_length: int = 200) -> str | None:
    """Return a regular expression of the automaton's language, or ``None`` if it would be long.

    States of the minimised automaton are eliminated one by one, those first that lengthen the expression
    least (Kleene; Brzozowski and McCluskey 1963). The syntax is that of Python's :mod:`re` (use
    ``re.fullmatch``) and of automata-lib, but for ``(?!)``, the empty language, which only Python knows.

    Args:
        automaton: its symbols must be single characters.
        max_length: longest expression worth writing, in characters.

    Raises:
        ValueError: for symbols of more than one character.
    """
    if any(len(symbol) > 1 for symbol in automaton.alphabet):
        raise ValueError("a regular expression needs symbols of one character; look at edges() instead")
    small = automaton.minimise()
    paths: dict[tuple[int, int], str] = {
        edge: _either([re.escape(symbol) for symbol in symbols]) for edge, symbols in small.edges().items()
    }
    begin, end = -1, -2
    paths[begin, 0] = ""
    for state in np.flatnonzero(small.accepting).tolist():
        paths[state, end] = ""
    left = set(range(small.n_states))
    while left:
        state = min(left, key=lambda q: (_growth(paths, q), q))
        loop = _repeated(paths.pop((state, state), ""), "*")
        into = [(p, paths.pop((p, q))) for p, q in list(paths) if q == state]
        out = [(r, paths.pop((q, r))) for q, r in list(paths) if q == state]
        for p, before in into:
            for r, after in out:
                new = _group(before) + loop + _group(after)
                if len(new) > 4 * max_length:
                    return None
                old = paths.get((p, r))
                paths[p, r] = new if old is None else _either([old, new])
        left.discard(state)
    result = paths.get((begin, end), "(?!)")
    return result if len(result) <= max_length else None


def _growth(paths: dict[tuple[int, int], str], state: int) -> int:
    """Return how many characters the elimination of a state adds."""
    loop = len(paths.get((state, state), ""))
    into = [len(text) for (p, q), text in paths.items() if q == state != p]
    out = [len(text) for (p, q), text in paths.items() if p == state != q]
    return sum(into) * (len(out) - 1) + sum(out) * (len(into) - 1) + loop * (len(into) * len(out) - 1)


def _either(parts: Sequence[str]) -> str:
    """Return ``a|b``; the empty word among them makes the rest optional."""
    filled = [part for part in parts if part]
    if not filled:
        return ""
    text = "|".join(filled)
    return _repeated(text, "?") if len(filled) < len(parts) else text


def _group(text: str) -> str:
    """Put brackets around a text with an ``|`` outside brackets."""
    return f"({text})" if _splits(text) else text


def _repeated(text: str, sign: str) -> str:
    """Put ``*`` or ``?`` behind a text, with brackets unless it is one symbol."""
    if not text:
        return ""
    one = len(text) == 1 or (len(text) == 2 and text[0] == "\\")
    return f"{text}{sign}" if one else f"({text}){sign}"


def _splits(text: str) -> bool:
    depth, escaped = 0, False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            depth += (character == "(") - (character == ")")
            if character == "|" and depth == 0:
                return True
    return False
