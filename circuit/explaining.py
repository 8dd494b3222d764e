"""Explaining: the long form of what a code of a diagnostic means.

The explanations are Markdown, which reads well as it is; on a terminal it is set.
"""

import sys

from circuit.compiler import explanation


def explain(code: str) -> None:
    """Print the explanation of a code. Raises KeyError if there is none."""
    text = explanation(code)
    if sys.stdout is None or not sys.stdout.isatty():
        print(text, end="")
        return
    # Not loaded above: only a terminal has colours.
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))
