"""Bindings: the places where a block gives a name a value, and what is known of the value there.

Which statements bind names is said in the language reference, 4.2.1. Deleting a name is one
of them, as it makes the name the block's own, and so is an annotation without a value.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from circuit.compiler.rules.blocks import Comprehension, Function, targets


class Way(Enum):
    """How a name comes to be bound."""

    ASSIGNED = auto()  # to exactly the value
    ENTERED = auto()  # to what a `with` made of the value
    IMPORTED = auto()
    DEFINED = auto()  # by `def` or `class`
    DECLARED = auto()  # by an annotation alone: the name belongs to the block, and has no value yet
    OTHERWISE = auto()


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a name.

    Attributes:
        node: What to point at.
        way: How the name is bound there.
        value: What is assigned, or entered.
        imported: The full dotted name of what is imported, unless the import is relative.
    """

    node: ast.AST
    way: Way
    value: ast.expr | None = None
    imported: str | None = None


def bound_by_head(node: ast.AST) -> Iterator[tuple[str, Binding]]:
    """Yield what a function's parameters or a comprehension's targets bind."""
    if isinstance(node, Function | ast.Lambda):
        yield from ((arg.arg, Binding(arg, Way.OTHERWISE)) for arg in named_parameters(node.args))
    elif isinstance(node, Comprehension):
        for generator in node.generators:
            yield from _otherwise(generator.target)


def type_parameters(node: ast.AST) -> Iterator[tuple[str, Binding]]:
    """Yield what the type parameters of a definition bind."""
    yield from ((one.name, Binding(one, Way.OTHERWISE)) for one in getattr(node, "type_params", ()))


def named_parameters(args: ast.arguments) -> Iterator[ast.arg]:
    """Yield the parameters of a function."""
    yield from (*args.posonlyargs, *args.args, *args.kwonlyargs)
    yield from (arg for arg in (args.vararg, args.kwarg) if arg)


def bound_by(statement: ast.stmt) -> Iterator[tuple[str, Binding]]:
    """Yield the names that a statement binds, without those of the statements inside of it."""
    match statement:
        case ast.Assign(targets=assigned, value=value):
            for target in assigned:
                if isinstance(target, ast.Name):
                    yield target.id, Binding(target, Way.ASSIGNED, value)
                else:
                    yield from _otherwise(target)
        case ast.AnnAssign(target=ast.Name() as target, value=value):
            yield target.id, Binding(target, Way.ASSIGNED if value else Way.DECLARED, value)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name, Binding(statement, Way.DEFINED)
        case ast.Import(names=names):
            for alias in names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or whole, Binding(alias, Way.IMPORTED, imported=whole)
        case ast.ImportFrom(module=module, names=names, level=level):
            for alias in names:
                full = f"{module}.{alias.name}" if not level else None
                yield alias.asname or alias.name, Binding(alias, Way.IMPORTED, imported=full)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            way = Way.ENTERED if isinstance(statement, ast.With) else Way.OTHERWISE
            for item in items:
                if isinstance(item.optional_vars, ast.Name):
                    name = item.optional_vars
                    yield name.id, Binding(name, way, item.context_expr)
                elif item.optional_vars:
                    yield from _otherwise(item.optional_vars)
        case ast.For(target=target) | ast.AsyncFor(target=target) | ast.AugAssign(target=target):
            yield from _otherwise(target)
        case ast.Delete(targets=deleted):
            for target in deleted:
                yield from _otherwise(target)
        case ast.Try(handlers=handlers) | ast.TryStar(handlers=handlers):
            named = (handler for handler in handlers if handler.name)
            yield from ((str(handler.name), Binding(handler, Way.OTHERWISE)) for handler in named)
        case ast.Match(cases=cases):
            for case in cases:
                yield from _captured(case.pattern)
        case _ if type(statement).__name__ == "TypeAlias":  # Python 3.12
            yield from _otherwise(statement.name)  # type: ignore[attr-defined]


def _captured(pattern: ast.pattern) -> Iterator[tuple[str, Binding]]:
    for part in ast.walk(pattern):
        match part:
            case (
                ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name))
            ):
                yield name, Binding(part, Way.OTHERWISE)


def _otherwise(target: ast.expr) -> Iterator[tuple[str, Binding]]:
    yield from ((name.id, Binding(name, Way.OTHERWISE)) for name in targets(target))
