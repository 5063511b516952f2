"""Join a figure's ES module and the local modules it imports into one script.

The sources stay ordinary modules, which Node and browsers import as they are. A page, however, must carry
each figure
whole: a module loaded from `file://` may not import its neighbours. So every module becomes one function call
    that
returns what the module exports, and an import becomes the destructuring of that result. Only three forms are
understood, each at the start of a line; anything else is refused instead of guessed:

    import { name, other as alias } from "./file.js";
    export function name / export async function name / export const name / export class name
    export default { render };          (the figure itself, once, in the anywidget form)
"""

from __future__ import annotations

import re
from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""The folder of the modules that ship with the package."""

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";[ \t]*$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) (\w+))", re.MULTILINE)
_DEFAULT = re.compile(r"^export default \{ render \};[ \t]*$", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import\b|export\b).*|.*\bimport\s*\(.*", re.MULTILINE)
_NAME = re.compile(r"^(\w+)(?:\s+as\s+(\w+))?$")


def locate(module: str | Path, beside: Path | None = None) -> Path:
    """Return the file of a module: a path that exists, a file beside the importing one, or one of `STATIC`.

    Raises:
        ValueError: if there is no such file; the message lists the modules that ship.
    """
    candidates = (
        [Path(module), STATIC / module] if beside is None else [beside.parent / module, STATIC / module]
    )
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    known = ", ".join(sorted(path.name for path in STATIC.glob("*.js")))
    raise ValueError(f"there is no module {str(module)!r}: give the path of a file, or one of {known}")


def join(figure: str | Path, variable: str = "figure") -> str:
    """Return one script that defines `const <variable> = { render }` for a figure's module and all its
    imports.

    Raises:
        ValueError: if a module is missing, imports in a circle, uses a form of import or export that is not
            understood, imports a name that its source does not export, or holds `</script` or `<!--`, which
            would end or change the script element that carries it.
    """
    entry = locate(figure)
    chunks: dict[Path, str] = {}
    exports: dict[Path, list[str]] = {}
    _collect(entry, (), chunks, exports)
    if "render" not in exports[entry]:
        raise ValueError(f"{entry.name} must define `render` and end with `export default {{ render }};`")
    script = "\n".join(chunks.values()) + f"\nconst {variable} = {_variable(entry)};\n"
    for forbidden in ("</script", "<!--"):
        if forbidden in script.lower():
            raise ValueError(
                f"{entry.name} or a module it imports holds {forbidden!r}: write it in two pieces"
            )
    return script


def _collect(
    path: Path, importing: tuple[Path, ...], chunks: dict[Path, str], exports: dict[Path, list[str]]
) -> None:
    """Add a module and, before it, what it imports to `chunks`, and the names it offers to `exports`."""
    if path in importing:
        circle = " -> ".join(each.name for each in (*importing, path))
        raise ValueError(f"modules import each other in a circle: {circle}")
    if path in chunks:
        return
    twin = next((other for other in (*chunks, *importing) if _variable(other) == _variable(path)), None)
    if twin is not None:
        raise ValueError(f"{path} and {twin} would have the same name inside the joined script: rename one")
    source = path.read_text(encoding="utf-8")

    def replace_import(match: re.Match[str]) -> str:
        target = locate(match.group(2), beside=path)
        _collect(target, (*importing, path), chunks, exports)
        return _destructure(match.group(1), target, path, exports[target])

    body = _IMPORT.sub(replace_import, source)
    names = _EXPORT.findall(body)
    body = _EXPORT.sub("", body)
    body, defaults = _DEFAULT.subn("", body)
    if defaults:
        names.append("render")
    left_over = _LEFT_OVER.search(body)
    if left_over:
        raise ValueError(
            f"{path.name}: cannot join {left_over.group(0).strip()!r}; see hsrnn.figures.modules"
        )
    offered = ", ".join(dict.fromkeys(names))
    exports[path] = names
    chunks[path] = f"const {_variable(path)} = (() => {{\n{body.strip()}\nreturn {{ {offered} }};\n}})();"


def _destructure(names: str, target: Path, importer: Path, offered: list[str]) -> str:
    """Return the statement that replaces one import."""
    parts = []
    for item in filter(None, (piece.strip() for piece in names.split(","))):
        match = _NAME.match(item)
        if match is None or match.group(1) not in offered:
            raise ValueError(
                f"{importer.name} imports {item!r}, but {target.name} exports {', '.join(offered)}"
            )
        parts.append(f"{match.group(1)}: {match.group(2)}" if match.group(2) else match.group(1))
    return f"const {{ {', '.join(parts)} }} = {_variable(target)};"


def _variable(path: Path) -> str:
    """Return the name under which a module's exports are kept inside the joined script."""
    return "module_" + re.sub(r"\W", "_", path.stem)
