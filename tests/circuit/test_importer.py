"""The import hook: what `import` finds, what errors look like, and what the cache may do."""

import importlib
import inspect
import os
import stat
import subprocess
import sys
import traceback
from collections.abc import Iterator
from functools import partial
from importlib import resources
from importlib.abc import InspectLoader
from importlib.metadata import version
from pathlib import Path
from types import CodeType

import pytest

from circuit import importer
from circuit.hook import bytecode
from circuit.hook.bytecode import cached_code
from circuit.hook.loader import SpawnLoader

SPAWNING = """\
def double(n):
    return spawn n.mul(2) on n

class Local:
    def mul(self, k): return k
"""

WRONG = """\
x = 1
h = spawn sum(x for x in y) on w
k = spawn [await h] on w
"""


@pytest.fixture
def no_hook() -> Iterator[None]:
    """Take out the hook, which the pytest plugin installed, for one test."""
    installed = importer.is_installed()
    importer.uninstall()
    yield
    importer.uninstall()
    if installed:
        importer.install()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_hook: None) -> Iterator[Path]:
    """Give a folder on sys.path, with the hook installed; forget afterwards what was imported from it."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    importer.install()
    yield tmp_path
    for name in set(sys.modules) - before:
        module_file = getattr(sys.modules[name], "__file__", None)
        if module_file and module_file.startswith(str(tmp_path)):
            del sys.modules[name]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    importlib.invalidate_caches()
    return path


def load_code(path: Path) -> CodeType:
    return SpawnLoader("a_module", str(path)).get_code("a_module")


def run(folder: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = f"import circuit.importer; circuit.importer.install()\n{program}"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", program]
    environment = {**kept, **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_modules_packages_and_submodules(folder: Path) -> None:
    write(folder / "cpy_alone.cpy", "answer = 42\n")
    write(folder / "cpy_package" / "__init__.cpy", "from . import plain, inner\n")
    write(folder / "cpy_package" / "plain.py", "name = __name__\n")
    write(folder / "cpy_package" / "inner.cpy", "name = __name__\n")
    assert importlib.import_module("cpy_alone").answer == 42
    package = importlib.import_module("cpy_package")
    assert (package.plain.name, package.inner.name) == ("cpy_package.plain", "cpy_package.inner")
    assert package.__path__ == [str(folder / "cpy_package")]
    assert package.inner.__file__ == str(folder / "cpy_package" / "inner.cpy")


def test_in_one_folder_cpy_comes_before_py(folder: Path) -> None:
    write(folder / "cpy_both.py", "which = 'py'\n")
    write(folder / "cpy_both.cpy", "which = 'cpy'\n")
    assert importlib.import_module("cpy_both").which == "cpy"


def test_between_folders_the_path_decides(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "later" / "cpy_ranked.cpy", "which = 'later'\n")
    write(folder / "cpy_ranked.py", "which = 'first'\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder / "later")])
    assert importlib.import_module("cpy_ranked").which == "first"


def test_the_hook_is_installed_once_and_leaves_no_trace(no_hook: None) -> None:
    before = list(sys.path_hooks), list(sys.meta_path)
    importer.install()
    importer.install()
    assert (len(sys.path_hooks), len(sys.meta_path)) == (len(before[0]) + 1, len(before[1]) + 1)
    assert importer.is_installed()
    importer.uninstall()
    importer.uninstall()
    assert (sys.path_hooks, sys.meta_path) == before
    assert not importer.is_installed()


def test_without_the_hook_there_is_no_such_module(folder: Path) -> None:
    write(folder / "cpy_unseen.cpy", "")
    importer.uninstall()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("cpy_unseen")


def test_the_source_is_what_was_written(folder: Path) -> None:
    write(folder / "cpy_source.cpy", SPAWNING)
    module = importlib.import_module("cpy_source")
    assert inspect.getsource(module) == SPAWNING
    assert inspect.getsource(module.double) == "".join(SPAWNING.splitlines(keepends=True)[:2])
    loader = module.__loader__
    assert isinstance(loader, InspectLoader) and loader.get_source("cpy_source") == SPAWNING


class Unplaceable:
    """A call that no worker takes."""

    def __init__(self, function: object, *arguments: object) -> None:
        pass

    def on(self, place: object) -> None:
        raise LookupError(place)


@pytest.mark.parametrize(
    ("call", "marked"),
    [
        pytest.param("abs(né)", "né", id="an operand that fails"),
        pytest.param("abs(-1)", "spawn abs(-1) on w", id="a spawn that fails"),
        pytest.param("w(spawn w.f on w)", "spawn w.f on w", id="a spawn inside that fails"),
    ],
)
def test_a_traceback_shows_the_line_and_marks_the_part(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, marked: str
) -> None:
    monkeypatch.setattr("circuit.call", Unplaceable, raising=False)
    line = f"    return ['é', (spawn {call} on w), 'ü']"
    path = write(folder / "cpy_raising.cpy", f"w = abs\ndef go():\n{line}\n")
    module = importlib.import_module("cpy_raising")
    with pytest.raises((NameError, LookupError)) as caught:
        module.go()
    frames = traceback.extract_tb(caught.value.__traceback__)
    (frame,) = [frame for frame in frames if frame.filename == str(path)]
    assert (frame.lineno, frame.line) == (3, line.strip())
    assert line.encode()[frame.colno : frame.end_colno].decode() == marked


def test_a_compile_error_is_a_syntax_error_at_its_place(folder: Path) -> None:
    path = write(folder / "cpy_wrong.cpy", WRONG)
    with pytest.raises(SyntaxError) as caught:
        importlib.import_module("cpy_wrong")
    error = caught.value
    assert (error.filename, error.lineno, error.offset, error.end_offset) == (str(path), 2, 15, 27)
    shown = "".join(traceback.format_exception_only(error))
    assert "    h = spawn sum(x for x in y) on w\n                  ^^^^^^^^^^^^\n" in shown
    assert "a generator expression cannot be sent to a worker [S005]\n" in shown
    assert "help: send a list: `sum([x for x in y])`\n" in shown
    assert "error[S007]" in shown and "cpy_wrong.cpy:3:12" in shown


def test_bytes_that_are_no_text_are_a_syntax_error(folder: Path) -> None:
    (folder / "cpy_bytes.cpy").write_bytes(b"x = 1\ny = '\xff'\n")
    with pytest.raises(SyntaxError, match="decode byte 0xff") as caught:
        importlib.import_module("cpy_bytes")
    assert caught.value.lineno == 2


def test_a_cache_hit_loads_no_compiler(folder: Path) -> None:
    write(folder / "cpy_cached.cpy", SPAWNING)
    heavy = "{'circuit.compiler', 'lark', 'libcst'}"
    program = f"import sys, cpy_cached; print(*sorted({heavy} & set(sys.modules)))"
    assert "circuit.compiler" in run(folder, program).stdout.split()
    assert run(folder, program).stdout == "\n"


def test_the_hook_itself_is_light(folder: Path) -> None:
    """What is loaded takes the time of several imports: none of it is worth that at each start."""
    heavy = "{'circuit.compiler', 'importlib.abc', 'inspect', 'dataclasses', 'multiprocessing'}"
    assert run(folder, f"import sys; print({heavy} & set(sys.modules))").stdout == "set()\n"


def test_the_cache_does_not_meet_that_of_the_python_file(folder: Path) -> None:
    write(folder / "cpy_twin.cpy", "which = 'cpy'\n")
    write(folder / "cpy_twin.py", "which = 'py'\n")
    write(folder / "cpy_twin.cpy.py", "which = 'odd'\n")
    import_it = "import cpy_twin; print(cpy_twin.which)"
    compile_all = "from py_compile import compile; compile('cpy_twin.py'); compile('cpy_twin.cpy.py')\n"
    for before in ("", compile_all, ""):
        assert run(folder, before + import_it).stdout == "cpy\n"
    assert run(folder, "circuit.importer.uninstall()\n" + import_it).stdout == "py\n"
    assert len(list((folder / "__pycache__").glob("cpy_twin*"))) == 3


def test_a_changed_source_is_compiled_again(folder: Path) -> None:
    path = write(folder / "cpy_changing.cpy", "x = 1\n")
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    assert importlib.import_module("cpy_changing").x == 1
    write(path, "x = 2\n")
    os.utime(path, ns=times)
    assert importlib.reload(sys.modules["cpy_changing"]).x == 2


@pytest.mark.parametrize("damage", [b"", b"\0" * 9, None], ids=["empty", "not a cache", "cut short"])
def test_a_damaged_cache_is_made_again(folder: Path, damage: bytes | None) -> None:
    path = write(folder / "cpy_damaged.cpy", "x = 1\n")
    load_code(path)
    (cache,) = (folder / "__pycache__").iterdir()
    good = cache.read_bytes()
    cache.write_bytes(good[:-20] if damage is None else damage)
    assert importlib.import_module("cpy_damaged").x == 1
    assert cache.read_bytes()[-20:] == good[-20:]


def test_another_compiler_does_not_trust_the_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(folder / "cpy_upgraded.cpy", "x = 1\n")
    load_code(path)
    (cache,) = (folder / "__pycache__").iterdir()
    before = cache.read_bytes()
    monkeypatch.setattr(bytecode, "COMPILER", "another")
    load_code(path)
    assert cache.read_bytes() != before


def test_the_compiler_that_signs_the_cache_is_the_one_installed() -> None:
    assert bytecode.COMPILER.startswith(f"circuitc {version('circuitc')},")


def test_no_bytecode_where_none_is_wanted(folder: Path) -> None:
    write(folder / "cpy_clean.cpy", "print('ran')\n")
    assert run(folder, "import cpy_clean", PYTHONDONTWRITEBYTECODE="1").stdout == "ran\n"
    assert not (folder / "__pycache__").exists()
    assert run(folder, "import cpy_clean", PYTHONPYCACHEPREFIX=str(folder / "elsewhere")).stdout == "ran\n"
    assert not (folder / "__pycache__").exists()
    assert len(list((folder / "elsewhere").rglob("cpy_clean*.cpyc"))) == 1


def test_a_folder_that_cannot_be_written_is_no_error(folder: Path) -> None:
    write(folder / "cpy_read_only.cpy", "x = 1\n")
    (folder / "__pycache__").write_text("in the way")
    assert importlib.import_module("cpy_read_only").x == 1


def test_a_cache_can_be_read_by_whoever_may_read_the_source(folder: Path) -> None:
    path = write(folder / "cpy_secret.cpy", "key = 'secret'\n")
    path.chmod(0o400)
    load_code(path)
    (cache,) = (folder / "__pycache__").iterdir()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600


def test_cached_code_is_called_what_the_file_is_called_now(folder: Path) -> None:
    path = write(folder / "old" / "cpy_moved.cpy", "def f():\n    return 1 / 0\n")
    load_code(path)
    moved = (folder / "old").rename(folder / "new") / "cpy_moved.cpy"
    code = load_code(moved)
    names = {code.co_filename} | {const.co_filename for const in code.co_consts if inspect.iscode(const)}
    assert names == {str(moved)}


def test_a_module_runs_as_a_program(folder: Path) -> None:
    write(folder / "cpy_app" / "__init__.cpy", "")
    write(folder / "cpy_app" / "__main__.cpy", "print(__name__, __spec__.name)\n")
    done = run(folder, "import runpy; runpy.run_module('cpy_app', run_name='__main__', alter_sys=True)")
    assert done.stdout == "__main__ cpy_app.__main__\n"


def test_a_package_comes_before_a_module(folder: Path) -> None:
    write(folder / "cpy_clash.cpy", "which = 'module'\n")
    write(folder / "cpy_clash" / "__init__.py", "which = 'package'\n")
    assert importlib.import_module("cpy_clash").which == "package"


def test_resources_of_a_package(folder: Path) -> None:
    write(folder / "cpy_stocked" / "__init__.cpy", SPAWNING)
    write(folder / "cpy_stocked" / "inner" / "__init__.cpy", "")
    write(folder / "cpy_stocked" / "inner" / "text.txt", "found")
    package = importlib.import_module("cpy_stocked")
    assert resources.files(package).joinpath("inner", "text.txt").read_text() == "found"
    assert resources.files("cpy_stocked.inner").joinpath("text.txt").read_text() == "found"


def test_a_module_that_appears_is_found_when_caches_are_invalidated(folder: Path) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("cpy_new")
    write(folder / "cpy_new.cpy", "x = 1\n")
    assert importlib.import_module("cpy_new").x == 1


def test_a_reload_takes_the_new_source_into_the_same_module(folder: Path) -> None:
    path = write(folder / "cpy_reloaded.cpy", "x = 1\n" + SPAWNING)
    module = importlib.import_module("cpy_reloaded")
    write(path, "y = 2\n" + SPAWNING)
    assert importlib.reload(module) is module
    assert (module.x, module.y) == (1, 2)


def test_optimized_bytecode_is_cached_apart(folder: Path) -> None:
    write(
        folder / "cpy_optimized.cpy",
        "try: assert False\nexcept AssertionError: print('asserted')\n" + SPAWNING,
    )
    for flags, printed in ([], "asserted\n"), (["-O"], ""), ([], "asserted\n"), (["-OO"], ""):
        program = "import circuit.importer; circuit.importer.install(); import cpy_optimized"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [sys.executable, *flags, "-c", program],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (done.stderr, done.stdout) == ("", printed)
    tails = sorted(path.name.split(".", 1)[1] for path in (folder / "__pycache__").glob("cpy_optimized*"))
    tag = sys.implementation.cache_tag
    assert tails == [f"{tag}.cpyc", f"{tag}.opt-1.cpyc", f"{tag}.opt-2.cpyc"]


def test_an_option_of_the_compiler_is_part_of_the_key(folder: Path) -> None:
    path = str(write(folder / "cpy_optional.cpy", ""))
    options = {option: compile(repr(option), path, "exec") for option in ("", "one", "two")}
    for option, code in options.items():
        assert cached_code(path, _nothing, partial(_returned, code), option) == code
    assert len(list((folder / "__pycache__").iterdir())) == 3
    other = compile("other", path, "exec")
    for option, code in options.items():
        assert cached_code(path, _nothing, partial(_returned, other), option) == code


def _nothing(path: str) -> bytes:
    return b""


def _returned(code: CodeType, source: bytes, path: str) -> CodeType:
    return code


def test_processes_that_import_at_once_all_get_the_module(folder: Path) -> None:
    write(folder / "cpy_contended.cpy", SPAWNING + "x = 7\n" * 2000)
    program = (
        "import circuit.importer; circuit.importer.install(); import cpy_contended; print(cpy_contended.x)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    assert [process.communicate(timeout=60)[0] for process in started] == ["7\n"] * 6
    assert [path.suffix for path in (folder / "__pycache__").glob("cpy_contended*")] == [".cpyc"]
