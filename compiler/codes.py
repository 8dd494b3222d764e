"""Codes: what a diagnostic's code means at length, as Markdown, one file a code.

Each file says why a thing is an error or a warning, and shows it wrong and right; a test
compiles the examples. They ship with the package, and are read when somebody asks.
"""

from pathlib import Path

from circuit.compiler.diagnostics import TITLES

EXPLANATIONS = Path(__file__).parent / "explanations"


def explanation(code: str) -> str:
    """Return the explanation of a diagnostic's code.

    Raises:
        KeyError: There is no such code.
    """
    if code not in TITLES:
        raise KeyError(code)
    return (EXPLANATIONS / f"{code}.md").read_text(encoding="utf-8")
