"""Explaining: what the code of a diagnostic means, at length.

The explanations are Markdown, which reads well as it is; on a terminal it is set.
"""

import sys

from circuit.circuitc.standard import write_stdout
from circuit.compiler.codes import explanation
from circuit.compiler.diagnostics import TITLES


class UnknownCodeError(LookupError):
    """There is no such code; the text says which there are."""


def explain(code: str) -> None:
    """Print the explanation of a code, in capitals or not. Raises UnknownCodeError and OSError."""
    try:
        text = explanation(code.upper())
    except KeyError:
        raise UnknownCodeError(
            f"there is no code {code}; the codes are {', '.join(sorted(TITLES))}"
        ) from None
    if sys.stdout is None or not sys.stdout.isatty():
        write_stdout(text.encode())
        return
    # Not loaded above: only a terminal has colours.
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))
