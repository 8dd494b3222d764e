"""Feedback: whether what came of one round of a loop goes into the next.

A loop is followed round by round: a name is *touched* if it may hold, or have been changed
by, what a call came to. Whatever a touched statement assigns or changes is touched in turn;
an assignment of something else frees the name. When a round adds nothing, all is known.

Where it is not sure whether a statement changes something (a call that is given a touched
value and others), it is taken to do so.
"""

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from circuit.compiler.rules.blocks import Function, blocks, statements, targets

Loop = ast.For | ast.AsyncFor | ast.While

_HARMLESS = frozenset(dir(builtins)) - {"delattr", "eval", "exec", "next", "setattr"}


def feeds_back(loop: Loop, ask: ast.Call, spawn: ast.Call) -> bool:
    """Tell whether the spawn may depend on what an earlier round asked for."""
    flow = _Flow(ask, spawn)
    while True:
        before = frozenset(flow.touched)
        if isinstance(loop, ast.While):
            if flow.reads(loop.test):
                return True
        else:
            flow.assign(loop.target, touched=flow.reads(loop.iter))
        flow.run(loop.body, is_sure=True, is_touched=False)
        if flow.closed or flow.touched <= before:
            return flow.closed


def ends_after(loop: Loop, ask: ast.Call) -> bool:
    """Tell whether the loop may be left at a place that comes after the asking.

    Whoever takes what a generator yields may take no more.
    """
    start = (ask.lineno, ask.col_offset)
    return any(
        (isinstance(statement, ast.Break | ast.Return | ast.Raise) or _yields(statement))
        and (statement.end_lineno or 0, statement.end_col_offset or 0) > start
        for statement in statements(loop.body)
    )


@dataclass(slots=True)
class _Flow:
    """What is known so far; `closed` once the spawn is found to read something touched."""

    ask: ast.Call
    spawn: ast.Call
    touched: set[str] = field(default_factory=set)
    closed: bool = False

    def run(self, block: Sequence[ast.stmt], *, is_sure: bool, is_touched: bool) -> None:
        """Follow a block, which may run only sometimes, or only because of a result."""
        for statement in block:
            self._step(statement, is_sure=is_sure, is_touched=is_touched)

    def reads(self, *nodes: ast.AST) -> bool:
        """Tell whether something evaluates the asking, or reads what is touched."""
        return any(
            part is self.ask or (isinstance(part, ast.Name) and part.id in self.touched and _is_read(part))
            for node in nodes
            for part in ast.walk(node)
        )

    def assign(self, target: ast.expr, *, touched: bool) -> None:
        """Note an assignment that surely happens."""
        names = {name.id for name in targets(target)}
        self.touched = self.touched | names if touched else self.touched - names

    def _step(self, statement: ast.stmt, *, is_sure: bool, is_touched: bool) -> None:
        head = [*_head(statement)]
        holds_spawn = any(part is self.spawn for node in head for part in ast.walk(node))
        if holds_spawn and (is_touched or self.reads(self.spawn)):
            self.closed = True
        is_touched = is_touched or self.reads(*head)
        if is_touched:
            self.touched |= {name for node in head for name in self._changes(node)}
        elif is_sure and isinstance(statement, ast.Assign | ast.AnnAssign):
            for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
                self.assign(target, touched=False)
        if isinstance(statement, ast.Try | ast.TryStar):
            self.run(statement.body, is_sure=is_sure, is_touched=is_touched)
            failed = is_touched or self.reads(*statement.body)
            for handler in statement.handlers:
                self.run(handler.body, is_sure=False, is_touched=failed)
            self.run(statement.orelse, is_sure=False, is_touched=failed)
            self.run(statement.finalbody, is_sure=is_sure, is_touched=is_touched)
        else:
            is_plain = isinstance(statement, ast.With | ast.AsyncWith)
            for block in blocks(statement):
                self.run(block, is_sure=is_sure and is_plain, is_touched=is_touched and not is_plain)

    def _changes(self, node: ast.AST) -> Iterator[str]:
        """Yield the names that a part of a touched statement may change."""
        for part in _outside(node, self.ask):
            match part:
                case ast.Name(id=name) if not _is_read(part):
                    yield name
                case ast.Attribute() | ast.Subscript() if not isinstance(part.ctx, ast.Load):
                    yield from _root(part)
                case ast.Call(func=ast.Name(id=name)) if name in _HARMLESS:
                    pass
                case ast.Call(func=function, args=args, keywords=keywords):
                    yield from _root(function) if isinstance(function, ast.Attribute) else ()
                    given = (*args, *(keyword.value for keyword in keywords))
                    yield from (one.id for one in given if isinstance(one, ast.Name))


def _head(statement: ast.stmt) -> Iterable[ast.AST]:
    """Return the parts of a statement that are not statements of the same block."""
    if isinstance(statement, Function | ast.ClassDef):
        return [statement]
    inner = {id(one) for block in blocks(statement) for one in block}
    if not inner:
        return [statement]
    return [
        child
        for child in ast.iter_child_nodes(statement)
        if id(child) not in inner and not _holds_block(child)
    ]


def _yields(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=value) | ast.Assign(value=value):
            return isinstance(value, ast.Yield | ast.YieldFrom)
    return False


def _holds_block(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler | ast.match_case)


def _outside(node: ast.AST, left_out: ast.AST) -> Iterator[ast.AST]:
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if part is not left_out:
            yield part
            waiting += ast.iter_child_nodes(part)


def _root(node: ast.expr) -> Iterator[str]:
    """Yield the name at the beginning of a chain of attributes and subscripts."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _is_read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)
