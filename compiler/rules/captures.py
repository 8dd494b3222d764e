"""S018, and the names that the thunk of a class body is passed.

Python looks a name in the body of a class up there first, and so it does in the bounds and
annotations of what is generic there. A function made in the body skips it, and so would the
thunk; therefore the thunk is passed, as arguments, what it uses of the class's own names. A
function inside of the thunk would then see them as well, while Python has it skip the class:
one name, two meanings, and an error.
"""

import ast
from collections.abc import Iterator, Mapping

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rules.frames import thunk_scope
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.scopes import Kind, Scope, walk
from circuit.compiler.source import Span

# Python puts these there.
_IMPLICIT = {"__module__", "__qualname__"}


def captures_of(program: Program) -> Mapping[Span, tuple[str, ...]]:
    """Return, for the span of each spawn whose thunk needs it, the names that are passed to the thunk."""
    found = {site.spawn.span: tuple(_class_names(program, site)) for site in program.sites}
    return {span: names for span, names in found.items() if names}


def class_names(program: Program, site: Site) -> Iterator[Diagnostic]:
    """Yield an error for each name that would be the class's in a function of the thunk, too."""
    names = _class_names(program, site)
    for node, inner, own in _class_uses(program, site):
        if node.id in names and not _sees_class(program, inner, own):
            reader = "a comprehension" if inner.kind is Kind.COMPREHENSION else "a function"
            why = f"{reader} does not see the names of the class around it"
            used = Label(program.span(names[node.id]), "here it is the class's")
            message = f"`{node.id}` means two things in one thunk"
            help = f"give the class's `{node.id}` another name, or compute this part before the spawn"
            yield program.diagnostic("S018", Label(program.span(node), why), used, message=message, help=help)


def _class_names(program: Program, site: Site) -> dict[str, ast.Name]:
    """Return the names of the class that a thunk in its body uses, each with its first use."""
    found: dict[str, ast.Name] = {}
    uses = sorted(_class_uses(program, site), key=lambda use: (use[0].lineno, use[0].col_offset))
    for node, inner, own in uses:
        if _sees_class(program, inner, own):
            found.setdefault(node.id, node)
    return found


def _class_uses(program: Program, site: Site) -> Iterator[tuple[ast.Name, Scope, Scope]]:
    """Yield the uses of names that the class around a thunk binds, with their scope and the thunk's."""
    around: Scope | None = site.scope
    while around and around.kind is Kind.TYPE_PARAMETERS:
        around = around.outer
    if site.thunk is None or around is None or around.kind is not Kind.CLASS:
        return
    own = thunk_scope(site.thunk, site.scope)
    for node, inner in walk(site.thunk.body, own):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            owner = inner.owner(node.id)
            is_free = owner is None or not owner.is_within(own)
            if is_free and (node.id in _IMPLICIT or site.scope.owner(node.id) is around):
                yield node, inner, own


def _sees_class(program: Program, scope: Scope, own: Scope) -> bool:
    """Tell whether only thunks are between a part of a class's thunk and that thunk itself."""
    while scope is not own and scope.node in program.thunks and scope.outer:
        scope = scope.outer
    return scope is own
