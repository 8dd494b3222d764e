"""The pytest plugin: a `test_*.cpy` is collected as a `test_*.py` is, and its assertions are explained.

pytest loads it by itself wherever Circuit is installed. Tests and plugins, and what these
and a conftest.py import, may be `.cpy` modules; which files hold tests is said by the setting
`python_files`, whose `.py` is read as `.cpy` too.

pytest rewrites the `assert` statements of the modules it takes for tests, from a syntax
tree that it parses as Python. So a finder stands before pytest's: what pytest would
rewrite, and what is collected here, gets a loader that has the compiler's tree rewritten.
In that tree a spawn is one value: an explanation shows the Future, not how it was asked for.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import decode_source, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook, rewrite_asserts
from _pytest.pathlib import fnmatch_ex

from circuit import importer
from circuit.hook.bytecode import cached_code
from circuit.hook.loader import SUFFIX, SpawnLoader


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin before anything of the project is imported."""
    if not importer.is_installed():
        importer.install()
        early_config.add_cleanup(importer.uninstall)
    early_config.pluginmanager.register(SpawnTests(early_config), "circuit-tests")


class SpawnTests:
    """Collects the `.cpy` tests of one run of pytest, and finds the modules to be rewritten."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._collected: set[str] = set()  # names of modules, without their packages
        self._pytest_finder = next(
            (one for one in sys.meta_path if isinstance(one, AssertionRewritingHook)), None
        )
        if self._pytest_finder is not None:  # None under --assert=plain
            sys.meta_path.insert(0, self)
            config.add_cleanup(lambda: sys.meta_path.remove(self))

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collect a file that is named on the command line, or as a test is."""
        if file_path.suffix != SUFFIX:
            return None
        if not (parent.session.isinitpath(file_path) or self._is_named_as_test(file_path)):
            return None
        self._collected.add(file_path.stem)
        hooks = parent.session.gethookproxy(file_path)
        module: pytest.Collector = hooks.pytest_pycollect_makemodule(module_path=file_path, parent=parent)
        return module

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a `.cpy` module whose assertions are to be rewritten."""
        spec = self._pytest_finder.find_spec(name, path, target) if self._pytest_finder else None
        if spec is None and name.rpartition(".")[2] in self._collected:
            spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None or not spec.origin.endswith(SUFFIX):
            return None
        loader = RewritingLoader(name, spec.origin, self._config)
        places = spec.submodule_search_locations
        return spec_from_file_location(name, spec.origin, loader=loader, submodule_search_locations=places)

    def _is_named_as_test(self, path: Path) -> bool:
        patterns = self._config.getini("python_files")
        return any(fnmatch_ex(pattern, path.with_suffix(".py")) for pattern in patterns)


class RewritingLoader(SpawnLoader):
    """Loads a `.cpy` module with its assertions rewritten; its bytecode has a cache of its own."""

    def __init__(self, fullname: str, path: str, config: pytest.Config) -> None:
        super().__init__(fullname, path)
        self._config = config

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module. Raises SyntaxError if it does not compile."""
        path = self.get_filename(fullname)
        return cached_code(path, self.get_data, self._rewritten, f"pytest-{pytest.__version__}")

    def _rewritten(self, data: bytes, path: str) -> CodeType:
        # Not loaded above: it loads the compiler, which a cached module does not need.
        from circuit.hook.program import program_tree

        tree = _OneValue(data).visit(program_tree(data, path))
        rewrite_asserts(tree, data, path, self._config)
        return compile(tree, path, "exec", dont_inherit=True)


class Spawn(ast.Call):
    """A spawn: a call to the compiler, and of a kind that pytest does not take apart."""


class _OneValue(ast.NodeTransformer):
    """Makes the calls that a spawn was lowered to one: they begin where the text says `spawn`."""

    def __init__(self, data: bytes) -> None:
        self._lines = decode_source(data).encode().split(b"\n")

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if (
            self._lines[node.lineno - 1].startswith(b"spawn", node.col_offset)
            and _first_name(node) != "spawn"
        ):
            return ast.copy_location(Spawn(node.func, node.args, node.keywords), node)
        return node


def _first_name(node: ast.expr) -> str | None:
    while not isinstance(node, ast.Name):
        match node:
            case ast.Call(func=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner):
                node = inner
            case _:
                return None
    return node.id
