"""multiprocessing: what a `.cpy` file defines is there in a child that is no copy of its parent."""

from typing import Any

import pytest

METHODS = ["spawn", "forkserver"]

MODULE = """
def double(n):
    return 2 * n

def thunk(place):
    return spawn double(1) on place
"""

MAIN = """
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import doubling

class Point:
    def __init__(self, x):
        self.x = x

def moved(point):
    return Point(doubling.double(point.x))

def thunk(place):
    return {SPAWN}

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(1) as pool:
        print(pool.apply(moved, (Point(4),)).x, pool.map(doubling.double, [5]))
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        print(executor.submit(moved, Point(6)).result().x)
"""

PRINTED = "8 [10]\n12\n"


@pytest.fixture
def program(project: Any) -> Any:
    project.write("doubling.cpy", MODULE)
    project.write("app.cpy", MAIN.replace("{SPAWN}", "spawn doubling.double(1) on place"))
    hooked = "import circuit.importer\ncircuit.importer.install()\n"
    project.write("plain.py", hooked + MAIN.replace("{SPAWN}", "place"))
    return project


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("app", [["app.cpy"], ["-m", "app"], ["plain.py"]], ids=" ".join)
def test_children_of_a_program_that_circuit_runs(program: Any, app: list[str], method: str) -> None:
    ran = program.circuit(*app, method)
    assert (ran.stderr, ran.stdout) == ("", PRINTED)


@pytest.mark.parametrize("method", METHODS)
def test_children_of_a_program_that_installs_the_hook(program: Any, method: str) -> None:
    ran = program.python("plain.py", method)
    assert (ran.stderr, ran.stdout) == ("", PRINTED)


def test_children_of_children(program: Any) -> None:
    program.write(
        "deep.cpy",
        """
        import multiprocessing as mp

        def down(depth):
            if depth == 0:
                import doubling
                return doubling.double(21)
            with mp.get_context("spawn").Pool(1) as pool:
                return pool.apply(down, (depth - 1,))

        if __name__ == "__main__":
            import concurrent.futures as futures
            with futures.ProcessPoolExecutor(1, mp_context=mp.get_context("spawn")) as pool:
                print(pool.submit(down, 1).result())
        """,
    )
    ran = program.circuit("deep.cpy")
    assert (ran.stderr, ran.stdout) == ("", "42\n")


# Later releases of Python 3.12 to 3.14 load the main file in the fork server too, which gets its
# `sys.path` as text. This is what they send it.
PRELOADING = """
import multiprocessing.forkserver, multiprocessing.spawn
prepare = multiprocessing.spawn.get_preparation_data
def get_preparation_data(name):
    prepared = prepare(name)
    prepared["main_path"] = prepared.get("init_main_from_path")
    return prepared
multiprocessing.spawn.get_preparation_data = get_preparation_data
"""


def test_a_fork_server_that_loads_the_main_file_has_the_hook(program: Any) -> None:
    program.write(
        "app.cpy", PRELOADING + "print('loaded', __name__)\n" + MAIN.replace("{SPAWN}", "spawn f() on place")
    )
    ran = program.circuit("app.cpy", "forkserver")
    assert ran.stderr == ""
    assert sorted(ran.stdout.splitlines()) == sorted(
        [*PRINTED.splitlines(), "loaded __main__", "loaded __mp_main__"]
    )


def test_a_program_that_took_the_hook_out_sends_none(program: Any) -> None:
    program.write(
        "without.py",
        """
        import multiprocessing, sys

        def loaded(name):
            return name in sys.modules

        if __name__ == "__main__":
            import circuit.importer
            circuit.importer.install()
            import multiprocessing.spawn
            circuit.importer.uninstall()
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.apply(loaded, ("circuit.importer",)))
        """,
    )
    ran = program.python("without.py")
    assert (ran.stderr, ran.stdout) == ("", "False\n")


def test_a_program_without_children_loads_no_multiprocessing(project: Any) -> None:
    ran = project.hooked(
        "import sys; print({'multiprocessing', 'circuit.hook.children', 'inspect'} & set(sys.modules))"
    )
    assert ran.stdout == "set()\n"


def test_the_path_stays_a_list_of_plain_texts(program: Any) -> None:
    program.write(
        "plain_path.cpy",
        """
        import multiprocessing, sys

        def kinds():
            return {type(entry) for entry in sys.path}

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(kinds(), pool.apply(kinds))
        """,
    )
    assert program.circuit("plain_path.cpy").stdout == "{<class 'str'>} {<class 'str'>}\n"
