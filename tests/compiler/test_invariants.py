"""What the compiler promises, on real files: those of the running interpreter's standard library.

 1. A file without a spawn comes out byte for byte.
 2. Outside of the spawns every byte stays, and line N of the output is line N of the source.
 3. The output's tree is the source's, with the runtime call in the place of each spawn.
 4. Each node of the code's tree has the place that CPython gives it in the source.

Every `CIRCUIT_EVERY`th file is taken (40 if it is not set; 1 takes some minutes). Each has its own dice.
"""

import ast
import os
import random
import re
import sys
import sysconfig
import warnings
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

import pytest

from circuit.compiler import Source, Span, compile_bytes
from circuit.compiler.positions import LineTable
from circuit.compiler.splice import Edit, apply
from circuit.compiler.tokens import tokenize

STDLIB = Path(sysconfig.get_path("stdlib"))
EVERY = int(os.environ.get("CIRCUIT_EVERY", "40"))
LINE_END = re.compile(r"\r\n|\r|\n")
SOFT = {"match", "case", "type", "_"}


def parsed(text: str | bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def library() -> Iterator[Path]:
    """Yield the files of the standard library that are Python, a few of them."""
    paths = [path for path in STDLIB.rglob("*.py") if "site-packages" not in path.parts]
    for path in sorted(paths)[::EVERY]:
        try:
            parsed(path.read_bytes())
        except (SyntaxError, ValueError, RecursionError):
            continue  # a bad file of CPython's own tests
        yield path


LIBRARY = list(library())
each_file = pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(STDLIB)))


# What may be special about a file's bytes, with a place for a statement.
FILES = {
    "empty": b"%s",
    "byte order mark": b"\xef\xbb\xbfx = 1\n%s\ny = 2\n",
    "byte order mark and cookie": b"\xef\xbb\xbf# coding: utf-8\nx = '\xc3\xa9'\n%s\n",
    "latin-1": b"#!/bin/x\n# -*- coding: latin-1 -*-\nx = '\xe9\xff'\n%s\n",
    "koi8-r": b"# vim: set fileencoding=koi8-r :\n'\xc1'\n%s\n",
    "shift_jis": b"# coding: shift_jis\nx = '\x83\x5c'\n%s\n# \x83\x5c",
    "euc-jp": b"# coding: euc-jp\n\xa4\xa2 = 1\n%s\n",
    "CR LF": b"x = 1\r\n%s\r\ny = '''\r\n'''\r\n",
    "lone CR": b"x = 1\r%s\ry = 2\r",
    "mixed line ends": b"x = 1\r\ny = 2\r%s\nz = 3\r\n",
    "form feeds": b"\x0cx = 1\n\x0c\n%s\n  \x0c\n\x0cy = 2\x0c\n",
    "no final line end": b"x = 1\n%s",
    "blanks at the end": b"x = 1  \n%s \t\n   \n\t",
    "tabs": b"x = 1\nif x:\n\t%s\n\tif y:\n\t\tz\n",
    "joined lines": b"\\\nx = \\\n  1\n%s\n\\\n\ny = 2\n",
    "wide characters": "x = '𝄞\u2028\u0085\x1c'\n%s\nŋ = 1\n".encode(),
    "what a printer would lose": b"(x): int = f'{3  !s}'\nx = 0XFF + 1_0\n%s\n",
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES.keys())
@pytest.mark.parametrize(
    "statement", [b"pass", b"spawn = on = 1", b"spawn(f)(x)", b"on: 1", b"# spawn f() on w"]
)
def test_a_file_without_a_spawn_is_left_alone(data: bytes, statement: bytes) -> None:
    data = data.replace(b"%s", statement)
    compilation = compile_bytes(data, "a.cpy")
    assert (compilation.data, compilation.edits, compilation.diagnostics) == (data, (), ())


@pytest.mark.parametrize("data", FILES.values(), ids=FILES.keys())
def test_a_spawn_changes_nothing_around_it(data: bytes) -> None:
    before, after = data.split(b"%s")
    compilation = compile_bytes(before + b"spawn f(x) on w" + after, "a.cpy")
    assert compilation.diagnostics == ()
    text = compilation.data
    assert text.endswith(b"_circuit.call(f, x).on(w)" + after)
    rest = text.removesuffix(b"_circuit.call(f, x).on(w)" + after).decode("latin-1")
    assert without_import(rest) == before.decode("latin-1")


@each_file
def test_real_files_are_left_alone(path: Path) -> None:
    data = path.read_bytes()
    compilation = compile_bytes(data, str(path))
    assert (compilation.data, compilation.diagnostics) == (data, ())
    for _ in range(2):
        renamed = with_names_like_keywords(Source.decode(data, str(path)), random.Random(path.name))
        assert compile_bytes(renamed, str(path)).data == renamed


def with_names_like_keywords(source: Source, dice: random.Random) -> bytes:
    """Rename most identifiers to `spawn` and `on`, if that leaves the file Python."""
    tokens = tokenize(source)
    edits = [
        Edit(tokens.span(index), dice.choice(["spawn", "on"]))
        for index, kind in enumerate(tokens.kinds)
        if kind == "NAME" and dice.random() < 0.7 and word(source.text, tokens.span(index)) not in SOFT
    ]
    text = apply(source.text, edits)
    try:
        parsed(text)
    except SyntaxError:  # such as `from __future__ import spawn`
        return source.encode(source.text)
    return source.encode(text)


def without_import(text: str) -> str:
    """Take the one import out, and the semicolon or the blanks that came with it."""
    return re.sub(r"import circuit as _circuit_*(; |  |$)|; import circuit as _circuit_*", "", text, count=1)


def word(text: str, span: Span) -> str:
    return text[span.start : span.end]


# What no spawn can take the place of, or what it could not be moved with.
NEVER = (ast.Starred, ast.Slice, ast.Tuple, ast.GeneratorExp, ast.JoinedStr, ast.FormattedValue)
NEVER_IN_A_THUNK = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SHOWS_ITS_TEXT = re.compile(r"=\s*[!:}]")


ANYTHING = "\0"
POSITIONED = (ast.stmt, ast.expr, ast.keyword, ast.arg, ast.alias, ast.excepthandler, ast.pattern)
Positioned: TypeAlias = (
    ast.stmt | ast.expr | ast.keyword | ast.arg | ast.alias | ast.excepthandler | ast.pattern
)


@dataclass(frozen=True, slots=True)
class Choice:
    """An expression that is made a spawn, in parentheses where it needs them."""

    start: int
    end: int
    bare: bool

    @property
    def before(self) -> str:
        return "spawn " if self.bare else "(spawn "

    @property
    def after(self) -> str:
        return " on w" if self.bare else " on w)"


class Spawned:
    """A real file of whose expressions some were made spawns, nested ones too; and what became of it."""

    def __init__(self, path: Path) -> None:
        source = Source.decode(path.read_bytes(), str(path))
        self.text = source.text
        self.tree = parsed(path.read_bytes())
        self.chosen = choose(self.tree, self.text, random.Random(path.name))
        written = insertions(self.chosen.values())
        self._ending: dict[int, list[Choice]] = {}
        for choice in self.chosen.values():
            self._ending.setdefault(choice.end, []).append(choice)
        self._offsets = [offset for offset, _ in written]
        self._grown = [0, *accumulate(len(insertion) for _, insertion in written)]
        edits = [Edit(Span(offset, offset), insertion) for offset, insertion in written]
        self.compilation = compile_bytes(source.encode(apply(self.text, edits)), str(path))

    def start(self, offset: int, around: list[Choice]) -> int:
        """Return where a node starts that started at an offset, and now stands in these spawns' operands."""
        here = sum(len(choice.before) for choice in around if choice.start == offset)
        # A generator takes the parentheses of a call for its own, and so starts where the callee ends.
        here += sum(len(choice.after) for choice in self._ending.get(offset, ()))
        return offset + self._grown[bisect_left(self._offsets, offset)] + here

    def end(self, offset: int, around: list[Choice]) -> int:
        """Return where such a node ends."""
        ending = self._ending.get(offset, ())
        here = sum(len(choice.after) for choice in ending if choice not in around)
        return offset + self._grown[bisect_left(self._offsets, offset)] + here

    def spans(self) -> Iterator[Span]:
        """Yield where the outermost spawns are."""
        done = -1
        for choice in sorted(self.chosen.values(), key=lambda one: (one.start, -one.end)):
            if choice.start > done:
                bracket = 0 if choice.bare else 1
                yield Span(
                    self.start(choice.start, []) + bracket,
                    self.end(choice.end, [choice]) + len(choice.after) - bracket,
                )
                done = choice.end


def insertions(chosen: Iterable[Choice]) -> list[tuple[int, str]]:
    """Return what is written where: at one offset the ends first, and the outer spawn around the inner."""
    ends = [(one.end, 0, -one.start, one.after) for one in chosen]
    starts = [(one.start, 1, -one.end, one.before) for one in chosen]
    return [(offset, insertion) for offset, _, _, insertion in sorted([*ends, *starts])]


def choose(tree: ast.Module, text: str, dice: random.Random) -> dict[ast.expr, Choice]:
    table = LineTable(text)
    chosen = {}
    for node, parent in candidates(tree, text):
        if dice.random() < 0.03:
            start, end = table.offset_of_bytes(*start_of(node)), table.offset_of_bytes(*end_of(node))
            glued = text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()
            chosen[node] = Choice(start, end, may_stand_bare(node, parent) and not glued)
    return chosen


def candidates(tree: ast.Module, text: str) -> Iterator[tuple[ast.expr, ast.AST]]:
    """Yield the expressions that may become spawns, each with its parent."""
    table = LineTable(text)
    waiting: list[tuple[ast.AST, ast.AST, bool]] = [(tree, tree, False)]
    while waiting:
        node, parent, in_class = waiting.pop()
        if isinstance(node, ast.expr) and may_be_spawned(node, parent, in_class):
            yield node, parent
        if isinstance(node, ast.pattern) or "type_param" in [base.__name__ for base in type(node).__mro__]:
            continue
        if isinstance(node, ast.JoinedStr):
            # Before 3.12 CPython does not say where the fields are.
            start, end = table.offset_of_bytes(*start_of(node)), table.offset_of_bytes(*end_of(node))
            if sys.version_info < (3, 12) or SHOWS_ITS_TEXT.search(text, start, end):
                continue
        for child in ast.iter_child_nodes(node):
            if isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant):
                continue
            body = isinstance(node, FUNCTIONS) and child in (
                node.body if isinstance(node.body, list) else [node.body]
            )
            inside = isinstance(node, ast.ClassDef) or (in_class and not body)
            waiting.append((child, node, inside))


def may_be_spawned(node: ast.expr, parent: ast.AST, in_class: bool) -> bool:
    if isinstance(node, NEVER + NEVER_IN_A_THUNK) or not isinstance(
        getattr(node, "ctx", ast.Load()), ast.Load
    ):
        return False
    if isinstance(parent, ast.Expr) and isinstance(node, ast.Constant):
        return False  # perhaps a docstring, which a `__future__` import may follow
    if isinstance(node, ast.Call):
        return not any(isinstance(argument, ast.GeneratorExp) for argument in node.args)
    # What a class body binds is passed to a thunk.
    return not in_class and not any(isinstance(part, NEVER_IN_A_THUNK) for part in ast.walk(node))


def may_stand_bare(node: ast.expr, parent: ast.AST) -> bool:
    match parent:
        case ast.Assign() | ast.Return() | ast.Expr() | ast.keyword() | ast.AugAssign():
            return node is parent.value
        case ast.Call():
            return node is not parent.func
        case ast.List() | ast.Lambda():
            return True
    return False


def start_of(node: Positioned) -> tuple[int, int]:
    return node.lineno, node.col_offset


def end_of(node: Positioned) -> tuple[int, int]:
    return node.end_lineno or 0, node.end_col_offset or 0


spawned = cache(Spawned)


@each_file
def test_outside_of_spawns_every_byte_stays(path: Path) -> None:
    made = spawned(path)
    before, after = made.compilation.source.text, made.compilation.text
    assert LINE_END.findall(before) == LINE_END.findall(after)
    # A line may hold anything where its spawns were, and one line holds the import.
    parts: list[str] = []
    done = 0
    for span in made.spans():
        spawn = before[span.start : span.end]
        assert spawn.startswith("spawn ") and spawn.endswith(" on w")
        parts += before[done : span.start], re.sub(r"[^\r\n]+", ANYTHING, spawn)
        done = span.end
    expected = LINE_END.split("".join(parts) + before[done:])
    changed = 0
    for stays, line in zip(expected, LINE_END.split(after), strict=True):
        pattern = re.compile(".*".join(map(re.escape, stays.split(ANYTHING))), re.DOTALL)
        if not pattern.fullmatch(line):
            changed += 1
            assert pattern.fullmatch(without_import(line))
    assert changed == ("import circuit as" in after)


@each_file
def test_each_node_is_the_sources_at_its_place(path: Path) -> None:
    made = spawned(path)
    tree = made.compilation.tree()
    tree.body = [statement for statement in tree.body if not is_import(statement)]
    Comparison(made).compare(made.tree, tree, [])


def is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import) and (statement.names[0].asname or "").startswith("_circuit")


class Comparison:
    """A tree of a real file beside that of what came of it: the same, with runtime calls for the spawns."""

    def __init__(self, made: Spawned) -> None:
        self.made = made
        self.before = LineTable(made.text)
        self.after = LineTable(made.compilation.source.text)

    def compare(self, node: ast.AST, made: ast.AST, around: list[Choice]) -> None:
        choice = self.made.chosen.get(node) if isinstance(node, ast.expr) else None
        if choice is None:
            self.compare_node(node, made, around)
            return
        assert isinstance(node, ast.expr) and isinstance(made, ast.expr)
        bracket = 0 if choice.bare else 1
        start = self.made.start(choice.start, around) + bracket
        end = self.made.end(choice.end, [*around, choice]) + len(choice.after) - bracket
        assert self.place(made) == (start, end)
        around = [*around, choice]
        match made:
            case ast.Call(
                func=ast.Attribute(attr="on", value=ast.Call(func=runtime, args=sent, keywords=keywords)),
                args=[ast.Name(id="w")],
                keywords=[],
            ):
                assert re.fullmatch(r"(_circuit_*|__import__\(.*\))\.call", ast.unparse(runtime))
            case _:
                pytest.fail(f"no runtime call: {ast.unparse(made)}")
        if isinstance(node, ast.Call):
            self.compare_value([node.func, *node.args], sent, around)
            self.compare_value(node.keywords, keywords, around)
        else:
            (thunk,) = sent
            assert isinstance(thunk, ast.Lambda) and ast.unparse(thunk.args) == ""
            self.compare_node(node, thunk.body, around)

    def compare_node(self, node: ast.AST, made: ast.AST, around: list[Choice]) -> None:
        assert type(node) is type(made)
        if isinstance(node, POSITIONED) and isinstance(made, POSITIONED):
            start = self.made.start(self.before.offset_of_bytes(*start_of(node)), around)
            end = self.made.end(self.before.offset_of_bytes(*end_of(node)), around)
            assert self.place(made) == (start, end), ast.unparse(node)
        if isinstance(node, ast.JoinedStr) and sys.version_info < (3, 12):
            assert ast.dump(node) == ast.dump(made)
            return
        for (name, value), (made_name, made_value) in zip(
            ast.iter_fields(node), ast.iter_fields(made), strict=True
        ):
            assert name == made_name
            self.compare_value(value, made_value, around)

    def compare_value(self, value: object, made: object, around: list[Choice]) -> None:
        if isinstance(value, list):
            assert isinstance(made, list)
            for item, made_item in zip(value, made, strict=True):
                self.compare_value(item, made_item, around)
        elif isinstance(value, ast.AST):
            assert isinstance(made, ast.AST)
            self.compare(value, made, around)
        else:
            assert (type(value), value) == (type(made), made)

    def place(self, node: Positioned) -> tuple[int, int]:
        return self.after.offset_of_bytes(*start_of(node)), self.after.offset_of_bytes(*end_of(node))
