"""Names: what a name certainly means.

A rule may only speak of what is sure. A name is certain if one place in its scope binds it
and no other can: no second binding, but for the same import, no declaration of it as global
or nonlocal elsewhere, no `import *` beside it. What a name imported from a library, or a
builtin, stands for is told by its full dotted name, as `threading.Lock`.
"""

import ast
import builtins

from circuit.compiler.rules.bindings import Binding, Way
from circuit.compiler.rules.program import Program
from circuit.compiler.rules.scopes import Kind, Scope

_BUILTINS = frozenset(dir(builtins))


def certain(program: Program, name: str, scope: Scope) -> Binding | None:
    """Return the one binding of a name that is read in a scope; None if there may be others."""
    owner = scope.owner(name)
    if owner is None or name in program.declared_elsewhere or _is_mangled(name):
        return None
    if owner.kind is Kind.MODULE and owner.imports_star:
        return None
    found = [binding for binding in owner.bindings(name) if binding.way is not Way.DECLARED]
    imported = {binding.imported for binding in found}
    is_one = len(found) == 1 or (len(imported) == 1 and None not in imported)
    return found[0] if is_one else None


def full_name(program: Program, node: ast.expr, scope: Scope) -> str | None:
    """Return the dotted name of what an expression certainly is: something imported, or a builtin."""
    match node:
        case ast.Name(id=name):
            if binding := certain(program, name, scope):
                return binding.imported
            return f"builtins.{name}" if is_builtin(program, name, scope) else None
        case ast.Attribute(value=value, attr=attribute):
            whole = full_name(program, value, scope)
            return f"{whole}.{attribute}" if whole else None
    return None


def is_builtin(program: Program, name: str, scope: Scope) -> bool:
    """Tell whether a name that is read in a scope certainly is Python's own."""
    return (
        name in _BUILTINS
        and scope.owner(name) is None
        and name not in program.declared_elsewhere
        and not scope.module.imports_star
    )


def _is_mangled(name: str) -> bool:
    """Tell whether a name may be another one inside a class."""
    return name.startswith("__") and not name.endswith("__")
