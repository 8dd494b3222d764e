"""Thunks: what an operand may not contain, because it would mean something else on a worker.

A thunk runs in another frame, in another process. A `yield` or an `await` in it would
suspend the wrong function, and an assignment expression would bind a name that nobody
here reads, so each of them is an error. Inside a function of the thunk's own they mean
what they always mean. A generator as an argument is an error too: it does not travel.

An operand is read by CPython's own parser, as a fragment, with the spawns inside of it
lowered. A fragment that is not Python has no faults here: the check of the whole file
says what is wrong with it, in CPython's words.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence

from circuit.compiler.diagnostics import TITLES, Diagnostic, Label
from circuit.compiler.lowering import lower
from circuit.compiler.positions import LineTable
from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import Argument, ArgumentKind, CallParts, Spawn
from circuit.compiler.splice import OffsetMap, apply

_SENT_AS_IT_IS = (ArgumentKind.POSITIONAL, ArgumentKind.KEYWORD)


def faults_of(source: Source, spawns: Iterable[Spawn]) -> Iterator[Diagnostic]:
    """Yield what makes the operands of spawns, and of those inside of them, unfit to be sent."""
    for spawn in spawns:
        if spawn.call is None:
            yield from _thunk_faults(source, spawn)
        else:
            for argument in spawn.call.arguments:
                if _is_generator(source, argument, spawn.inner):
                    yield _generator_argument(source, spawn.call, argument)
        yield from faults_of(source, spawn.inner)


def _thunk_faults(source: Source, spawn: Spawn) -> Iterator[Diagnostic]:
    fragment = _Fragment(source, spawn.operand, spawn.inner)
    if fragment.tree is None:
        return
    for node in _of_its_own_frame(fragment.tree):
        match node:
            case ast.Yield() | ast.YieldFrom():
                label = "this would suspend the thunk, not the function around it"
                yield _fault("S006", source, fragment.span(node), label, "take the value before the spawn")
            case ast.Await(value=awaited):
                label = "the thunk is a plain function, on another event loop or on none"
                help = "await before the spawn, and spawn what came of it"
                if node is fragment.tree and isinstance(awaited, ast.Call):
                    call, place = _text(source, fragment.span(awaited)), _text(source, spawn.place)
                    help = _with_example("await the spawn", f"await spawn {call} on {place}")
                yield _fault("S007", source, fragment.span(node), label, help)
            case ast.NamedExpr(target=ast.Name(id=name)):
                label = f"this would bind `{name}` on the worker, not here"
                yield _fault("S008", source, fragment.span(node), label, "assign before the spawn")


def _fault(code: str, source: Source, span: Span, label: str, help: str) -> Diagnostic:
    return Diagnostic(code, TITLES[code], source.path, Label(span, label), help=help)


def _text(source: Source, span: Span) -> str:
    return source.text[span.start : span.end]


def _of_its_own_frame(thunk: ast.expr) -> Iterator[ast.expr]:
    """Yield a thunk's expressions, those aside that a function inside of it evaluates."""
    waiting: list[tuple[ast.AST, bool]] = [(thunk, False)]
    while waiting:
        part, in_generator = waiting.pop()
        # An asynchronous generator awaits for itself.
        if isinstance(part, ast.expr) and not (in_generator and isinstance(part, ast.Await)):
            yield part
        in_generator = in_generator or isinstance(part, ast.GeneratorExp)
        evaluated = part.args if isinstance(part, ast.Lambda) else part
        waiting += [(child, in_generator) for child in ast.iter_child_nodes(evaluated)]


def _is_generator(source: Source, argument: Argument, inner: Sequence[Spawn]) -> bool:
    if argument.kind is ArgumentKind.GENERATOR:
        return True
    if argument.kind not in _SENT_AS_IT_IS or not source.text.startswith("(", argument.value.start):
        return False
    return isinstance(_Fragment(source, argument.value, inner).tree, ast.GeneratorExp)


def _generator_argument(source: Source, call: CallParts, argument: Argument) -> Diagnostic:
    generator = _text(source, argument.value)
    listed = f"[{generator.removeprefix('(').removesuffix(')').strip()}]"
    if len(call.arguments) == 1:
        listed = f"{_text(source, call.callee)}({listed})"
    label = "evaluated here, and a generator does not travel"
    return _fault("S005", source, argument.value, label, _with_example("send a list", listed))


def _with_example(advice: str, code: str) -> str:
    """Return advice with the code it comes down to, if that fits on the line."""
    return advice if "\n" in code or "\r" in code else f"{advice}: `{code}`"


class _Fragment:
    """A part of the source that is an expression; `tree` is None where CPython says it is not."""

    def __init__(self, source: Source, part: Span, inner: Sequence[Spawn]) -> None:
        edits = lower(source, inner)
        # In parentheses, so that line breaks need no backslash; hence one column more.
        text = f"({apply(source.text, edits, within=part)}\n)"
        self._start = part.start - 1
        self._table = LineTable(text)
        self._origins = OffsetMap(edits)
        self.tree: ast.expr | None
        try:
            self.tree = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.tree = None

    def span(self, node: ast.expr) -> Span:
        """Return the part of the source that a node of a thunk stands for."""
        start = self._table.offset_of_bytes(node.lineno, node.col_offset)
        end = self._table.offset_of_bytes(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return Span(self._origins.origin(self._start + start), self._origins.origin(self._start + end))
