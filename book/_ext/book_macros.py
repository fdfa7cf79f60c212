"""One source of mathematical macros: book/macros.yml, for MathJax and for LaTeX alike.

A macro is a string, or a pair of its definition and its number of arguments, as MathJax has it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

MACROS_FILE = Path(__file__).resolve().parent.parent / "macros.yml"

Macro = str | list[Any]


def read(path: Path = MACROS_FILE) -> dict[str, Macro]:
    """The macros by name, in the file's order; ExtensionError names an entry of another form."""
    macros = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, macro in macros.items():
        match macro:
            case str() | [str(), int()] if name.isalpha():
                pass
            case _:
                raise ExtensionError(
                    f"{path.name}: macro {name!r} is {macro!r}; a macro has a name of letters and "
                    "is a string or a pair [definition, number of arguments]"
                )
    return macros


def as_latex(macros: dict[str, Macro]) -> str:
    r"""LaTeX definitions, made at the document's beginning so that they win over any package's.

    unicode-math leaves ``\boldsymbol`` on Greek letters unbold without a word, so it becomes
    ``\symbf`` here.
    """
    lines = [r"\AtBeginDocument{%", r"\renewcommand{\boldsymbol}[1]{\symbf{#1}}%"]
    for name, macro in macros.items():
        definition, arguments = (macro, 0) if isinstance(macro, str) else macro
        count = f"[{arguments}]" if arguments else ""
        lines.append(rf"\DeclareRobustCommand{{\{name}}}{count}{{{definition}}}%")
    return "\n".join([*lines, "}"])


def give_macros(app: Sphinx, config: Config) -> None:
    """Hand the macros to MathJax's and LaTeX's configuration."""
    macros = read()
    config.mathjax3_config = {"tex": {"macros": macros}, **(config.mathjax3_config or {})}
    preamble = config.latex_elements.get("preamble", "")
    config.latex_elements["preamble"] = "\n".join([preamble, as_latex(macros)])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; late, so that other extensions' preambles come first."""
    app.connect("config-inited", give_macros, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
