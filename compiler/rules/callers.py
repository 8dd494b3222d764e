"""S016 and S017: what asks for the frame of its caller, which on a worker is another one.

`super()` needs the method around it; `locals()` and the like read the names around them,
and `eval` and `exec` compute with those. Moved to a worker they find a thunk's frame, or
the runtime's. Given what they else would look for, they do what they always do.
"""

import ast
import builtins
from collections.abc import Iterator

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rules.frames import moved
from circuit.compiler.rules.names import is_builtin
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.scopes import Kind, Scope
from circuit.compiler.source import Span

_NAMESPACES = {"locals", "vars", "dir", "globals"}
_EVALUATORS = {"eval", "exec"}


def callers(program: Program, site: Site) -> Iterator[Diagnostic]:
    """Yield what is wrong with each call that the spawn moves away from the frame it asks for."""
    if site.thunk is None:
        if isinstance(site.callee, ast.Name):
            operand = site.spawn.operand
            # Stars may bring what it would otherwise look for.
            given = len(site.call.args) - 1 + len(site.call.keywords)
            yield from _moved(program, site.callee, site.call.args[1:], given, site.scope, operand)
        return
    for node, scope in moved(site.thunk, site.scope):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            given = len(node.args) + len(node.keywords)
            yield from _moved(program, node.func, node.args, given, scope, program.span(node))


def _moved(
    program: Program, function: ast.Name, args: list[ast.expr], given: int, scope: Scope, span: Span
) -> Iterator[Diagnostic]:
    name = function.id
    if not is_builtin(program, name, scope):
        return
    if name == "super" and not given:
        label = Label(span, "without arguments it needs the method around it, which stays here")
        help = "take the method before the spawn: `method = super().method`, then `spawn method(x) on w`"
        yield program.diagnostic("S016", label, help=help)
    elif name in _NAMESPACES and not given and scope.kind is not Kind.COMPREHENSION:
        label = Label(span, "on the worker these are other names")
        message = f"`{name}()` cannot be moved to a worker"
        yield program.diagnostic("S017", label, message=message, help=f"call `{name}()` before the spawn")
    elif name in _EVALUATORS and given == 1 and args and not _is_closed(args[0]):
        label = Label(span, "on the worker it does not see the names around it")
        message = f"`{name}` without a namespace is moved to a worker"
        help = f"give it the names that it needs: `{name}(code, {{'x': x}})`"
        yield program.diagnostic("S017", label, message=message, severity="warning", help=help)


def _is_closed(code: ast.expr) -> bool:
    """Tell whether the code needs no names of its own from around it."""
    if isinstance(code, ast.Starred):
        return True  # perhaps it brings a namespace
    if not (isinstance(code, ast.Constant) and isinstance(code.value, str)):
        return False
    try:
        nodes = [*ast.walk(ast.parse(code.value.strip()))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    own = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    own |= {node.asname or node.name.partition(".")[0] for node in nodes if isinstance(node, ast.alias)}
    own |= {
        node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    return names <= own | set(dir(builtins))
