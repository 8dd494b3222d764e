"""S008: an assignment expression in a thunk. It would bind its name on the worker, where nobody reads it."""

import ast
from collections.abc import Iterator

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rules.frames import moved
from circuit.compiler.rules.program import Program, Site


def assignments(program: Program, site: Site) -> Iterator[Diagnostic]:
    """Yield an error for each assignment expression that the spawn would move to the worker."""
    if site.thunk is None:
        return
    for node, _ in moved(site.thunk, site.scope):
        if isinstance(node, ast.NamedExpr):
            label = Label(program.span(node), f"this would bind `{node.target.id}` on the worker, not here")
            yield program.diagnostic("S008", label, help="assign before the spawn")
