"""Signatures tell the very same object from a like one, and leave everything else as it was."""

import numpy as np
import pytest
import torch

from hsrnn.sketches import (
    Decoder,
    Forest,
    Mechanism,
    Object,
    Signature,
    Sketcher,
    least_squares,
    overall,
)

pytestmark = pytest.mark.usefixtures("plain_calls")
SIGN = Signature(length=24, ones=4, share=0.6)


def cat(name: str) -> Object:
    return Object("cat", torch.tensor([0.6, 0.8], dtype=torch.float64), name=name)


def test_a_tag_is_a_unit_vector_of_its_name_alone():
    tag = SIGN.tag("cat", "Tom")
    assert torch.equal(tag, SIGN.tag("cat", "Tom")) and float(tag.norm()) == pytest.approx(1.0)
    assert (tag > 0).sum() == 4 and float(tag.min()) == 0.0
    tags = torch.stack([SIGN.tag(module, str(k)) for module in ("cat", "dog") for k in range(200)])
    alike = (tags @ tags.T)[~torch.eye(400, dtype=torch.bool)]
    assert float(alike.mean()) == pytest.approx(4 / 24, abs=0.01)  # common places of two draws


def test_signing_keeps_structure_lengths_and_shared_objects():
    shared = cat("Tom")
    top = overall([Object("room", torch.zeros(1).double(), (shared, shared)), shared], [0.5, 0.5])
    signed = SIGN.sign(top)
    assert signed.inputs[0].inputs[0] is signed.inputs[1] and signed.weights == top.weights
    assert signed.attributes.numel() == 0
    assert len(signed.inputs[1].attributes) == 2 + 24
    assert float(signed.inputs[1].attributes.norm()) == pytest.approx(1.0)


def test_the_very_same_object_is_told_from_a_like_one():
    """Two cats with equal attributes: only the signature says which one is in the room."""
    own, other = [], []
    for seed in range(30):
        m = Mechanism.prototype_b({"cat": 2 + 24, "wall": 24}, dimension=4096, seed=seed)
        decoder = Decoder(m)
        room = SIGN.sign(overall([cat("Tom"), Object("wall", torch.zeros(0).double())]))
        s = decoder.sketcher.encode([room])
        found = decoder.project(s, "cat", weight=0.5, depth=1)
        own.append(SIGN.match(found, "cat", "Tom"))
        other.append(SIGN.match(found, "cat", "Felix"))
    bar = float(own[0].error)
    truth = float(SIGN.tag("cat", "Tom") @ SIGN.tag("cat", "Felix"))
    assert truth <= 0.5
    for answers, expected in ((own, 1.0), (other, truth)):
        gaps = np.array([float(one.value) for one in answers]) - expected
        assert np.sqrt((gaps**2).mean()) == pytest.approx(bar, rel=0.4)
        assert abs(gaps.mean()) < 4.5 * bar / 30**0.5
    assert min(float(one.value) for one in own) > max(float(one.value) for one in other)


def test_attributes_come_back_as_they_were():
    top = overall([cat("Tom"), cat("Felix")])
    forest = Forest.of([SIGN.sign(top)])
    decoder = Decoder(Sketcher(Mechanism({"cat": 26}, dimension=256), dtype=torch.float64))
    found = least_squares(decoder, decoder.sketcher.encode(forest), forest).attributes["cat"]
    torch.testing.assert_close(SIGN.attributes(found).value, torch.stack([cat("").attributes] * 2))
    matches = [SIGN.match(found, "cat", name).value for name in ("Tom", "Felix")]
    torch.testing.assert_close(torch.stack(matches).diagonal(), torch.ones(2).double())
    assert float(matches[0][1]) < 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ones": 0}, r"ones must lie in \[1, 32\]"), ({"ones": 33}, "the length, got 33"),
        ({"share": 1.0}, r"share must lie in \(0, 1\), got 1"),
    ],
)  # fmt: skip
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        Signature(**options)
