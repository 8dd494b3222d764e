"""S012: what is sent and surely cannot travel: an argument, the object of a method, a capture of a thunk."""

import ast
from collections.abc import Iterator

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rules.frames import captured
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.scopes import Scope
from circuit.compiler.rules.untravelled import kind_of, kind_of_name

_HELP = {
    "a generator": "send a list",
    "a coroutine": "spawn the call that makes it, or await it before the spawn",
    "a file of bytes": "send its path or its contents",
    "a file that is written": "send its path, and open it on the worker",
    "a socket": "make it on the worker",
}
_OTHERWISE = "make it on the worker, or leave it here and send a `circuit.ref` to it"


def unsendable(program: Program, site: Site) -> Iterator[Diagnostic]:
    """Yield an error for each thing that the spawn sends and that cannot be sent."""
    if site.thunk:
        seen: set[str] = set()
        for name, scope in captured(site.thunk, site.scope):
            if name.id not in seen:
                yield from _name(program, name, scope, "the thunk takes it along")
            seen.add(name.id)
        return
    if isinstance(site.callee, ast.Attribute):
        yield from _value(program, site.callee.value, site.scope, "a method takes its object along")
    for argument in site.arguments:
        for part in _parts(argument):
            if part is not argument or not isinstance(part, ast.GeneratorExp):  # that is S005
                yield from _value(program, part, site.scope, "does not travel")


def _value(program: Program, value: ast.expr, scope: Scope, why: str) -> Iterator[Diagnostic]:
    if isinstance(value, ast.Name):
        yield from _name(program, value, scope, why)
    elif kind := kind_of(program, value, scope):
        yield _cannot_travel(program, kind, Label(program.span(value), why))


def _name(program: Program, name: ast.Name, scope: Scope, why: str) -> Iterator[Diagnostic]:
    if found := kind_of_name(program, name.id, scope):
        kind, made = found
        labels = Label(program.span(name), why), Label(program.span(made), "made here")
        yield _cannot_travel(program, kind, *labels)


def _cannot_travel(program: Program, kind: str, *labels: Label) -> Diagnostic:
    message = f"{kind} cannot be sent to a worker"
    return program.diagnostic("S012", *labels, message=message, help=_HELP.get(kind, _OTHERWISE))


def _parts(value: ast.expr) -> Iterator[ast.expr]:
    """Yield what is sent with a value: itself, or what is in it if it is written as a collection."""
    match value:
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            for part in parts:
                yield from _parts(part)
        case ast.Dict(keys=keys, values=values):
            for key, part in zip(keys, values, strict=True):
                if key:  # without one it is unpacked here
                    yield from _parts(part)
        case ast.Starred():
            pass
        case _:
            yield value
