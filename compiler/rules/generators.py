"""S005: a generator expression as an argument. It is evaluated here, and a generator does not travel."""

import ast
from collections.abc import Iterator

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.wording import with_example
from circuit.compiler.source import Span
from circuit.compiler.spawns import ArgumentKind
from circuit.compiler.splice import Edit


def generator_arguments(program: Program, site: Site) -> Iterator[Diagnostic]:
    """Yield an error for each generator expression that a spawned call is given."""
    call = site.spawn.call
    for argument in site.arguments if call else ():
        if not call or not isinstance(argument, ast.GeneratorExp):
            continue
        if call.arguments[0].kind is ArgumentKind.GENERATOR:
            span = call.arguments[0].value
            fix = (Edit(Span(span.start, span.start), "["), Edit(Span(span.end, span.end), "]"))
        else:
            span = program.span(argument)
            fix = (Edit(Span(span.start, span.start + 1), "["), Edit(Span(span.end - 1, span.end), "]"))
        example = f"[{program.written(span).removeprefix('(').removesuffix(')').strip()}]"
        if len(call.arguments) == 1:
            example = f"{program.written(call.callee)}({example})"
        label = Label(span, "evaluated here, and a generator does not travel")
        yield program.diagnostic("S005", label, help=with_example("send a list", example), fix=fix)
