"""S010 and S011: a name or a lambda that is spawned, and not called. What comes back is what was sent."""

import ast
import re
from collections.abc import Iterator

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rules.frames import moved
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.wording import with_example
from circuit.compiler.source import Span
from circuit.compiler.splice import Edit, apply

_HEAD = re.compile(r"lambda[ \t\f]*:[ \t\f]*")
_FRAME_BOUND = ast.Yield | ast.YieldFrom | ast.Await | ast.NamedExpr


def uncalled(program: Program, site: Site) -> Iterator[Diagnostic]:
    """Yield a warning if the operand is a mere name or lambda."""
    match site.thunk and site.thunk.body:
        case ast.Name(id=name):
            yield _name(program, site, name)
        case ast.Lambda() as function:
            yield _lambda(program, site, function)


def _name(program: Program, site: Site, name: str) -> Diagnostic:
    operand = site.spawn.operand
    label = Label(operand, f"this sends the value of `{name}` there and back, and calls nothing")
    call = f"spawn {program.written(operand)}() on {program.written(site.spawn.place)}"
    fix = Edit(Span(operand.end, operand.end), "()")
    help = with_example("call it", call)
    return program.diagnostic("S010", label, severity="warning", help=help, fix=[fix])


def _lambda(program: Program, site: Site, function: ast.Lambda) -> Diagnostic:
    label = Label(program.span(function), "this sends the lambda there and back, and calls nothing")
    takes_arguments = any(vars(function.args).values())
    is_bound = any(isinstance(node, _FRAME_BOUND) for node, _ in moved(function, site.scope))
    if takes_arguments or is_bound:
        help = "call it, or spawn what it would compute"
        return program.diagnostic("S011", label, severity="warning", help=help)
    head = _HEAD.match(program.source.text, label.span.start)
    fix = [Edit(Span(*head.span()), "")] if head else []
    operand = apply(program.source.text, fix, within=site.spawn.operand)
    example = f"spawn {operand} on {program.written(site.spawn.place)}"
    help = with_example("spawn what it would compute", example) if head else "spawn what it would compute"
    return program.diagnostic("S011", label, severity="warning", help=help, fix=fix)
