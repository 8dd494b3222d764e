"""The program: what the rules read, a syntax tree in which every spawn is found again.

The tree is CPython's, of the lowered text, in which each spawn is a call of the runtime by
a name that the source does not have. A `Site` joins the spawn as the parser saw it to that
call, to the scope it stands in and to the nodes around it.

Only statements that hold a spawn are entered, so that the cost follows the spawns and not
the file. Positions of nodes are those of the lowered text; `Program.span` takes them back.
"""

import ast
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from circuit.compiler.diagnostics import TITLES, Diagnostic, Label, Severity
from circuit.compiler.positions import LineTable
from circuit.compiler.rules.scopes import Kind, Scope, children
from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import Spawn
from circuit.compiler.splice import Edit, OffsetMap

# What follows the words, even in a string or a comment: a name too many is only taken for uncertain.
_DECLARED = [re.compile(word + r"\b((?:\\(?:\r\n?|\n)|[^\r\n;])*)") for word in ("global", "nonlocal")]
_WORD = re.compile(r"\w+")
_LAST_WORD = re.compile(r"(\w++)(?>(?:[\s\\]|#[^\r\n]*+)*)\Z")
_NEAR = 500


@dataclass(frozen=True, slots=True)
class Site:
    """One spawn in the tree.

    Attributes:
        spawn: The spawn, as spans of the source.
        node: The runtime call that it is lowered to.
        scope: The scope that it is evaluated in.
        path: The nodes around `node`, from the module inwards.
    """

    spawn: Spawn
    node: ast.Call
    scope: Scope
    path: tuple[ast.AST, ...]

    @property
    def call(self) -> ast.Call:
        """The runtime call without its `.on(place)`."""
        function = self.node.func
        assert isinstance(function, ast.Attribute)
        assert isinstance(function.value, ast.Call)
        return function.value

    @property
    def thunk(self) -> ast.Lambda | None:
        """The thunk that the operand became, unless that is a call."""
        first = self.call.args[0]
        return first if self.spawn.call is None and isinstance(first, ast.Lambda) else None

    @property
    def callee(self) -> ast.expr | None:
        """What is called on the worker, unless that is a thunk."""
        return self.call.args[0] if self.spawn.call else None

    @property
    def arguments(self) -> list[ast.expr]:
        """What is evaluated here and sent, without the callee; a star's iterable is not."""
        values = [*self.call.args[1:], *(keyword.value for keyword in self.call.keywords if keyword.arg)]
        return [value for value in values if not isinstance(value, ast.Starred)]

    @property
    def statement(self) -> ast.stmt:
        """The innermost statement around the spawn."""
        return next(node for node in reversed(self.path) if isinstance(node, ast.stmt))

    @property
    def is_statement(self) -> bool:
        """Whether the spawn stands alone, so that nobody holds its handle."""
        return isinstance(self.path[-1], ast.Expr)


@dataclass(frozen=True)
class Program:
    """A lowered program; see the file's head.

    No slots: what is found once is kept.

    Attributes:
        source: The source.
        spawns: Its outermost spawns that are in the tree, in source order.
        text: The lowered text.
        edits: What makes that text of the source.
        tree: The text's tree, its positions as CPython gave them.
        runtime: The name of the runtime in the text.
        is_whole: Whether every statement of the source is in the tree; else some were refused.
    """

    source: Source
    spawns: Sequence[Spawn]
    text: str
    edits: Sequence[Edit]
    tree: ast.Module
    runtime: str
    is_whole: bool = True

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Every spawn in the tree, those inside of others included, in source order."""
        expected = {spawn.span.start: spawn for spawn in _nested(self.spawns)}
        lines = sorted({self.source.position(start)[0] for start in expected})
        found = []
        waiting: list[tuple[ast.AST, Scope, _Around | None]] = [(self.tree, self._module, None)]
        while waiting:
            node, scope, around = waiting.pop()
            if self._is_spawn(node) and (spawn := expected.get(self.span(node).start)):
                found.append(Site(spawn, node, scope, tuple(_unrolled(around))[::-1]))  # type: ignore[arg-type]
            inside = _Around(node, around)
            waiting += [
                (child, inner, inside)
                for child, inner in children(node, scope)
                if not isinstance(child, ast.stmt | ast.ExceptHandler) or _touches(child, lines)
            ]
        return tuple(sorted(found, key=lambda site: site.spawn.span.start))

    @cached_property
    def thunks(self) -> frozenset[ast.AST]:
        """The thunks, which look like lambdas of the program's own."""
        return frozenset(site.thunk for site in self.sites if site.thunk)

    @cached_property
    def declared_elsewhere(self) -> frozenset[str]:
        """The names that some block may take from the one around it, so that it may bind them."""
        lists = (match[1] for pattern in _DECLARED for match in pattern.finditer(self._words))
        return frozenset(name for names in lists for name in _WORD.findall(names))

    def span(self, node: ast.AST) -> Span:
        """Return the part of the source that a node stands for."""
        assert isinstance(node, ast.expr | ast.stmt | ast.arg | ast.alias | ast.ExceptHandler | ast.pattern)
        start = self._table.offset_of_bytes(node.lineno, node.col_offset)
        end = self._table.offset_of_bytes(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return Span(self._origins.origin(start), self._origins.origin(end))

    def written(self, part: ast.AST | Span) -> str:
        """Return the source text of a node or a span."""
        span = part if isinstance(part, Span) else self.span(part)
        return self.source.text[span.start : span.end]

    def diagnostic(
        self,
        code: str,
        primary: Label,
        *labels: Label,
        message: str | None = None,
        severity: Severity = "error",
        note: str | None = None,
        help: str | None = None,
        fix: Sequence[Edit] = (),
    ) -> Diagnostic:
        """Make a diagnostic about this program; its message is the code's title unless another is given."""
        notes = (note,) if note else ()
        return Diagnostic(
            code,
            message or TITLES[code],
            self.source.path,
            primary,
            labels,
            notes,
            help,
            tuple(fix),
            severity,
        )

    @cached_property
    def _module(self) -> Scope:
        return Scope(Kind.MODULE, self.tree, None, frozenset(_assigned_inside(self._words)))

    @cached_property
    def _words(self) -> str:
        """The source text with its identifiers as Python takes them."""
        text = self.source.text
        return text if text.isascii() else unicodedata.normalize("NFKC", text)

    @cached_property
    def _table(self) -> LineTable:
        return LineTable(self.text)

    @cached_property
    def _origins(self) -> OffsetMap:
        return OffsetMap(self.edits)

    def _is_spawn(self, node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Attribute(ast.Call(func=ast.Attribute(ast.Name(id=name), "call")), "on")):
                return name == self.runtime
        return False


def _assigned_inside(text: str) -> Iterator[str]:
    """Yield the names before each `:=`, wherever it stands."""
    end = -1
    while (end := text.find(":=", end + 1)) >= 0:
        near = _LAST_WORD.search(text, max(end - _NEAR, 0), end)
        yield from [near[1]] if near else _WORD.findall(text, 0, end)


@dataclass(frozen=True, slots=True)
class _Around:
    """The nodes around a node, the innermost first."""

    node: ast.AST
    outer: "_Around | None"


def _unrolled(around: _Around | None) -> Iterator[ast.AST]:
    while around:
        yield around.node
        around = around.outer


def _nested(spawns: Sequence[Spawn]) -> Iterator[Spawn]:
    for spawn in spawns:
        yield spawn
        yield from _nested(spawn.inner)


def _touches(node: ast.stmt | ast.ExceptHandler, lines: Sequence[int]) -> bool:
    """Tell whether a statement, its decorators included, has one of the lines."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    nearest = bisect_left(lines, decorators[0].lineno if decorators else node.lineno)
    return nearest < len(lines) and lines[nearest] <= (node.end_lineno or node.lineno)
