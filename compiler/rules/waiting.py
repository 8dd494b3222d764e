"""S014: a loop that waits for each of its spawns before it starts the next. Then one runs at a time.

The rule is silent where the waiting may be meant: where what came of one call goes into the
next (see `feedback`), where the loop may end because of it, where it is asked for under a
condition of its own, and where nothing but the next item says that there is a next call, as
in `while True` or in a generator expression that is not used up at once.
"""

import ast
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rules.blocks import Comprehension, Function, blocks
from circuit.compiler.rules.feedback import Loop, ends_after, feeds_back
from circuit.compiler.rules.names import full_name
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.wording import with_example
from circuit.compiler.source import Span
from circuit.compiler.splice import Edit, apply

_ASK = "result"
# Of one loop so many spawns are looked into: each takes as long as the loop has statements.
_ENOUGH = 20
_USE_UP = {
    f"builtins.{name}"
    for name in ("dict", "frozenset", "list", "max", "min", "set", "sorted", "sum", "tuple")
}
# What stands in these runs later, or only sometimes.
_ELSEWHEN = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp),
    *(ast.IfExp, ast.BoolOp, ast.ExceptHandler, ast.match_case),
)
_HELP = "start them all first: collect the Futures in a list, then take `circuit.gather(*futures).result()`"


@dataclass(frozen=True, slots=True)
class _Iteration:
    """The innermost loop that starts a spawn each time round."""

    loop: Loop | Comprehension
    path: tuple[ast.AST, ...]  # around the loop


def serial_waits(program: Program, site: Site) -> Iterator[Diagnostic]:
    """Yield a warning if a spawn's result is asked for in the loop that makes the spawn."""
    iteration = _iteration(site)
    ask = _ask(site) if iteration else None
    if iteration is None or ask is None or _has_many_before(program, site, iteration.loop):
        return
    loop = iteration.loop
    if isinstance(loop, Loop):
        if _is_endless(loop) or ends_after(loop, ask) or feeds_back(loop, ask, site.node):
            return
    elif not _is_used_up(program, iteration, site):
        return
    elif any(isinstance(node, ast.NamedExpr) for node in ast.walk(loop)):
        return  # what it binds may go into the next round
    end = program.span(ask).end
    name_start = program.span(ask.func).end - len(_ASK)
    asked = Label(Span(name_start, end), "waits here, in each round of the loop")
    started = Label(site.spawn.span, "started here; the next one only after that")
    yield program.diagnostic("S014", asked, started, severity="warning", help=_help(program, site, loop, ask))


def _iteration(site: Site) -> _Iteration | None:
    """Return the loop that the spawn is in, unless a function is nearer."""
    inner: ast.AST = site.node
    for depth, outer in reversed([*enumerate(site.path)]):
        if isinstance(outer, Function | ast.Lambda | ast.ClassDef):
            return None
        if isinstance(outer, Loop):
            is_test = isinstance(outer, ast.While) and inner is outer.test
            if is_test or inner in outer.body:
                return _Iteration(outer, site.path[:depth])
        if isinstance(outer, Comprehension) and inner is not outer.generators[0].iter:
            return _Iteration(outer, site.path[:depth])
        inner = outer
    return None


def _has_many_before(program: Program, site: Site, loop: ast.AST) -> bool:
    """Tell whether more than enough spawns of a loop come before this one."""
    before = bisect_left(program.sites, site.spawn.span.start, key=lambda one: one.spawn.span.start) - _ENOUGH
    return before >= 0 and any(node is loop for node in program.sites[before].path)


def _ask(site: Site) -> ast.Call | None:
    """Return the `.result()` of the spawn, or of the name that it is bound to, later in the same block."""
    match site.path[-2:]:
        case [ast.Call(func=function) as call, ast.Attribute(attr=attribute) as asked]:
            return call if function is asked and attribute == _ASK else None
        case [
            ast.stmt() | ast.ExceptHandler() | ast.match_case() as holder,
            ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) as statement,
        ]:
            for block in blocks(holder) if isinstance(holder, ast.stmt) else [holder.body]:
                if statement in block:  # nodes are equal only to themselves
                    return _asked_in(block[block.index(statement) + 1 :], name)
    return None


def _asked_in(block: Sequence[ast.stmt], name: str) -> ast.Call | None:
    """Return the first `NAME.result()` that is reached without a condition."""
    for statement in block:
        for node in _unconditional(statement):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=asked), attr=attribute)) if (
                    asked == name and attribute == _ASK
                ):
                    return node
                case ast.Name(id=bound, ctx=ast.Store() | ast.Del()) if bound == name:
                    return None
        match statement:
            case ast.For() | ast.AsyncFor() | ast.With() | ast.AsyncWith() | ast.Try() | ast.TryStar():
                if found := _asked_in(statement.body, name):
                    return found
    return None


def _unconditional(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield what a statement surely evaluates, without the statements inside of it."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, _ELSEWHEN):
            yield node
            waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]


def _is_endless(loop: Loop) -> bool:
    return isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant) and bool(loop.test.value)


def _is_used_up(program: Program, iteration: _Iteration, site: Site) -> bool:
    """Tell whether a comprehension runs to its end whatever its items are."""
    if not isinstance(iteration.loop, ast.GeneratorExp):
        return True
    match iteration.path[-1]:
        case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join")):
            return True
        case ast.Call(func=function):
            return full_name(program, function, site.scope) in _USE_UP
    return False


def _help(program: Program, site: Site, loop: Loop | Comprehension, ask: ast.Call) -> str:
    if not (isinstance(loop, ast.ListComp) and loop.elt is ask):
        return _HELP
    whole, spawn = program.span(loop), program.written(site.spawn.span)
    if "\n" in program.written(whole) or "\r" in program.written(whole):
        return _HELP
    futures = apply(program.source.text, [Edit(program.span(ask), spawn)], within=whole)
    return with_example("start them all first", f"circuit.gather(*{futures}).result()")
