"""Makes the static files that the pages load: selected files of npm packages, and our own in one file each.

Sources are `node_modules/`, `static/css/` and `static/js/`; results lie in `static/vendor/`, which is not
kept in Git. Style sheets are put into cascade layers here, by folder, so that none of them has to name its
layer, and Tabler, whole, is overruled by ours without a fight of selectors.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from config import plotly_styles

LAYERS = "@layer tabler, plotly, tokens, components, pages;\n"
TABLER = "@tabler/core/dist/css/tabler.min.css"
PLOTLY = "plotly.js-strict-dist-min/plotly-strict.min.js"

_SOURCE_MAP = re.compile(r"/\*# sourceMappingURL=[^*]*\*/|//# sourceMappingURL=\S*")
_CHARSET = re.compile(r'@charset "[^"]*";\s*', re.IGNORECASE)


class BuildError(Exception):
    """The static files cannot be made; the message is one line that says what to do."""


def build(base: Path) -> list[Path]:
    """Make everything in `base/static/vendor/` and return the files whose content changed.

    :param base: folder with `node_modules/` and `static/`
    :raises BuildError: when a package is missing or has changed its shape
    """
    target = base / "static" / "vendor"
    results = dict(_results(base))
    changed = [path for name, text in results.items() if _write(path := target / name, text)]
    _sweep(target, set(results))
    return changed


def _results(base: Path) -> Iterator[tuple[str, str]]:
    static = base / "static"
    yield "tabler.css", LAYERS + in_layer("tabler", _package_file(base, TABLER))
    yield "stagegate.css", LAYERS + "".join(_style_sheets(static / "css"))
    yield "stagegate.js", "".join(_behaviours(static / "js"))
    bundle = _package_file(base, PLOTLY)
    try:
        yield "plotly.css", LAYERS + in_layer("plotly", plotly_styles.extract(bundle))
    except plotly_styles.StylesNotFoundError as error:
        raise BuildError(f"{PLOTLY}: {error}.") from error
    yield "plotly.js", _prologue(bundle) + plotly_styles.without_style_attributes(bundle)


def in_layer(layer: str, text: str) -> str:
    """Return a style sheet put into a cascade layer. It may not import others."""
    return f"@layer {layer} {{\n{_CHARSET.sub('', text).strip()}\n}}\n"


def without_source_map(text: str) -> str:
    """Return `text` without the comment that names a source map: hashing names would look for that file."""
    return _SOURCE_MAP.sub("", text)


def _style_sheets(folder: Path) -> Iterator[str]:
    yield in_layer("tokens", (folder / "tokens.css").read_text(encoding="utf-8"))
    for layer in ("components", "pages"):
        for path in sorted((folder / layer).glob("*.css")):
            yield in_layer(layer, path.read_text(encoding="utf-8"))


def _behaviours(folder: Path) -> Iterator[str]:
    """Yield each script in a block of its own; the one with the underscore, which they share, sorts first."""
    yield '"use strict";\n'
    for path in sorted(folder.glob("*.js")):
        yield f"{{\n{path.read_text(encoding='utf-8').strip()}\n}}\n"


def _prologue(bundle: str) -> str:
    """Return script that makes plotly.js believe the styles of its map library are in the page.

    We draw no maps; the attempt to insert that <style> would be refused by the content security policy.
    """
    add = "for(const id of %s){const m=document.createElement('meta');m.id=id;document.head.append(m)}\n"
    ids = plotly_styles.guarded_ids(bundle)
    return add % ids if ids else ""


def _package_file(base: Path, name: str) -> str:
    path = base / "node_modules" / name
    if not path.is_file():
        raise BuildError(f"node_modules/{name} is missing: run `npm ci` first.")
    return without_source_map(path.read_text(encoding="utf-8"))


def _write(path: Path, text: str) -> bool:
    """Write `text` unless it is there already: a file that keeps its time is not collected again."""
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def _sweep(folder: Path, expected: set[str]) -> None:
    """Remove what an earlier version made and nobody makes any more."""
    for path in folder.iterdir():
        if path.name not in expected:
            path.unlink()
