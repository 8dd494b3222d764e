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
from enum import Enum, auto

from circuit.compiler.diagnostics import TITLES, Diagnostic, Label
from circuit.compiler.lowering import lower
from circuit.compiler.positions import LineTable
from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import Argument, ArgumentKind, CallParts, Spawn
from circuit.compiler.splice import OffsetMap, apply


def faults_of(
    source: Source, spawns: Iterable[Spawn], runtime: str, thunk: Span | None = None
) -> Iterator[Diagnostic]:
    """Yield what makes the operands of spawns, and of those inside of them, unfit to be sent.

    `runtime` is a name that the source does not have. `thunk` is the operand around
    the spawns if that is a thunk, which answers for the thunks inside of it.
    """
    for spawn in spawns:
        around = thunk if thunk and spawn.span.end <= thunk.end else None
        if spawn.call:
            for argument in spawn.call.arguments:
                if _is_generator(source, argument, spawn.inner):
                    yield _generator_argument(source, spawn.call, argument)
        elif around is None:
            around = spawn.operand
            yield from _thunk_faults(source, spawn, runtime)
        yield from faults_of(source, spawn.inner, runtime, around)


def _thunk_faults(source: Source, spawn: Spawn, runtime: str) -> Iterator[Diagnostic]:
    fragment = _Fragment(source, spawn.operand, spawn.inner, runtime)
    for node in fragment.moved():
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


def _is_generator(source: Source, argument: Argument, inner: Sequence[Spawn]) -> bool:
    match argument.kind:
        case ArgumentKind.GENERATOR:
            return True
        case ArgumentKind.KEYWORD | ArgumentKind.POSITIONAL if source.text[argument.value.start] == "(":
            text = apply(source.text, lower(source, inner), within=argument.value)
            return isinstance(_parsed(text), ast.GeneratorExp)
    return False


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


def _fault(code: str, source: Source, span: Span, label: str, help: str) -> Diagnostic:
    return Diagnostic(code, TITLES[code], source.path, Label(span, label), help=help)


def _text(source: Source, span: Span) -> str:
    return source.text[span.start : span.end]


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Frame(Enum):
    """Whose expression it is."""

    THUNK = auto()
    GENERATOR = auto()  # one of the thunk's, which may await: it is an asynchronous generator then
    FUNCTION = auto()  # one that the thunk makes


class _Fragment:
    """The operand of a thunk; `tree` is None where CPython says that it is no expression."""

    def __init__(self, source: Source, part: Span, inner: Sequence[Spawn], runtime: str) -> None:
        edits = lower(source, inner, runtime)
        # In parentheses, so that line breaks need no backslash; hence one column more.
        text = f"({apply(source.text, edits, within=part)}\n)"
        self.tree = _parsed(text)
        self._start = part.start - 1
        self._table = LineTable(text)
        self._origins = OffsetMap(edits)
        self._runtime = runtime

    def moved(self) -> Iterator[ast.expr]:
        """Yield the expressions that run in the frame of a thunk, this one or one inside of it."""
        waiting: list[tuple[ast.AST, _Frame]] = [(self.tree, _Frame.THUNK)] if self.tree else []
        while waiting:
            part, frame = waiting.pop()
            if isinstance(part, ast.expr) and (
                frame is _Frame.THUNK or (frame is _Frame.GENERATOR and not isinstance(part, ast.Await))
            ):
                yield part
            match part:
                case ast.Lambda(args=defaults, body=body):
                    waiting += [(defaults, frame), (body, _Frame.FUNCTION)]
                case ast.Call(func=ast.Attribute() as function, args=[ast.Lambda() as thunk]) if (
                    self._writes_thunk(function, thunk)
                ):
                    waiting.append((thunk.body, _Frame.THUNK))
                case _:
                    if isinstance(part, ast.GeneratorExp) and frame is _Frame.THUNK:
                        frame = _Frame.GENERATOR
                    waiting += [(child, frame) for child in ast.iter_child_nodes(part)]

    def _writes_thunk(self, function: ast.Attribute, thunk: ast.Lambda) -> bool:
        """Tell the thunk of a spawn inside from a lambda that is spawned, which has its own parenthesis."""
        is_runtime = isinstance(function.value, ast.Name) and function.value.id == self._runtime
        after = (function.end_lineno, (function.end_col_offset or 0) + 1)
        return is_runtime and (thunk.lineno, thunk.col_offset) == after

    def span(self, node: ast.expr) -> Span:
        """Return the part of the source that a node stands for."""
        start = self._table.offset_of_bytes(node.lineno, node.col_offset)
        end = self._table.offset_of_bytes(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return Span(self._origins.origin(self._start + start), self._origins.origin(self._start + end))
