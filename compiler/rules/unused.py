"""S015: a Future that nobody asks. The name it has looks as if somebody would."""

import ast
from collections.abc import Iterator

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rules.blocks import Function
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.wording import with_example
from circuit.compiler.source import Span
from circuit.compiler.splice import Edit

# With these a function may read a name that it does not spell.
_READ_ALL = {"locals", "vars", "dir", "eval", "exec"}


def unused(program: Program, site: Site) -> Iterator[Diagnostic]:
    """Yield a warning if the spawn is bound to a local name that is never read."""
    match site.path[-1]:
        case ast.Assign(targets=[ast.Name() as target]) | ast.AnnAssign(target=ast.Name() as target):
            name = target.id
        case _:
            return
    is_local = isinstance(site.scope.node, Function) and name not in site.scope.declarations
    if not is_local or name.startswith("_") or site.scope.reads & {name, *_READ_ALL}:
        return
    label = Label(program.span(target), "nobody asks it how the call ended")
    before = Span(label.span.start, site.spawn.span.start)
    gap = program.written(before)
    # A parenthesis before the spawn has to stay, and so has a line break.
    is_plain = gap.rstrip().endswith("=") and not {"\n", "\r"} & {*gap}
    fix = (Edit(before, ""),) if is_plain else ()
    help = with_example("start the call and go on", program.written(site.spawn.span))
    message = f"the Future `{name}` is never used"
    yield program.diagnostic("S015", label, message=message, severity="warning", help=help, fix=fix)
