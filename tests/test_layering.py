"""Who may import whom: the layers of the design, read off the sources.

    face (circuit) -> compiler, runtime -> grammar, proto

The compiler and the runtime do not know each other, neither knows the face, and the core of the
runtime does no I/O: it takes events and the time, and returns actions.
"""

import ast
import configparser
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]

FACE = "circuit"
LAYERS = ("circuit.compiler", "circuit.runtime", "circuit.grammar", "circuit.proto")
SANS_IO = {"actions", "admission", "calls", "channels", "code", "core", "frames", "lanes", "limits"}
SANS_IO |= {"liveness", "messages", "objects", "owning", "peers", "references", "runs", "scopes", "serving"}
SANS_IO |= {"session", "shared_ranges", "spawning", "transfers", "voice", "windows"}
IO = {
    "_thread",
    "asyncio",
    "concurrent",
    "ctypes",
    "fcntl",
    "grpc",
    "io",
    "logging",
    "multiprocessing",
    "pathlib",
}
IO |= {
    "queue",
    "select",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}


def sources() -> dict[str, Path]:
    """Return the file of every module of the package, as setup.cfg maps the folders."""
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg")
    folders = (line.split(" = ") for line in setup["options"]["package_dir"].split("\n") if line)
    return {
        package if file.stem == "__init__" else f"{package}.{file.stem}": file
        for package, folder in folders
        for file in (CHECKOUT / folder).glob("*.py")
    }


SOURCES = sources()


def imports(tree: ast.AST) -> set[str]:
    """Return the modules that a piece of code imports, wherever in it."""
    return {name for node in ast.walk(tree) for name in _named(node)}


def imports_at_once(node: ast.AST) -> set[str]:
    """Return the modules that are loaded when a module is: not those of functions, or for types only."""
    found = set(_named(node))
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        found |= imports_at_once(child)
    return found


def _named(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(str(module), names, 0):
            # A name of a package may be a module of it.
            yield from (full if (full := f"{module}.{alias.name}") in SOURCES else module for alias in names)
        case ast.ImportFrom():
            raise AssertionError(f"line {node.lineno}: imports are written in full here")


def tree(module: str) -> ast.Module:
    return ast.parse(SOURCES[module].read_bytes())


def within(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def modules(package: str) -> list[str]:
    return sorted(module for module in SOURCES if within(module, package))


def is_face(module: str) -> bool:
    return within(module, FACE) and not any(within(module, layer) for layer in LAYERS)


@pytest.mark.parametrize("module", modules("circuit.compiler"))
def test_the_compiler_knows_neither_runtime_nor_face(module: str) -> None:
    found = imports(tree(module))
    assert {name for name in found if within(name, "circuit.runtime") or is_face(name)} == set()


@pytest.mark.parametrize("module", modules("circuit.runtime"))
def test_the_runtime_knows_neither_compiler_nor_face(module: str) -> None:
    found = imports(tree(module))
    assert {name for name in found if within(name, "circuit.compiler") or is_face(name)} == set()


@pytest.mark.parametrize("module", [*modules("circuit.grammar"), *modules("circuit.proto")])
def test_data_knows_nobody(module: str) -> None:
    assert {name for name in imports(tree(module)) if within(name, "circuit")} == set()


@pytest.mark.parametrize("noun", sorted(SANS_IO))
def test_the_core_does_no_io_and_reads_no_clock(noun: str) -> None:
    found = imports(tree(f"circuit.runtime.{noun}"))
    assert {name for name in found if name.partition(".")[0] in IO} == set()
    # Nor by way of a module that does.
    ours = {name for name in found if within(name, "circuit")}
    assert ours <= {f"circuit.runtime.{other}" for other in SANS_IO} | {"circuit.proto.session_pb2"}


def test_no_module_is_needed_before_it_is_loaded() -> None:
    graph = {module: imports_at_once(tree(module)) & SOURCES.keys() for module in SOURCES}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
    assert set(order) == SOURCES.keys()
