"""What the compiler says cannot travel is held against the runtime: one of each kind is made and sent."""

from collections.abc import Callable

import pytest

from circuit.compiler.rules.untravelled import MADE_BY
from circuit.runtime.errors import NotSendable
from circuit.runtime.pickling import dumps

Told = Callable[[str], list[tuple[str, str]]]

PRELUDE = """
import socket
class Thing: ...
server = socket.create_server(("127.0.0.1", 0))
def generator():
    yield 1
async def coroutine(): ...
async def both():
    yield 1
"""

# Where the call takes arguments.
ARGUMENTS = {
    "concurrent.futures.ProcessPoolExecutor": "1",
    "contextvars.ContextVar": "'name'",
    "mmap.mmap": "-1, 8",
    "multiprocessing.Barrier": "2",
    "multiprocessing.Pool": "1",
    "socket.create_connection": "server.getsockname()",
    "socket.create_server": "('127.0.0.1', 0)",
    "sqlite3.connect": "':memory:'",
    "subprocess.Popen": "['true']",
    "threading.Barrier": "2",
    "threading.Timer": "1, print",
    "weakref.ref": "Thing",
}
# How what has been made goes away.
END = {
    "concurrent.futures.ProcessPoolExecutor": "shutdown",
    "concurrent.futures.ThreadPoolExecutor": "shutdown",
    "mmap.mmap": "close",
    "multiprocessing.Pool": "terminate",
    "multiprocessing.JoinableQueue": "close",
    "multiprocessing.Queue": "close",
    "multiprocessing.SimpleQueue": "close",
    "socket.create_connection": "close",
    "socket.create_server": "close",
    "socket.socket": "close",
    "sqlite3.connect": "close",
    "subprocess.Popen": "wait",
}


def assert_as_told(
    made: str, end: str, told: Told, names: dict[str, object], *, travels: bool = False
) -> None:
    """Compare what is told of `value`, which `made` makes, with what becomes of it; `end` ends it."""
    assert told(f"{made}spawn f(value) on w\n") == ([] if travels else [("S012", "value")])
    exec(made, names)
    value = names["value"]
    try:
        if travels:
            dumps(value, "value")
        else:
            with pytest.raises(NotSendable):
                dumps(value, "value")
    finally:
        if end:
            getattr(value, end)()
        names["server"].close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("constructor", [name for names in MADE_BY.values() for name in names])
def test_what_a_library_makes_does_not_travel(constructor: str, told: Told) -> None:
    module = constructor.rpartition(".")[0]
    made = f"{PRELUDE}import {module}\nvalue = {constructor}({ARGUMENTS.get(constructor, '')})\n"
    assert_as_told(made, END.get(constructor, ""), told, {"__name__": __name__})


@pytest.mark.parametrize(
    ("expression", "end", "travels"),
    [
        ("open(path)", "close", True),
        ("open(path, 'r+')", "close", True),
        ("open(path, 'rb')", "close", False),
        ("open(path, mode='ab')", "close", False),
        ("open(path, 'w')", "close", False),
        ("io.open(path, 'r' 'b', buffering=0)", "close", False),
        ("tempfile.TemporaryFile()", "close", False),
        ("tempfile.NamedTemporaryFile('r+b')", "close", False),
        ("(x for x in 'ab')", "close", False),
        ("generator()", "close", False),
        ("coroutine()", "close", False),
        ("both()", "", False),
        ("iter([1])", "", True),
        ("map(str, [1])", "", True),
    ],
)
def test_files_and_frames_travel_as_is_said(
    expression: str, end: str, travels: bool, tmp_path, told: Told
) -> None:
    path = tmp_path / "file"
    path.write_text("text")
    made = f"{PRELUDE}import io, tempfile\nvalue = {expression}\n"
    assert_as_told(made, end, told, {"path": path, "__name__": __name__}, travels=travels)
