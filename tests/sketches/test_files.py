"""Sketches in files: what comes back, and what is refused."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hsrnn.sketches import Mechanism, SketchError, Stored, erase, load_sketches, save_sketches

M = Mechanism({"cat": 3}, dimension=64, seed=9)


def some(n: int = 5) -> torch.Tensor:
    return torch.randn(n, 64, generator=torch.Generator().manual_seed(0)) / 8


@pytest.mark.parametrize(("numbers", "size"), [("float32", 4), ("float16", 2), ("int8", 1)])
def test_round_trips(tmp_path, numbers, size):
    sketches = some(200)
    path = tmp_path / "rooms.safetensors"
    written = save_sketches(path, sketches, M, numbers=numbers, names=[f"room {k}" for k in range(200)])
    assert path.stat().st_size == written and 200 * 64 * size <= written < 200 * 64 * size + 5500
    stored = load_sketches(path, M)
    assert isinstance(stored, Stored) and stored.mechanism == M and stored.numbers == numbers
    assert stored.names[7] == "room 7"
    error = (stored.sketches - sketches).numpy()
    if numbers == "float32":
        assert (error == 0).all()
    else:
        assert np.sqrt((error**2).mean()) == pytest.approx(float(stored.noise.mean()), rel=0.35)


def test_erased_sketches_are_small_files(tmp_path):
    left = erase(some(), 16, "random", seed=3)
    path = tmp_path / "left.safetensors"
    save_sketches(path, left, M)
    stored = load_sketches(path)
    assert torch.equal(stored.erased.values, left.values) and torch.equal(stored.erased.kept, left.kept)
    assert torch.equal(stored.sketches, left.filled())
    assert path.stat().st_size < 5 * 16 * 4 + 16 * 4 + 1400


def test_damage_is_found(tmp_path):
    path = tmp_path / "rooms.safetensors"
    save_sketches(path, some(), M)
    content = path.read_bytes()
    for place in (len(content) - 1, len(content) - 700, len(content) // 2):
        flipped = bytearray(content)
        flipped[place] ^= 4
        path.write_bytes(flipped)
        with pytest.raises(SketchError, match="damaged|another|text of a mechanism"):
            load_sketches(path, M)
    path.write_bytes(content[:-100])
    with pytest.raises(SketchError, match="is damaged"):
        load_sketches(path)
    path.write_bytes(b"not at all")
    with pytest.raises(SketchError, match="is damaged"):
        load_sketches(path)
    path.write_bytes(content)
    load_sketches(path, M)


def test_what_does_not_belong_is_refused(tmp_path, plain_calls):
    path = tmp_path / "rooms.safetensors"
    with pytest.raises(FileNotFoundError, match="no sketches at"):
        load_sketches(path)
    save_file({"x": torch.zeros(1)}, str(path))
    with pytest.raises(SketchError, match="holds no sketches"):
        load_sketches(path)
    save_file({"x": torch.zeros(1)}, str(path), metadata={"format": "hsrnn.sketches", "version": "7"})
    with pytest.raises(SketchError, match="version '7' of the format, this code reads 1"):
        load_sketches(path)
    save_sketches(path, some(), M)
    with pytest.raises(SketchError, match="another mechanism: seed 9 instead of 10"):
        load_sketches(path, Mechanism({"cat": 3}, dimension=64, seed=10))
    with pytest.raises(SketchError, match=r"sketches must be \(n, 64\)"):
        save_sketches(path, torch.zeros(2, 32), M)
    with pytest.raises(SketchError, match="must be finite"):
        save_sketches(path, torch.full((2, 64), torch.nan), M)
    with pytest.raises(ValueError, match="numbers must be one of float32, float16, int8, got 'int4'"):
        save_sketches(path, some(), M, numbers="int4")
    with pytest.raises(ValueError, match="names must be 5"):
        save_sketches(path, some(), M, names=["a"])
    assert torch.equal(load_sketches(path).sketches, some())  # what was refused left the old file alone
