"""The networks and automata that run in the page are those of PyTorch and of the package."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hsrnn.automata import Automaton, SequenceClassifier
from hsrnn.figures.weights import pack, unpack

from .automata_figures import CELLS, machine_of, padded, random_net, random_words
from .conftest import RunNode, arrays

pytestmark = pytest.mark.needs_node

READ = """
import { decodeWeights } from "@static/hmlstm.js";
import { Walk, buildNet, logits, margin } from "@static/recurrent.js";
const net = buildNet(decodeWeights(data.weights), data.cell);
console.log(JSON.stringify(data.words.map((codes) => {
  const states = new Walk(net).read(codes);
  return {
    hidden: states.map((state) => [...state]), logits: states.map((state) => [...logits(net, state)]),
    accepts: margin(net, states.at(-1)) > 0,
  };
})));
"""


def as_the_page_has_it(net: SequenceClassifier, bits: int) -> SequenceClassifier:
    """Give a network the weights that the page computes with, in double precision."""
    packed = unpack(pack(arrays(net), bits))
    net = net.double()
    net.load_state_dict({name: torch.from_numpy(array).double() for name, array in packed.items()})
    return net


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("embedding", "bits"), [(None, 32), (5, 8)])
def test_every_cell_is_pytorchs(run_node: RunNode, cell: str, embedding: int | None, bits: int) -> None:
    net = random_net(cell, 3, embedding)
    words = random_words(3, 100, 25)
    answer = run_node(READ, {"cell": cell, "weights": pack(arrays(net), bits), "words": words})
    net = as_the_page_has_it(net, bits)
    sequences = padded(words)
    states = net.states(sequences, whole=True)
    verdicts = net.predict(sequences)
    ends = np.cumsum(sequences.lengths)
    with torch.no_grad():
        outputs = net.output(torch.from_numpy(states[:, : net.hidden_size])).numpy()
    for word, end, read in zip(words, ends, answer, strict=True):
        rows = slice(end - len(word), end)
        np.testing.assert_array_equal(read["hidden"][0], 0.0)
        np.testing.assert_allclose(read["hidden"][1:], states[rows], rtol=0, atol=1e-9)
        np.testing.assert_allclose(read["logits"][1:], outputs[rows], rtol=0, atol=1e-9)
    np.testing.assert_array_equal([read["accepts"] for read in answer], verdicts)
    assert 10 < verdicts.sum() < 90  # the comparison of verdicts means something


def test_editing_recomputes_only_from_the_edit_on_and_gives_the_same(run_node: RunNode) -> None:
    source = """
import { decodeWeights } from "@static/hmlstm.js";
import { Walk, buildNet } from "@static/recurrent.js";
const net = buildNet(decodeWeights(data.weights), "lstm");
const walk = new Walk(net);
console.log(JSON.stringify(data.visits.map((codes) => {
  const before = [...walk.states];
  const states = walk.read(codes);
  const fresh = new Walk(net).read(codes);
  const kept = states.findIndex((state, t) => state !== before[t]);
  const same = states.every((state, t) => state.every((value, i) => value === fresh[t][i]));
  return [kept === -1 ? states.length : kept, same && states.length === codes.length + 1];
})));
"""
    visits = [[0, 1, 2], [0, 1, 2, 0], [0, 2, 2, 0], [0, 2], []]
    net = random_net("lstm", 3)
    answer = run_node(source, {"weights": pack(arrays(net), 32), "visits": visits})
    assert answer == [[1, True], [4, True], [2, True], [3, True], [1, True]]


def random_automaton(random: np.random.Generator, states: int, symbols: int) -> Automaton:
    alphabet = "abc"[:symbols]
    accepting = random.random(states) < 0.4
    return Automaton(tuple(alphabet), random.integers(0, states, (states, symbols)), accepting)


def as_json(automaton: Automaton) -> dict[str, object]:
    machine = machine_of(automaton)
    return {key: np.asarray(value).tolist() for key, value in machine.items()}


def test_machines_run_like_the_packages(run_node: RunNode) -> None:
    random = np.random.default_rng(1)
    machines = [random_automaton(random, int(random.integers(1, 15)), 3) for _ in range(20)]
    words = [*random_words(3, 40, 30), []]
    source = """
import { accepts, trace } from "@static/machines.js";
console.log(JSON.stringify(data.machines.map((machine) => data.words.map((codes) =>
  [trace(machine, codes), accepts(machine, codes)]))));
"""
    answer = run_node(source, {"machines": [as_json(each) for each in machines], "words": words})
    for machine, runs in zip(machines, answer, strict=True):
        texts = ["".join("abc"[code] for code in word) for word in words]
        states = machine.trace(texts)
        for word, row, (path, accepted) in zip(words, states, runs, strict=True):
            assert path == row[: len(word) + 1].tolist()
            assert accepted == machine.accepting[path[-1]]
        assert [path[-1] for path, _ in runs] == machine.run(texts).tolist()


@pytest.mark.parametrize("empty", [True, False])
def test_counterexamples_are_shortest(run_node: RunNode, empty: bool) -> None:
    random = np.random.default_rng(2)
    pairs = [[random_automaton(random, int(random.integers(1, 9)), 2) for _ in range(2)] for _ in range(60)]
    pairs += [[one, one.minimise()] for one, _ in pairs[:10]]
    # The same language but for the empty word.
    pairs += [[one, one.with_empty(not one.accepting[one.start])] for one, _ in pairs[:10]]
    source = """
import { difference } from "@static/machines.js";
console.log(JSON.stringify(data.pairs.map(([one, other]) => difference(one, other, { empty: data.empty }))));
"""
    answer = run_node(source, {"pairs": [[as_json(each) for each in pair] for pair in pairs], "empty": empty})
    for (one, other), codes in zip(pairs, answer, strict=True):
        if not empty:
            one, other = one.with_empty(False), other.with_empty(False)
        expected = one.counterexample(other)
        if expected is None:
            assert codes is None
            continue
        word = "".join("abc"[code] for code in codes)
        assert word == "".join(expected)  # as short, and the first of them
        assert one.accepts([word])[0] != other.accepts([word])[0]
    alike = sum(codes is None for codes in answer)
    assert (10 if empty else 20) <= alike < 30


@pytest.mark.parametrize("cell", CELLS)
def test_words_on_which_machine_and_network_differ(run_node: RunNode, cell: str) -> None:
    net = random_net(cell, 2, seed=4)
    random = np.random.default_rng(3)
    machines = [random_automaton(random, 4, 2) for _ in range(6)]
    always = Automaton.of("ab", [[0, 0]], [0])
    source = """
import { decodeWeights } from "@static/hmlstm.js";
import { buildNet } from "@static/recurrent.js";
import { affordable, differenceFromNet } from "@static/machines.js";
const net = buildNet(decodeWeights(data.weights), data.cell);
console.log(JSON.stringify({
  found: data.machines.map((machine) => differenceFromNet(machine, net, 6, { empty: false })),
  lengths: [affordable(net, 2, 1e5), affordable(net, 2, 1e7), affordable(net, 1)],
}));
"""
    data = {
        "cell": cell,
        "weights": pack(arrays(net), 32),
        "machines": [as_json(m) for m in (*machines, always)],
    }
    answer = run_node(source, data)
    net = as_the_page_has_it(net, 32)
    every = [f"{n:b}"[1:].replace("0", "a").replace("1", "b") for n in range(2, 128)]  # by length, then order
    verdicts = net.predict(every)
    for machine, codes in zip([*machines, always], answer["found"], strict=True):
        differing = np.flatnonzero(machine.accepts(every) != verdicts)
        expected = None if len(differing) == 0 else every[differing[0]]
        assert (None if codes is None else "".join("ab"[code] for code in codes)) == expected
    assert 1 <= answer["lengths"][0] < answer["lengths"][1] <= 16
