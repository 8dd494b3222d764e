"""S006 and S007: a `yield` or an `await` in a thunk. It would suspend that, not the function around it."""

import ast
from collections.abc import Iterator

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rules.blocks import Comprehension
from circuit.compiler.rules.frames import generator_around, moved
from circuit.compiler.rules.names import certain
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.scopes import Scope
from circuit.compiler.rules.wording import with_example
from circuit.compiler.source import Span
from circuit.compiler.splice import Edit

_YIELD_LABEL = "this would suspend the thunk, not the function around it"
_AWAIT_LABEL = "the thunk is a plain function, on another event loop or on none"


def suspensions(program: Program, site: Site) -> Iterator[Diagnostic]:
    """Yield an error for each `yield` and `await` that the spawn would move to the worker."""
    if site.thunk is None:
        return
    for node, scope in moved(site.thunk, site.scope):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            label = Label(program.span(node), _YIELD_LABEL)
            yield program.diagnostic("S006", label, help="take the value before the spawn")
        elif generator_around(scope):
            continue  # a generator that awaits is an asynchronous one, wherever it is made
        elif isinstance(node, ast.Await):
            yield _await(program, site, node)
        elif isinstance(node, Comprehension) and _is_asynchronous(node):
            label = Label(program.span(node), _AWAIT_LABEL)
            yield program.diagnostic("S007", label, help="make the list before the spawn")


def _await(program: Program, site: Site, node: ast.Await) -> Diagnostic:
    label = Label(program.span(node), _AWAIT_LABEL)
    is_whole = site.thunk is not None and node is site.thunk.body
    if not (is_whole and isinstance(node.value, ast.Call)):
        return program.diagnostic("S007", label, help="await before the spawn, and spawn what came of it")
    call, place = program.written(node.value), program.written(site.spawn.place)
    help = with_example("leave the `await` to the worker", f"spawn {call} on {place}")
    awaited = Span(label.span.start, program.span(node.value).start)
    gap = program.written(awaited)
    is_sure = _is_coroutine_function(program, node.value.func, site.scope) and gap.strip() == "await"
    is_sure = is_sure and "\n" not in gap and "\r" not in gap
    return program.diagnostic("S007", label, help=help, fix=[Edit(awaited, "")] if is_sure else ())


def _is_coroutine_function(program: Program, callee: ast.expr, scope: Scope) -> bool:
    binding = certain(program, callee.id, scope) if isinstance(callee, ast.Name) else None
    return binding is not None and isinstance(binding.node, ast.AsyncFunctionDef)


def _is_asynchronous(node: Comprehension) -> bool:
    is_async = any(generator.is_async for generator in node.generators)
    return is_async and not isinstance(node, ast.GeneratorExp)
