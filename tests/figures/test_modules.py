"""Joining a figure's modules into one script."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hsrnn.figures.modules import STATIC, join, locate

ENTRY = """
import { twice } from "./first.js";
import {
  one as start,
  Box,
} from "./second.js";
const hidden = 10;
function render() {
  return twice(start) + hidden + new Box().size;
}
export default { render };
"""
FIRST = """
import { one } from "./second.js";
const hidden = 2;
export function twice(x) {
  return hidden * x * one;
}
"""
SECOND = """
export const one = 21;
export class Box {
  size = 100;
}
export async function later() {}
"""
END = "export default { render };\n"


def write(folder: Path, **files: str) -> Path:
    for name, source in files.items():
        (folder / f"{name}.js").write_text(source, encoding="utf-8")
    return folder / "figure.js"


@pytest.mark.needs_node
def test_joined_script_does_what_the_modules_do(tmp_path: Path) -> None:
    figure = write(tmp_path, figure=ENTRY, first=FIRST, second=SECOND)
    script = join(figure) + "console.log(figure.render());\n"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == str(2 * 21 * 21 + 10 + 100)
    assert script.count("const one = 21") == 1  # imported twice, joined once


@pytest.mark.needs_node
@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_sources_stay_importable_as_they_are(path: Path) -> None:
    code = f"await import({path.as_uri()!r}); console.log('fine');"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.strip() == "fine", done.stderr


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"figure": "export const x = 1;\n"}, "must define `render`"),
        ({"figure": 'import "./kit.js";\n' + END}, 'cannot join \'import "./kit.js";\''),
        ({"figure": 'import kit from "./kit.js";\n' + END}, "cannot join"),
        ({"figure": 'import { h } from "https://example.org/kit.js";\n' + END}, "cannot join"),
        ({"figure": 'const kit = import("./kit.js");\n' + END}, "cannot join"),
        ({"figure": "export let x = 1;\n" + END}, "cannot join 'export let x = 1;'"),
        ({"figure": "export default { render, other };\n"}, "cannot join"),
        ({"figure": 'import { nothing } from "./kit.js";\n' + END}, "'nothing', but kit.js exports"),
        ({"figure": 'import { x } from "./missing.js";\n' + END}, "no module 'missing.js'"),
        ({"figure": 'const x = "</SCRIPT>";\n' + END}, "'</script'"),
        ({"figure": 'const x = "<!--";\n' + END}, "'<!--'"),
        (
            {
                "figure": 'import { a } from "./one.js";\n' + END,
                "one": 'import { b } from "./two.js";\nexport const a = 1;\n',
                "two": 'import { a } from "./one.js";\nexport const b = 1;\n',
            },
            "circle: figure.js -> one.js -> two.js -> one.js",
        ),
        (
            {
                "figure": 'import { h } from "./kit.js";\nimport { host } from "./segments.js";\n' + END,
                "kit": "export const h = 1;\n",
            },
            "same name inside the joined script",
        ),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    figure = write(tmp_path, **files)
    with pytest.raises(ValueError) as caught:
        join(figure)
    assert message in str(caught.value)


def test_an_unknown_module_is_named_with_those_that_ship() -> None:
    with pytest.raises(ValueError, match=r"no module 'boundary.js'.*boundaries.js.*kit.js"):
        locate("boundary.js")
