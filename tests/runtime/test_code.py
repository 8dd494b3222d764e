"""Code that travels: the program's modules on workers, once each, never stale, and what is missing."""

import builtins
import collections
import functools
import importlib
import importlib.util
import itertools
import marshal
import os
import subprocess
import sys
import textwrap
import types

import pytest

import circuit
from circuit.runtime import modules, program
from circuit.runtime.functions import Functions
from circuit.runtime.imports import ProgramFinder
from circuit.runtime.messages import Code
from circuit.runtime.pickling import dumps
from circuit.runtime.program import Changes, Program, ProgramModule

SECONDS = 30


@pytest.fixture(scope="module")
def cluster():
    with circuit.cluster(workers=2) as started:
        yield started


@pytest.fixture
def workers(cluster):
    return list(cluster.workers)


class Folder:
    """A folder of modules that the test program imports."""

    def __init__(self, path):
        self.path = path
        self._times = itertools.count(1_600_000_000)
        self.names = set()

    def write(self, name, text):
        """Write a module; each text gets another time, or Python would take old bytecode for new."""
        self.names.add(name)
        file = self.path / f"{name}.py"
        file.write_text(textwrap.dedent(text))
        os.utime(file, (time := next(self._times), time))

    def load(self, name, text):
        """Write a module and import it."""
        self.write(name, text)
        return importlib.import_module(name)

    def reload(self, name, text):
        """Write a module anew and reload it."""
        self.write(name, text)
        return importlib.reload(sys.modules[name])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    made = Folder(tmp_path)
    yield made
    for name in made.names:
        sys.modules.pop(name, None)


@pytest.fixture
def asked(monkeypatch):
    """Count what workers ask the driver for."""
    counts = collections.Counter()

    def count(ask, what):
        counts[what] += 1
        return ask(what)

    for ask in (modules.serve, modules.changes):
        monkeypatch.setattr(modules, ask.__name__, functools.partial(count, ask))
    return counts


def outcome(function, *args, on):
    return circuit.call(function, *args).on(on).result(timeout=SECONDS)


def outcomes(function, workers, times=4):
    """Return what calls that run at the same time, some on each worker, give."""
    futures = [circuit.call(function).on(worker) for _ in range(times) for worker in workers]
    return [future.result(timeout=SECONDS) for future in futures]


COUNTING = """
    import builtins
    builtins.executions = getattr(builtins, "executions", 0) + 1
    VERSION = {version}
    def version(): return VERSION
"""


def executions():
    return getattr(builtins, "executions", 0)


def reset():
    builtins.executions = 0


def import_installed():
    import lark.tools

    return lark.tools.__name__


def import_before():
    import before

    return before.VERSION


def relay_here(module):
    return module.version()


def relay(function, place):
    return circuit.call(function).on(place).result(timeout=SECONDS)


def test_each_worker_asks_for_a_module_once(folder, workers, asked):
    folder.write("once_below", "def version(): return 1\n")
    module = folder.load("once", "import once_below\ndef version(): return once_below.version()\n")
    assert outcomes(module.version, workers, times=8) == [1] * 16
    assert asked["once"] == asked["once_below"] == len(workers)


def test_nothing_within_an_installed_package_is_asked_for(workers, asked):
    assert outcome(import_installed, on=workers[0]) == "lark.tools"
    assert not any(str(what).startswith("lark.") for what in asked)


def test_a_reload_reaches_every_worker_before_the_next_call(folder, workers):
    module = folder.load("fresh", "def version(): return 1\n")
    assert outcomes(module.version, workers) == [1] * 8
    for version in (2, 3):
        module = folder.reload("fresh", f"def version(): return {version}\n")
        assert outcomes(module.version, workers) == [version] * 8
        assert outcomes(functools.partial(relay_here, module), workers) == [version] * 8


def test_a_reload_reaches_a_worker_that_another_worker_calls(folder, workers):
    first, second = workers
    module = folder.load("relayed", "def version(): return 1\n")
    assert outcome(module.version, on=second) == 1
    module = folder.reload("relayed", "def version(): return 2\n")
    assert outcome(relay, module.version, second, on=first) == 2


def test_a_reload_is_done_once_a_worker_however_many_calls_arrive(folder, workers, asked):
    for worker in workers:
        outcome(reset, on=worker)
    module = folder.load("counted", COUNTING.format(version=1))
    assert outcomes(module.version, workers) == [1] * 8
    module = folder.reload("counted", COUNTING.format(version=2))
    assert outcomes(module.version, workers, times=16) == [2] * 32
    assert sum(count for what, count in asked.items() if isinstance(what, int)) == len(workers)
    assert [outcome(executions, on=worker) for worker in workers] == [2, 2]
    assert asked["counted"] == 2 * len(workers)


def test_a_reload_of_the_same_text_is_neither_sent_nor_executed_again(folder, workers, asked):
    for worker in workers:
        outcome(reset, on=worker)
    module = folder.load("same", COUNTING.format(version=1))
    assert outcomes(module.version, workers) == [1] * 8
    before = modules.edition()
    module = importlib.reload(module)
    assert outcomes(module.version, workers) == [1] * 8
    assert modules.edition() == before + 1
    assert [outcome(executions, on=worker) for worker in workers] == [1, 1]
    assert asked["same"] == len(workers)


@pytest.mark.parametrize("together", [True, False])
def test_what_imports_from_a_reloaded_module_follows_when_it_is_reloaded(folder, workers, asked, together):
    text = "from follow_below import version\ndef both(): return version()\n"
    below = folder.load("follow_below", "def version(): return 1\n")
    above = folder.load("follow", text)
    assert outcomes(above.both, workers) == [1] * 8
    below = folder.reload("follow_below", "def version(): return 2\n")
    if not together:
        assert outcomes(below.version, workers) == [2] * 8
        assert outcomes(above.both, workers) == [above.both()] * 8 == [1] * 8  # as everywhere in Python
    above = importlib.reload(above)
    assert outcomes(above.both, workers) == [2] * 8
    assert asked["follow"] == len(workers)  # it was executed again, but not sent again


def test_modules_are_reloaded_in_the_order_of_the_program(folder, workers):
    folder.load("order_low", "NUMBER = 1\n")
    high = folder.load("order_high", "from order_low import NUMBER\ndef number(): return NUMBER\n")
    assert outcomes(high.number, workers) == [1] * 8
    high = folder.reload("order_high", "from order_low import NUMBER\ndef number(): return NUMBER, 'new'\n")
    folder.reload("order_low", "NUMBER = 2\n")
    assert outcomes(high.number, workers) == [high.number()] * 8 == [(1, "new")] * 8
    folder.reload("order_low", "NUMBER = 3\n")
    importlib.reload(high)
    assert outcomes(high.number, workers) == [high.number()] * 8 == [(3, "new")] * 8


def test_a_module_that_was_dropped_and_imported_again_is_not_stale(folder, workers):
    module = folder.load("dropped", "def version(): return 1\n")
    assert outcomes(module.version, workers) == [1] * 8
    del sys.modules["dropped"]
    module = folder.load("dropped", "def version(): return 2\n")
    assert outcomes(module.version, workers) == [2] * 8


def test_a_reload_that_fails_on_a_worker_fails_calls_until_it_is_mended(folder, workers):
    module = folder.load("mended", "def version(): return 1\n")
    assert outcomes(module.version, workers) == [1] * 8
    with pytest.raises(KeyError):
        folder.reload("mended", "def version(): return 2\nraise KeyError('halfway')\n")
    for worker in workers * 2:
        with pytest.raises(KeyError, match="halfway"):
            outcome(module.version, on=worker)
    module = folder.reload("mended", "def version(): return 3\n")
    assert outcomes(module.version, workers) == [3] * 8


@pytest.mark.parametrize("bytecode", [True, False])
def test_a_reload_that_does_not_compile_changes_nothing_anywhere(folder, workers, monkeypatch, bytecode):
    monkeypatch.setattr(sys, "dont_write_bytecode", not bytecode)
    for worker in workers:
        outcome(reset, on=worker)
    module = folder.load("broken", COUNTING.format(version=1))
    assert outcomes(module.version, workers) == [1] * 8
    with pytest.raises(SyntaxError):
        folder.reload("broken", "def version(: return 2\n")
    assert outcomes(module.version, workers) == [module.version()] * 8 == [1] * 8
    assert [outcome(executions, on=worker) for worker in workers] == [1, 1]


def test_a_module_that_workers_imported_before_the_program_did_is_not_executed_again(folder, workers):
    for worker in workers:
        outcome(reset, on=worker)
    folder.write("before", COUNTING.format(version=1))
    assert [outcome(import_before, on=worker) for worker in workers] == [1, 1]
    assert outcomes(importlib.import_module("before").version, workers) == [1] * 8
    assert [outcome(executions, on=worker) for worker in workers] == [1, 1]
    module = folder.reload("before", COUNTING.format(version=2))
    assert outcomes(module.version, workers) == [2] * 8


def test_a_kept_callee_is_rebuilt_when_its_module_was_reloaded(folder):
    functions = Functions()
    module = folder.load("kept", "def version(): return 1\n")
    codes = [Code(bytes([number]), dumps(callee, "f")) for number, callee in enumerate([module.version])]
    helper = module.version
    codes.append(Code(b"by value", dumps(lambda: helper(), "f")))
    assert [functions.load(code)() for code in codes] == [1, 1]
    assert [functions.load(code) for code in codes] == [functions.load(code) for code in codes]
    folder.reload("kept", "def version(): return 2\n")
    assert [functions.load(code)() for code in codes] == [2, 2]


def test_a_module_fetched_before_a_reload_and_executed_after_it_is_the_new_one():
    codes = [marshal.dumps(compile(f"VERSION = {version}", "racing.py", "exec")) for version in (1, 2)]
    versions = [ProgramModule(code, None, "racing.py", None) for code in codes]
    served = iter(versions)
    changes = Changes(1, (("racing", versions[1].digest),))
    finder = ProgramFinder("w1", lambda name: next(served), lambda since: changes)
    spec = finder.find_spec("racing", None)
    finder.catch_up(1)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.VERSION == 2


def test_workers_get_what_the_program_runs_though_its_file_was_edited(folder, workers, asked):
    first, second = workers
    module = folder.load("edited", "LIMIT = 1\ndef limit(): return LIMIT\n")
    folder.write("edited", "LIMIT = 2\ndef limit(): return LIMIT\n")
    assert outcome(module.limit, on=first) == module.limit() == 1
    folder.write("edited", "LIMIT = 3\ndef limit(): return -LIMIT\n")
    assert outcome(module.limit, on=second) == module.limit() == 1
    assert asked["edited"] == 2


def test_what_cannot_be_known_is_warned_of_once(folder, workers, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = folder.load("unknown", "def version(): return 1\n")
    folder.write("unknown", "def version(): return 2\n")
    fresh = Program()
    with pytest.warns(RuntimeWarning) as warned:
        served = fresh.serve("unknown")
        assert fresh.serve("unknown") is served
    (warning,) = warned
    assert warning.filename == module.__file__
    assert "module 'unknown' was edited after this program had imported it" in str(warning.message)
    assert module.version() == 1 and "return 2" in served.source


def test_an_argument_that_needs_a_missing_module_is_such_an_error_too(folder, workers):
    module = types.ModuleType("made_here")  # as from an interactive session: there is no file of it
    exec("class Made: pass", vars(module))
    folder.names.add("made_here")
    sys.modules["made_here"] = module
    with pytest.raises(ModuleNotFoundError, match="made_here") as caught:
        outcome(id, module.Made(), on=workers[0])
    assert "on worker 'w1', where what was sent there needs it" in "".join(caught.value.__notes__)


def test_a_module_that_only_the_program_has_installed_is_told_as_such(folder, workers, monkeypatch):
    monkeypatch.setattr(program, "_installed_folders", lambda: [folder.path])
    module = folder.load("installed_here", "def f(): pass\n")
    with pytest.raises(ModuleNotFoundError, match="installed_here") as caught:
        outcome(module.f, on=workers[0])
    (note,) = (note for note in caught.value.__notes__ if "is missing" in note)
    assert note.endswith(f"the program has it installed, at {module.__file__}; install it for that worker")


CIRCLING = """
import importlib
import circuit

with circuit.cluster(workers=1):
    future = circuit.call(importlib.import_module, "circling").on("w1")
    print(future.exception(timeout=10))
"""


def test_an_import_that_would_wait_for_itself_is_an_error(folder):
    folder.write(
        "circling",
        """
        import circuit
        def number(): return 1
        NUMBER = circuit.call(number).on("w1").result()
        """,
    )
    assert run(CIRCLING, folder) == [
        "module 'circling' spawns its own number() while worker 'w1' imports it, and number() needs that "
        "import to be over; spawn it from a function, or from the main program"
    ]


def test_looking_for_a_module_that_nobody_has_finds_none(workers):
    assert outcome(importlib.util.find_spec, "missing_everywhere", on=workers[0]) is None


SHADOWING = """
import sys
import circuit

def later():
    import statistics
    return statistics.mean([1, 2, 3])

with circuit.cluster(workers=2):
    print(*(circuit.call(later).on(name).result(timeout=30) for name in ("w1", "w2")))
    import statistics
    print(*(circuit.call(statistics.mean, [1]).on(name).result(timeout=30) for name in ("w1", "w2")))
    print(*(circuit.call(later).on(name).result(timeout=30) for name in ("w1", "w2")))
"""


def test_a_module_of_the_program_comes_before_the_librarys_on_workers_too(folder):
    folder.write("statistics", "def mean(values): return 'mine'\n")
    assert run(SHADOWING, folder) == ["2 2", "mine mine", "mine mine"]


NOTEBOOK = """
import os, pathlib, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()

def cell(text):
    shell.run_cell(text).raise_error()

def edit(version, limit):
    path = pathlib.Path(sys.argv[1], "noted.py")
    lines = f"LIMIT = {limit}", "def version():", f" return {version}", "def limit():", " return LIMIT"
    path.write_text(os.linesep.join([*lines, ""]))
    os.utime(path, (time := 1_600_000_000 + 10 * version + limit, time))

edit(1, 1)
cell("%load_ext autoreload")
cell("%autoreload 2")
cell("import circuit, noted, noting; c = circuit.cluster(workers=1)")
cell("functions = lambda: (noted.version, noted.limit, noting.tenfold)")
cell("ask = lambda: print(*(circuit.call(f).on('w1').result(timeout=30) for f in functions()))")
cell("ask()")
for version, limit in ((2, 1), (2, 2), (3, 2), (3, 3)):
    edit(version, limit)
    cell("ask()")
    cell("ask()")
cell("c.close()")
"""


def test_what_autoreload_patches_reaches_the_workers(folder):
    folder.write("noting", "from noted import version\ndef tenfold(): return version() * 10\n")
    rows = ["2 1 20", "2 2 20", "3 2 30", "3 3 30"]
    assert run(NOTEBOOK, folder) == ["1 1 10", *(row for row in rows for _ in range(2))]


CHILD = """
import multiprocessing, sys
{first}

class Box:
    def __init__(self, value): self.value = value

def fill(value):
    return Box(value)

def child():
    import circuit
    with circuit.cluster(workers=1):
        box = circuit.call(fill, 42).on("w1").result(timeout=30)
        print(type(box) is Box, box.value, flush=True)

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=child)
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""


@pytest.mark.parametrize("first", ["import circuit", ""])
def test_functions_of_the_main_file_travel_from_a_child_of_multiprocessing(folder, first):
    assert run(CHILD.format(first=first), folder) == ["True 42"]


def run(text, folder):
    """Run a program with modules beside it; return the lines that it prints, but for IPython's own."""
    (folder.path / "program.py").write_text(text)
    done = subprocess.run(
        [sys.executable, folder.path / "program.py", folder.path],
        capture_output=True,
        text=True,
        timeout=SECONDS * 2,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("Out")]


@pytest.mark.parametrize(
    "statement", ["import missing_everywhere", "importlib.import_module('missing_everywhere')"]
)
def test_a_missing_module_is_an_error_that_names_worker_and_import(folder, workers, statement):
    asking = folder.load("asking", f"import importlib\ndef ask():\n    {statement}\n")
    with pytest.raises(ModuleNotFoundError, match="missing_everywhere") as caught:
        outcome(asking.ask, on=workers[1])
    note = (
        f"module 'missing_everywhere' is missing on worker 'w2', where {asking.__file__}:3 needs it, and the "
        "program has none either; install it for that worker, or put it beside the program"
    )
    assert note in caught.value.__notes__
    assert caught.value.name == "missing_everywhere"
