"""One visual language for every figure: the palette, the type scale, and how a matplotlib picture is shown.

The colours are the Okabe-Ito set, told apart by readers with any of the common colour-vision differences,
with one shade for light and one for dark pages. They are written down here only: matplotlib pictures read
`PALETTE`, and `css_variables` turns the same table into the custom properties that `static/living.css` uses.

`Picture` is what every plotting function returns. The image of a notebook cell has no text alternative on the
built page unless the cell's metadata carries one (`mystnb: image: alt:`), and the alternative then says
nothing about the data it was written for. So a `Picture` displays itself as an `<img>` whose alternative
travels with it, on the page, in JupyterLab and in print.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

PALETTE: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#14181e"),
    "panel": ("#f3f5f8", "#1f262f"),
    "line": ("#d3d9e0", "#3a4552"),
    "ink": ("#1b2027", "#e9ecef"),
    "muted": ("#56616d", "#a9b4c0"),
    "accent": ("#0072b2", "#56b4e9"),
    "on-accent": ("#ffffff", "#0c1218"),
    "update": ("#0072b2", "#56b4e9"),
    "on-update": ("#ffffff", "#0c1218"),
    "flush": ("#e69f00", "#e69f00"),
    "on-flush": ("#1b2027", "#0c1218"),
    "copy": ("#838e9a", "#7d8996"),
    "changed": ("#a6407f", "#de8fbd"),
    "second": ("#b34e00", "#ff9a57"),
    "third": ("#00735a", "#2fc9a0"),
}
"""Name of a role -> its colour on a light page and on a dark page."""

TYPE_SCALE: dict[str, float] = {"small": 12.0, "text": 14.0, "lead": 16.0}
"""Sizes of text in CSS pixels; matplotlib pictures use the same sizes, drawn at 96 pixels per inch."""

WIDTH = 7.4
"""Width of a picture in inches: the text column of the built book."""

CATEGORIES = (
    "#e2e5e9", "#e69f00", "#0072b2", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#f0e442", "#5b3a8c",
)  # fmt: skip
"""Colours of classes that fill areas of a picture, the background first; the same on light and dark pages."""

LAYER_COLOURS = ("update", "second", "third")
"""Roles for series that belong to layer 1, 2 and 3, or to the first, second and third of a comparison."""

_POINTS_PER_PIXEL = 0.75


def colour(role: str) -> str:
    """Return the light-page colour of a role in `PALETTE`, as `#rrggbb`.

    Raises:
        ValueError: for a role that the palette does not have.
    """
    if role not in PALETTE:
        raise ValueError(f"no colour for {role!r}: the palette has {', '.join(PALETTE)}")
    return PALETTE[role][0]


def css_variables(scope: str = ".hl") -> str:
    """Return a CSS rule that defines `--hl-<role>` and `--hl-<size>` for what `scope` selects."""
    colours = [f"  --hl-{role}: light-dark({light}, {dark});" for role, (light, dark) in PALETTE.items()]
    sizes = [f"  --hl-{name}: {size:g}px;" for name, size in TYPE_SCALE.items()]
    return "\n".join([f"{scope} {{", *colours, *sizes, "}", ""])


@contextmanager
def drawing() -> Iterator[None]:
    """Set matplotlib's parameters to the book's style inside a `with` block.

    Identical input gives identical bytes: the salt of SVG identifiers is fixed, and letters are drawn as
    shapes, so that the picture does not depend on the fonts of the reader.
    """
    small, text = (TYPE_SCALE[size] * _POINTS_PER_PIXEL for size in ("small", "text"))
    parameters = {
        "figure.dpi": 96,
        "figure.facecolor": colour("paper"),
        "savefig.facecolor": colour("paper"),
        "font.family": "DejaVu Sans",
        "font.size": small,
        "axes.titlesize": text,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.labelsize": small,
        "axes.labelcolor": colour("muted"),
        "axes.edgecolor": colour("muted"),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": colour("ink"),
        "xtick.color": colour("muted"),
        "ytick.color": colour("muted"),
        "xtick.labelsize": small,
        "ytick.labelsize": small,
        "grid.color": colour("line"),
        "legend.frameon": False,
        "legend.fontsize": small,
        "lines.linewidth": 1.8,
        "svg.hashsalt": "hsrnn",
        "svg.fonttype": "path",
    }
    with mpl.rc_context(parameters):
        yield


class Picture:
    """A matplotlib figure together with the sentence that stands for it where it cannot be seen.

    Shown in a notebook it becomes one `<img>` with that sentence as its text alternative; as plain text, the
    sentence.

    Args:
        figure: the drawn figure, rendered once, here, and not changed afterwards; or the bytes of an image
            that is drawn already.
        alt: what is to be seen, with its numbers; not empty.
        image_format: "svg" (sharp at every size) or "png" (for tens of thousands of marks).

    Attributes:
        alt: the text alternative.
        image: the bytes of the picture.
        image_format: "svg" or "png".

    Raises:
        ValueError: if `alt` is empty or the format is neither of the two.
    """

    def __init__(self, figure: Figure | bytes, alt: str, image_format: str = "svg") -> None:
        if not alt.strip():
            raise ValueError("alt must say what the picture shows, got an empty text")
        if image_format not in ("svg", "png"):
            raise ValueError(f'image_format must be "svg" or "png", got {image_format!r}')
        self.alt = alt
        self.image_format = image_format
        self.image = figure if isinstance(figure, bytes) else render(figure, image_format)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": self.alt}

    def __repr__(self) -> str:
        return self.alt

    def html(self) -> str:
        """Return the picture as one `<img>` on a light panel, so that it is readable on a dark page."""
        image = image_element(self.image, self.alt)
        return f'<div class="hsrnn-picture" style="{_PANEL}">{image}</div>'

    def save(self, path: str | Path) -> None:
        """Write the image to a file; its ending must be the picture's format."""
        path = Path(path)
        if path.suffix != f".{self.image_format}":
            raise ValueError(f"{path} must end in .{self.image_format}, the format of this picture")
        path.write_bytes(self.image)


_PANEL = f"background:{colour('paper')};border-radius:6px;padding:6px"
_DPI = 192


def render(figure: Figure, image_format: str) -> bytes:
    """Return the bytes of a figure as SVG or as PNG at 192 dots per inch, without any date in them."""
    stream = io.BytesIO()
    with drawing():
        metadata = {"Date": None} if image_format == "svg" else {"Software": None}
        figure.savefig(
            stream, format=image_format, dpi=_DPI, metadata=metadata, bbox_inches="tight", pad_inches=0.06
        )
    return stream.getvalue()


def image_element(image: bytes, alt: str) -> str:
    """Return an `<img>` element that carries an SVG or PNG image in itself, never wider than its place.

    A PNG is taken to have 192 pixels an inch and is shown at half its pixels. The class `dark-light` tells
    the book's theme not to dim the image on dark pages.

    Raises:
        ValueError: if the bytes are neither SVG nor PNG.
    """
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        kind = "image/png"
        width = max(1.0, int.from_bytes(image[16:20], "big") * 96 / _DPI)
    elif b"<svg" in image[:2000]:
        kind = "image/svg+xml"
        points = re.search(rb'<svg[^>]* width="([0-9.]+)pt"', image)
        width = float(points.group(1)) / _POINTS_PER_PIXEL if points else 720.0
    else:
        raise ValueError(f"image must be SVG or PNG bytes, got bytes that start with {image[:12]!r}")
    source = base64.b64encode(image).decode("ascii")
    style = f"display:block;width:{width:.0f}px;max-width:100%;height:auto"
    return (
        f'<img class="dark-light" alt="{html.escape(alt, quote=True)}" style="{style}" '
        f'src="data:{kind};base64,{source}">'
    )
