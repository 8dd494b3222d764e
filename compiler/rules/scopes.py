"""Scopes: which block a name belongs to.

The rules are those of the language reference, 4.2.2: a name that is bound anywhere in a
block belongs to it, unless declared global or nonlocal; functions inside a class do not see
the names of its body; a comprehension is a function but for its first iterable; an
assignment expression in one binds in the block around it.

Everything is lazy: a scope is read when a rule asks for a name of it, and read once. Only
its own statements are looked at, and their expressions only for a name that an assignment
expression binds somewhere, so that the cost follows the blocks around the spawns.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from circuit.compiler.rules.bindings import (
    Binding,
    Way,
    bound_by,
    bound_by_head,
    named_parameters,
    type_parameters,
)
from circuit.compiler.rules.blocks import parts, statements

_OPENING = {
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    getattr(ast, "TypeAlias", None),  # Python 3.12
}


class Kind(Enum):
    """What kind of block a scope is."""

    MODULE = auto()
    CLASS = auto()
    FUNCTION = auto()  # a lambda, too
    COMPREHENSION = auto()
    TYPE_PARAMETERS = auto()  # around a generic function, class or type alias


@dataclass(frozen=True, eq=False)
class Scope:
    """One block, and the one around it.

    No slots: what is bound is found on first use and kept.

    Attributes:
        assigned_inside: At least the names that an assignment expression binds anywhere in the program.
    """

    kind: Kind
    node: ast.AST
    outer: "Scope | None"
    assigned_inside: frozenset[str]

    def inside(self, kind: Kind, node: ast.AST) -> "Scope":
        """Return the scope of a block right inside of this one."""
        return Scope(kind, node, self, self.assigned_inside)

    def is_within(self, other: "Scope") -> bool:
        """Tell whether this is the other scope, or is somewhere inside of it."""
        scope: Scope | None = self
        while scope is not None and scope is not other:
            scope = scope.outer
        return scope is other

    @cached_property
    def module(self) -> "Scope":
        """The outermost scope."""
        scope = self
        while scope.outer:
            scope = scope.outer
        return scope

    @cached_property
    def statements(self) -> tuple[ast.stmt, ...]:
        """The statements of the block, those of its compound ones included."""
        body = getattr(self.node, "body", None)
        if not isinstance(body, list) or self.kind is Kind.TYPE_PARAMETERS:
            return ()
        return tuple(statements(body))

    @cached_property
    def bound(self) -> dict[str, list[Binding]]:
        """What the statements of the block bind, or its head; not what expressions do."""
        return _collected(_bindings(self))

    def bindings(self, name: str) -> list[Binding]:
        """Return the places that bind a name in the block."""
        found = self.bound.get(name, [])
        return found + self._walruses.get(name, []) if name in self.assigned_inside else found

    @cached_property
    def declarations(self) -> dict[str, type[ast.Global | ast.Nonlocal]]:
        """The names that the block says are another's."""
        return {
            name: type(statement)
            for statement in self.statements
            if isinstance(statement, ast.Global | ast.Nonlocal)
            for name in statement.names
        }

    @cached_property
    def reads(self) -> frozenset[str]:
        """The names that the block, or one inside of it, may read or delete."""
        found: set[str] = set()
        waiting = [self.node]
        while waiting:
            node = waiting.pop()
            waiting += parts(node)
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
            elif isinstance(node, ast.Global | ast.Nonlocal):
                found.update(node.names)
        return frozenset(found)

    @cached_property
    def imports_star(self) -> bool:
        """Whether the module binds names that only running it tells."""
        return "*" in self.module.bound

    def owner(self, name: str) -> "Scope | None":
        """Return the scope that a name read here belongs to; None for a builtin, or a name unknown."""
        scope: Scope | None = self
        sees_class = True
        while scope is not None:
            if scope.kind is not Kind.CLASS or sees_class:
                declared = scope.declarations.get(name)
                if declared is ast.Global:
                    scope = self.module
                if declared is None and scope.bindings(name):
                    return scope
            if scope.outer is None:
                return scope if scope.bindings(name) else None
            # Only type parameters see the names of the class around them.
            sees_class = scope.kind is Kind.TYPE_PARAMETERS
            scope = scope.outer
        return None

    @cached_property
    def _walruses(self) -> dict[str, list[Binding]]:
        return _collected(_assignment_expressions(self))


def children(node: ast.AST, scope: Scope) -> list[tuple[ast.AST, Scope]]:
    """Return what a node is made of, each part with the scope that it is evaluated in."""
    if type(node) not in _OPENING:
        return [(part, scope) for part in parts(node)]
    return [*_opened(node, scope)]


def walk(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    """Yield a node and everything inside of it, in no particular order, each with its scope."""
    waiting = [(node, scope)]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += children(*part)


def _opened(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    """Yield the parts of a node that has a scope of its own."""
    around = scope.inside(Kind.TYPE_PARAMETERS, node) if getattr(node, "type_params", None) else scope
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from ((decorator, scope) for decorator in node.decorator_list)
            yield from ((parameter, around) for parameter in getattr(node, "type_params", ()))
            yield from _parameters(node.args, scope, around)
            if node.returns:
                yield node.returns, around
            inner = around.inside(Kind.FUNCTION, node)
            yield from ((statement, inner) for statement in node.body)
        case ast.Lambda():
            yield from _parameters(node.args, scope, scope)
            yield node.body, scope.inside(Kind.FUNCTION, node)
        case ast.ClassDef():
            yield from ((decorator, scope) for decorator in node.decorator_list)
            yield from ((parameter, around) for parameter in getattr(node, "type_params", ()))
            yield from ((base, around) for base in (*node.bases, *node.keywords))
            inner = around.inside(Kind.CLASS, node)
            yield from ((statement, inner) for statement in node.body)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            first, *others = node.generators
            inner = scope.inside(Kind.COMPREHENSION, node)
            results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            yield first.iter, scope
            yield from ((part, inner) for part in (*results, first.target, *first.ifs, *others))
        case _:  # a type alias
            yield from ((part, around) for part in parts(node))


def _parameters(args: ast.arguments, scope: Scope, around: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    yield from ((default, scope) for default in (*args.defaults, *args.kw_defaults) if default)
    yield from ((arg.annotation, around) for arg in named_parameters(args) if arg.annotation)


def _collected(pairs: Iterable[tuple[str, Binding]]) -> dict[str, list[Binding]]:
    found: dict[str, list[Binding]] = {}
    for name, binding in pairs:
        found.setdefault(name, []).append(binding)
    return found


def _bindings(scope: Scope) -> Iterator[tuple[str, Binding]]:
    if scope.kind is Kind.TYPE_PARAMETERS:
        yield from type_parameters(scope.node)
        return
    yield from bound_by_head(scope.node)
    for statement in scope.statements:
        yield from bound_by(statement)


def _assignment_expressions(scope: Scope) -> Iterator[tuple[str, Binding]]:
    """Yield what the assignment expressions of a block bind, those in its comprehensions included."""
    if scope.kind in (Kind.COMPREHENSION, Kind.TYPE_PARAMETERS):
        return
    body = getattr(scope.node, "body", [])
    for part in body if isinstance(body, list) else [body]:
        for node, inner in walk(part, scope):
            while inner is not scope and inner.kind is Kind.COMPREHENSION and inner.outer:
                inner = inner.outer
            if isinstance(node, ast.NamedExpr) and inner is scope:
                yield node.target.id, Binding(node.target, Way.ASSIGNED, node.value)
