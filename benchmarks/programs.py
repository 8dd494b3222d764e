"""What the compiler is given: real files of the standard library, with spawns and without, and long ones.

A real file gets a spawn every hundred lines: a method's call that is a
statement, or is assigned, becomes one.
"""

from __future__ import annotations

import ast
import sysconfig
from dataclasses import dataclass
from pathlib import Path

STDLIB = Path(sysconfig.get_path("stdlib"))
FIXTURES = Path(__file__).parents[1] / "tests" / "grammar" / "fixtures"
APART = 100
"""Lines from one spawn to the next."""

REAL = [
    *(STDLIB / name for name in ("argparse.py", "difflib.py", "inspect.py", "subprocess.py", "tarfile.py")),
    *(STDLIB / name for name in ("threading.py", "typing.py", "json/decoder.py", "asyncio/base_events.py")),
]
SHORT = [
    *(STDLIB / name for name in ("abc.py", "bisect.py", "codeop.py", "contextvars.py", "genericpath.py")),
    *(STDLIB / name for name in ("keyword.py", "sched.py", "stat.py", "struct.py", "this.py")),
    *(STDLIB / name for name in ("heapq.py", "queue.py", "wsgiref/headers.py", "test/test_unpack_ex.py")),
    *(FIXTURES / name for name in ("expressions.cpy", "layout.cpy")),
]

SMALL = "def work(x):\n    return x\n\n\nh = spawn work(1) on w\n"


@dataclass(frozen=True, slots=True)
class Program:
    """A Python text, and the same with spawns in it."""

    plain: str
    circuit: str


def real_programs() -> list[Program]:
    """Return the real files, with their spawns."""
    return [with_spawns(path.read_text(encoding="utf-8")) for path in REAL]


def with_spawns(text: str) -> Program:
    """Turn a method's call into a spawn, a hundred lines after the last."""
    lines = text.splitlines(keepends=True)
    due = 0
    statements = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assign | ast.Expr))
    for statement in sorted(statements, key=lambda statement: statement.lineno):
        call = statement.value
        if call.lineno < due or call.end_lineno != call.lineno:
            continue
        line = lines[call.lineno - 1]
        if line.isascii() and _may_be_sent(call):
            start, end = call.col_offset, call.end_col_offset
            lines[call.lineno - 1] = f"{line[:start]}spawn {line[start:end]} on w{line[end:]}"
            due = call.lineno + APART
    return Program(text, "".join(lines))


def _may_be_sent(value: ast.expr) -> bool:
    """Say whether this is a method's call, without a generator: a builtin such as `locals` stays here."""
    is_method = isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)
    return is_method and not any(isinstance(part, ast.GeneratorExp) for part in ast.walk(value))


def long_program(lines: int) -> str:
    """Write a program of that many lines, with a spawn in each hundred of them."""
    written = ["import time"]
    for number in range(1, lines):
        if number % APART == 1:
            written.append(f"def step{number}(x, w):")
        elif number % APART == APART // 2:
            written.append(f"    h{number} = spawn step{number}(x, {number}, key=[x, {number}]) on w")
        else:
            written.append(f"    x = x + time.sleep({number}, 'text', key=h{number // APART * APART + 50})")
    return "\n".join(written) + "\n"
