"""Silence: a comment that says a warning is known.

    h = spawn f(x) on w  # circuit: ignore[S015]

A comment counts for the warnings whose primary label touches its line; without codes in
brackets, for all of them. An error stays, whatever the comments say.
"""

import re

from circuit.compiler.diagnostics import Diagnostic
from circuit.compiler.source import Source

_COMMENT = re.compile(r"#[ \t]*circuit:[ \t]*ignore\b(?:\[([^\]]*)\])?")


def is_silenced(diagnostic: Diagnostic, source: Source) -> bool:
    """Tell whether a comment on its lines silences a diagnostic."""
    if diagnostic.severity != "warning":
        return False
    span = diagnostic.primary.span
    first, last = source.position(span.start)[0], source.position(span.end)[0]
    for line in range(first, last + 1):
        for comment in _COMMENT.finditer(source.line_text(line)):
            if comment[1] is None or diagnostic.code in re.split(r"[,\s]+", comment[1]):
                return True
    return False
