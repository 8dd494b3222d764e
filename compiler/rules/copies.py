"""S013: a collection that is changed on the worker. That is a copy: the one here stays as it is."""

import ast
from collections.abc import Iterator

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rules.bindings import Way
from circuit.compiler.rules.frames import captured
from circuit.compiler.rules.names import certain, full_name
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.scopes import Scope

_LIST = {"append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"}
_DICT = {"clear", "pop", "popitem", "setdefault", "update"}
_SET = {"add", "remove", "discard", "pop", "clear", "update"} | {
    *("intersection_update", "difference_update", "symmetric_difference_update"),
}
_DEQUE = _LIST - {"sort"} | {"appendleft", "extendleft", "popleft", "rotate"}

_MUTATORS = {
    "list": _LIST,
    "dict": _DICT,
    "set": _SET,
    "bytearray": _LIST - {"sort"},
    "deque": _DEQUE,
}
_MADE_BY = {
    "builtins.list": "list",
    "builtins.dict": "dict",
    "builtins.set": "set",
    "builtins.bytearray": "bytearray",
    "collections.deque": "deque",
    "collections.OrderedDict": "dict",
    "collections.defaultdict": "dict",
    "collections.Counter": "dict",
}
# These are worth something besides the change.
_GIVE_BACK = {"pop", "popitem", "popleft", "setdefault"}


def changed_copies(program: Program, site: Site) -> Iterator[Diagnostic]:
    """Yield a warning for each call that changes the copy of a collection which was sent."""
    if site.thunk:
        looked_up = dict(captured(site.thunk, site.scope))
        for node in ast.walk(site.thunk.body):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name() as name) as method) if name in looked_up:
                    yield from _change(program, method, name, looked_up[name])
    else:
        match site.callee:
            case ast.Attribute(value=ast.Name() as name, attr=attribute) as method:
                if site.is_statement or attribute not in _GIVE_BACK:
                    yield from _change(program, method, name, site.scope)


def _change(program: Program, method: ast.Attribute, name: ast.Name, scope: Scope) -> Iterator[Diagnostic]:
    binding, owner = certain(program, name.id, scope), scope.owner(name.id)
    if binding is None or owner is None or binding.value is None or binding.way is not Way.ASSIGNED:
        return
    kind = _collection(program, binding.value, owner)
    if kind and method.attr in _MUTATORS[kind]:
        changes = Label(
            program.span(method), f"changes a copy on the worker; `{name.id}` stays as it is here"
        )
        made = Label(program.span(binding.node), f"a {kind}")
        message = f"only a copy of `{name.id}` is changed"
        help = "return what is new, or let all change one object through `circuit.ref`"
        yield program.diagnostic("S013", changes, made, message=message, severity="warning", help=help)


def _collection(program: Program, value: ast.expr, scope: Scope) -> str | None:
    match value:
        case ast.List() | ast.ListComp():
            return "list"
        case ast.Dict() | ast.DictComp():
            return "dict"
        case ast.Set() | ast.SetComp():
            return "set"
        case ast.Call(func=function):
            return _MADE_BY.get(full_name(program, function, scope) or "")
    return None
