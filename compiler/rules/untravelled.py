"""What cannot travel to another process, told by how it is made.

Pickle refuses all of these, wherever they come from: each holds on to something of its own
process, as a lock, a file descriptor or a frame. A test makes one of each kind and sends it.

A file that is read as text is not among them: its text travels, and so do the iterators of
the builtin types.
"""

import ast
from collections.abc import Iterator

from circuit.compiler.rules.bindings import Way
from circuit.compiler.rules.blocks import Function
from circuit.compiler.rules.names import certain, full_name
from circuit.compiler.rules.program import Program
from circuit.compiler.rules.scopes import Scope

_OPEN = {"builtins.open", "io.open"}
_TEMPORARY = {"tempfile.TemporaryFile", "tempfile.NamedTemporaryFile"}

MADE_BY = {
    "a lock": (
        *("_thread.allocate_lock", "threading.Lock", "threading.RLock"),
        *("multiprocessing.Lock", "multiprocessing.RLock"),
    ),
    "a condition": ("threading.Condition", "multiprocessing.Condition"),
    "a semaphore": (
        *("threading.Semaphore", "threading.BoundedSemaphore"),
        *("multiprocessing.Semaphore", "multiprocessing.BoundedSemaphore"),
    ),
    "an event": ("threading.Event", "multiprocessing.Event"),
    "a barrier": ("threading.Barrier", "multiprocessing.Barrier"),
    "a thread": (
        *("threading.Thread", "threading.Timer"),
        *("threading.current_thread", "threading.main_thread"),
    ),
    "an object of one thread": ("threading.local",),
    "a process": ("subprocess.Popen", "multiprocessing.Process"),
    "a socket": ("socket.socket", "socket.create_connection", "socket.create_server"),
    "a queue of this process": (
        *("queue.Queue", "queue.LifoQueue", "queue.PriorityQueue", "queue.SimpleQueue"),
        *("multiprocessing.Queue", "multiprocessing.JoinableQueue", "multiprocessing.SimpleQueue"),
    ),
    "a pool of workers": (
        *("concurrent.futures.ThreadPoolExecutor", "concurrent.futures.ProcessPoolExecutor"),
        "multiprocessing.Pool",
    ),
    "a database connection": ("sqlite3.connect",),
    "a weak reference": ("weakref.ref",),
    "a context variable": ("contextvars.ContextVar",),
    "a memory map": ("mmap.mmap",),
}

_KINDS = {constructor: kind for kind, constructors in MADE_BY.items() for constructor in constructors}

# What `with` gives is the thing itself, where it is not another thing.
_ENTERED_AS_ITSELF = {"a process", "a socket", "a pool of workers", "a database connection", "a memory map"}


def kind_of(program: Program, value: ast.expr, scope: Scope) -> str | None:
    """Say what an expression makes, if that surely cannot travel."""
    match value:
        case ast.GeneratorExp():
            return "a generator"
        case ast.Call(func=function):
            return _kind_of_call(program, value, full_name(program, function, scope)) or _kind_of_frame(
                program, function, scope
            )
    return None


def kind_of_name(program: Program, name: str, scope: Scope) -> tuple[str, ast.expr] | None:
    """Say what a name surely is that cannot travel, and where that is made."""
    binding = certain(program, name, scope)
    owner = scope.owner(name)
    if binding is None or owner is None or binding.value is None:
        return None
    kind = kind_of(program, binding.value, owner)
    entered_as_itself = kind in _ENTERED_AS_ITSELF or (kind is not None and kind.startswith("a file"))
    if kind and (binding.way is Way.ASSIGNED or (binding.way is Way.ENTERED and entered_as_itself)):
        return kind, binding.value
    return None


def _kind_of_call(program: Program, call: ast.Call, constructor: str | None) -> str | None:
    if constructor in _OPEN:
        mode = _mode(call, position=1, otherwise="r")
        if mode and "b" in mode:
            return "a file of bytes"
        return "a file that is written" if mode and not {"r", "+"} & {*mode} else None
    if constructor in _TEMPORARY:
        return "a file of bytes" if "b" in (_mode(call, position=0, otherwise="w+b") or "") else None
    if constructor == "sqlite3.connect" and any(one.arg in (None, "factory") for one in call.keywords):
        return None
    return _KINDS.get(constructor or "")


def _mode(call: ast.Call, position: int, otherwise: str) -> str | None:
    """Return the mode that a file is opened in, if that is written there."""
    if any(isinstance(one, ast.Starred) for one in call.args) or any(
        one.arg is None for one in call.keywords
    ):
        return None
    given: Iterator[ast.expr] = (one.value for one in call.keywords if one.arg == "mode")
    mode = call.args[position] if len(call.args) > position else next(given, ast.Constant(otherwise))
    return mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else None


def _kind_of_frame(program: Program, function: ast.expr, scope: Scope) -> str | None:
    """Say whether a function that this program defines gives a generator or a coroutine."""
    binding = certain(program, function.id, scope) if isinstance(function, ast.Name) else None
    if binding is None or not isinstance(binding.node, Function) or binding.node.decorator_list:
        return None
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own_frame(binding.node)):
        return "a generator"
    return "a coroutine" if isinstance(binding.node, ast.AsyncFunctionDef) else None


def _own_frame(function: Function) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
