"""Frames: what runs in the frame of a thunk, and what a thunk takes along.

An operand that is no call runs on the worker as a thunk, in a frame of its own. What a
lambda or a generator expression inside of it does happens in yet another frame, as it
would without the spawn; so does the thunk of a spawn inside.
"""

import ast
from collections.abc import Iterator

from circuit.compiler.rules.scopes import Kind, Scope, children, walk


def thunk_scope(thunk: ast.Lambda, scope: Scope) -> Scope:
    """Return the scope of a thunk that stands in a scope."""
    return scope.inside(Kind.FUNCTION, thunk)


def moved(thunk: ast.Lambda, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    """Yield what runs in the frame of a thunk, and in comprehensions of it, each part with its scope."""
    own = thunk_scope(thunk, scope)
    waiting: list[tuple[ast.AST, Scope]] = [(thunk.body, own)]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += [
            child for child in children(*part) if child[1] is part[1] or child[1].kind is Kind.COMPREHENSION
        ]


def captured(thunk: ast.Lambda, scope: Scope) -> list[tuple[ast.Name, Scope]]:
    """Return the names in a thunk that come from outside of it, each with the scope it is looked up from.

    A thunk right in the body of a class has the class's names too, as they are passed to it.
    """
    own = thunk_scope(thunk, scope)
    found = []
    for node, inner in walk(thunk.body, own):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            owner = inner.owner(node.id)
            if owner is None or not owner.is_within(own):
                found.append((node, scope if inner is own else inner))
    return sorted(found, key=lambda use: (use[0].lineno, use[0].col_offset))


def generator_around(scope: Scope) -> bool:
    """Tell whether a part of a thunk is that of a generator expression, which has a frame of its own."""
    around: Scope | None = scope
    while around and around.kind is Kind.COMPREHENSION:
        if isinstance(around.node, ast.GeneratorExp):
            return True
        around = around.outer
    return False
