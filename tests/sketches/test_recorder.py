"""What a torch network did, as trees: against networks whose trees are known."""

import pytest
import torch
from torch import nn

from hsrnn.sketches import Forest, Mechanism, Recorder, Sketcher, least_squares
from hsrnn.sketches.recorder import Call, default_attributes
from hsrnn.sketches.recover import Decoder

pytestmark = pytest.mark.usefixtures("plain_calls")


class Scene(nn.Module):
    """Patches -> digits -> scene, parts folded into the batch: (B, 2, 3, 4) is 2 digits of 3 patches of 4."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patch, self.digit, self.scene = nn.Linear(4, 3), nn.Linear(9, 2), nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = torch.tanh(self.patch(x.reshape(-1, 4)))
        digits = self.digit(patches.reshape(-1, 9)).relu()
        return self.scene(digits.reshape(-1, 4))


PARTS = {"patch": "patch", "digit": "digit", "scene": "scene"}


def batch(n: int = 3) -> torch.Tensor:
    return torch.rand(n, 2, 3, 4, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("frozen", [False, True])
def test_folded_parts_become_the_tree_they_are(frozen):
    network, x = Scene(), batch()
    if frozen:
        network.requires_grad_(False)
    with Recorder(network, PARTS) as recorder:
        output, trees = recorder(x)
    assert len(trees) == 3
    torch.testing.assert_close(output, network(x))
    assert not network.patch._forward_hooks  # left as it was
    for k, tree in enumerate(trees):
        (scene,) = tree.inputs
        assert scene.module == "scene" and [part.module for part in scene.inputs] == ["digit"] * 2
        torch.testing.assert_close(
            scene.attributes, default_attributes("scene", output[k : k + 1])[0].detach()
        )
        for j, digit in enumerate(scene.inputs):
            assert [part.module for part in digit.inputs] == ["patch"] * 3 and digit.weights == (1 / 3,) * 3
            for i, patch in enumerate(digit.inputs):
                expected = default_attributes("patch", network.patch(x[k, j, i])[None])[0]
                torch.testing.assert_close(patch.attributes, expected.detach())
    forest = Forest.of(trees)
    mechanism = Mechanism(
        {name: size for name, size in (("patch", 6), ("digit", 4), ("scene", 10))}, dimension=512
    )
    decoder = Decoder(mechanism)
    solution = least_squares(decoder, Sketcher(mechanism).encode(forest), forest)
    for name, estimate in solution.attributes.items():
        torch.testing.assert_close(estimate.value.float(), forest.attributes[name], atol=1e-3, rtol=0)


class Branches(nn.Module):
    """A DAG: one edge module called twice, its first output used by both heads; a nested recorded module."""

    def __init__(self) -> None:
        super().__init__()
        self.edge, self.cat, self.wall = (
            nn.Linear(2, 2),
            nn.Sequential(nn.Linear(2, 2), nn.ReLU()),
            nn.Linear(4, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one, two = self.edge(x), self.edge(2 * x)
        return self.cat(one * 3) + self.wall(torch.stack([one, two], 1).flatten(1))


def test_a_dag_and_nested_modules():
    with Recorder(Branches(), {"edge": "edge", "cat": "cat", "cat.0": "inner", "wall": "wall"}) as recorder:
        _, trees = recorder(torch.rand(4, 2))
    assert len(trees) == 4
    cat, wall = trees[2].inputs
    assert (cat.module, wall.module) == ("cat", "wall")
    (inner,) = cat.inputs
    assert inner.module == "inner" and inner.inputs[0] is wall.inputs[0] and len(wall.inputs) == 2
    forest = Forest.of(trees[2:3])
    assert sorted(forest.effective[forest.members["edge"]].tolist()) == [0.25, 0.75]


def test_weight_rules():
    network, x = Scene(), batch(1)
    for rule in ("norm", "gradient"):
        with Recorder(network, PARTS, weights=rule) as recorder:
            _, (tree,) = recorder(x)
        patches = network.patch(x[0, 0]).detach().requires_grad_()
        if rule == "gradient":
            network.digit(torch.tanh(patches).reshape(1, 9)).sum().backward()
            sizes = (patches * patches.grad).norm(dim=1)
        else:
            sizes = patches.norm(dim=1)
        ours = torch.tensor(tree.inputs[0].inputs[0].weights)
        torch.testing.assert_close(ours, (sizes / sizes.sum()).detach(), atol=1e-5, rtol=0)

    def first_only(call: Call, inputs: list[Call]) -> torch.Tensor:
        width = sum(len(part.output) for part in inputs) // len(call.output)
        return torch.eye(width)[:1].expand(len(call.output), -1)

    with Recorder(network, PARTS, weights=first_only) as recorder:
        _, (tree,) = recorder(x)
    assert tree.inputs[0].weights == (1.0, 0.0)


def test_errors():
    network = Scene()
    for bad, message in (
        (lambda: Recorder(network, {}), "at least one submodule"),
        (lambda: Recorder(network, {"edge": "edge"}), "no submodule 'edge'; it has digit, patch, scene"),
        (
            lambda: Recorder(network, PARTS, weights="size"),
            "weights must be equal, norm, gradient or a function",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            bad()
    with pytest.raises(RuntimeError, match="works inside its block"):
        Recorder(network, PARTS)(batch())
    with Recorder(network, PARTS, weights=lambda call, inputs: -torch.ones(len(call.output), 3)) as recorder:
        with pytest.raises(ValueError, match="finite and non-negative"):
            recorder(batch())
    with Recorder(nn.Sequential(nn.Linear(2, 2), nn.LSTM(2, 2)), {"1": "lstm"}) as recorder:
        with pytest.raises(ValueError, match="must give one tensor"):
            recorder(torch.rand(3, 2))
