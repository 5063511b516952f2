"""The palette, and pictures with their words."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from hsrnn.figures.style import PALETTE, Picture, colour, css_variables, drawing


def luminance(shade: str) -> float:
    """Relative luminance of `#rrggbb` as WCAG 2 defines it."""
    channels = [int(shade[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, two: str) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "paper"), ("ink", "panel"), ("muted", "paper"), ("muted", "panel"), ("on-accent", "accent"),
        ("on-update", "update"), ("on-flush", "flush"), ("update", "paper"), ("second", "paper"),
        ("third", "paper"), ("changed", "paper"), ("paper", "changed"),
    ],
)  # fmt: skip
def test_text_stands_out_from_its_ground(text: str, ground: str, theme: int) -> None:
    assert contrast(PALETTE[text][theme], PALETTE[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("mark", ["copy", "update", "second", "third", "changed", "accent"])
def test_marks_stand_out_from_the_paper(mark: str, theme: int) -> None:
    assert contrast(PALETTE[mark][theme], PALETTE["paper"][theme]) >= 3


def test_css_carries_the_whole_palette() -> None:
    for role, (light, dark) in PALETTE.items():
        assert f"--hl-{role}: light-dark({light}, {dark});" in css_variables()


def test_an_unknown_role_is_named() -> None:
    with pytest.raises(ValueError, match="no colour for 'blue'"):
        colour("blue")


def draw() -> Figure:
    with drawing():
        figure = Figure(figsize=(2, 1))
        figure.text(0.5, 0.5, "words")
        return figure


@pytest.mark.parametrize("image_format", ["svg", "png"])
def test_a_picture_is_the_same_bytes_every_time_and_carries_its_words(image_format: str) -> None:
    first, second = (Picture(draw(), 'x < "y"', image_format) for _ in range(2))
    assert first.image == second.image
    bundle = first._repr_mimebundle_()
    assert bundle["text/plain"] == 'x < "y"'
    assert 'alt="x &lt; &quot;y&quot;"' in bundle["text/html"]
    (source,) = re.findall(r'src="data:image/[a-z+]+;base64,([^"]+)"', bundle["text/html"])
    assert base64.b64decode(source) == first.image


@pytest.mark.parametrize("image_format", ["svg", "png"])
def test_a_picture_keeps_its_natural_width(image_format: str) -> None:
    with drawing():
        figure = Figure(figsize=(3, 1))
        figure.add_axes((0, 0, 1, 1)).set(xticks=[], yticks=[])
    html = Picture(figure, "A box.", image_format).html()
    width = float(re.search(r"width:(\d+)px", html).group(1))
    assert width == pytest.approx(3 * 96, abs=40)


def test_a_picture_needs_words() -> None:
    with pytest.raises(ValueError, match="alt must say"):
        Picture(draw(), " ")


def test_a_picture_is_saved_in_its_own_format(tmp_path: Path) -> None:
    picture = Picture(draw(), "Words.")
    picture.save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes() == picture.image
    with pytest.raises(ValueError, match="must end in .svg"):
        picture.save(tmp_path / "a.png")
