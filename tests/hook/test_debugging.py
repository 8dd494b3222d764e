"""Whoever looks at a running program sees the `.cpy` file: inspect, pdb, warnings, logging, doctest."""

import ast
import sys
from typing import Any

import pytest

SHAPES = '''
"""Shapes."""
import functools

def area(a, b):
    return a * b

later = lambda w: spawn area(1, 2) on w

def marked(cls):
    return cls

class Box:
    """A box."""

    class Inner:
        inner = True

    def on(self, w):
        return spawn area(3, 4) on w

@functools.cache
def make():
    @marked
    class Local(Box):
        made = 1
    return Local
'''


@pytest.fixture
def shapes(project: Any) -> Any:
    project.write("shapes.cpy", SHAPES)
    return project


SOURCES = {
    "shapes.area": "def area(a, b):\n    return a * b\n",
    "shapes.later": "later = lambda w: spawn area(1, 2) on w\n",
    "shapes.Box.on": "    def on(self, w):\n        return spawn area(3, 4) on w\n",
    "shapes.Box.Inner": "    class Inner:\n        inner = True\n",
    "shapes.make()": "    @marked\n    class Local(Box):\n        made = 1\n",
    "shapes": SHAPES.lstrip("\n"),
}


@pytest.mark.parametrize("order", ["inspect, shapes", "shapes, inspect"])
def test_inspect_gives_the_source(shapes: Any, order: str) -> None:
    ran = shapes.hooked(f"import {order}\nprint([inspect.getsource(one) for one in ({', '.join(SOURCES)})])")
    assert ran.stderr == ""
    assert ast.literal_eval(ran.stdout) == list(SOURCES.values())


def test_inspect_gives_the_source_where_it_was_loaded_before_the_hook(shapes: Any) -> None:
    program = "import inspect, circuit.importer; circuit.importer.install(); import shapes"
    ran = shapes.python("-c", f"{program}; print(inspect.getsource(shapes.Box).count('\\n'))")
    assert (ran.stderr, ran.stdout) == ("", "8\n")


def test_inspect_gives_the_last_of_several_definitions(project: Any) -> None:
    project.write(
        "twice.cpy", "class A:\n    x = 1\nclass A:\n    def x(self): return spawn abs(2) on self\n"
    )
    ran = project.hooked("import twice, inspect; print(inspect.getsource(twice.A), end='')")
    assert ran.stdout == "class A:\n    def x(self): return spawn abs(2) on self\n"


def test_inspect_gives_a_class_whose_file_is_not_utf_8(project: Any) -> None:
    text = "# coding: latin-1\nclass Größe:\n    def on(self, w): return spawn abs(2) on w\n"
    (project.folder / "sizes.cpy").write_bytes(text.encode("latin-1"))
    ran = project.hooked("import sizes, inspect; print(ascii(inspect.getsource(sizes.Größe)))")
    assert (ran.stderr, ran.stdout) == ("", ascii(text.partition("\n")[2]) + "\n")


def test_a_class_that_is_not_in_its_file_has_no_source(shapes: Any) -> None:
    ran = shapes.hooked(
        """
        import inspect, shapes
        shapes.Box.__qualname__ = "Absent"
        shapes.Box.__firstlineno__ = 99
        try: inspect.getsource(shapes.Box)
        except OSError as error: print(error)
        """
    )
    said = "lineno is out of bounds" if sys.version_info >= (3, 13) else "could not find class definition"
    assert (ran.stderr, ran.stdout) == ("", f"{said}\n")


DEBUGGED = """
import steps

def main(n):
    breakpoint()
    first = steps.double(n)
    return (spawn abs(first) on "w1").result()

print(main(-2))
"""

TYPED = """\
l
b steps.cpy:4
c
p n
n
p m
w
c
"""


def test_pdb_steps_through_a_cpy_file(project: Any) -> None:
    project.write(
        "steps.cpy", "def thunk(w): return spawn abs(1) on w\n\ndef double(n):\n    m = n * 2\n    return m\n"
    )
    project.write("app.cpy", DEBUGGED)
    ran = project.circuit("app.cpy", typed=TYPED)
    assert ran.stderr == ""
    shown = ran.stdout
    assert '  6  \t    return (spawn abs(first) on "w1").result()\n' in shown
    assert f"Breakpoint 1 at {project.folder}/steps.cpy:4\n" in shown
    assert f"> {project.folder}/steps.cpy(4)double()\n-> m = n * 2\n(Pdb) -2\n" in shown
    assert f"> {project.folder}/steps.cpy(5)double()\n-> return m\n(Pdb) -4\n" in shown
    assert "app.cpy(5)main()\n-> first = steps.double(n)\n" in shown
    assert shown.endswith("(Pdb) 4\n")


def test_a_warning_names_the_place_and_shows_the_line(project: Any) -> None:
    project.write(
        "old.cpy", "import warnings\n\ndef use(w):\n    warnings.warn('old'); return [w, spawn abs(1) on w]\n"
    )
    ran = project.circuit(project.write("app.cpy", "import old\nold.use('w1')\n"))
    line = "warnings.warn('old'); return [w, spawn abs(1) on w]"
    assert ran.stderr == f"{project.folder}/old.cpy:4: UserWarning: old\n  {line}\n"


def test_what_the_compiler_warns_of_names_the_place_once(project: Any) -> None:
    project.write(
        "odd.cpy", "x = '\\d'\nif x is 'y': pass\ndef f(w):\n    return [spawn f(w) on w]\nspawn f on 'w1'\n"
    )
    ran = project.hooked("import odd")
    places = [line.partition(": ")[::2] for line in ran.stderr.splitlines() if "Warning" in line]
    folder = f"{project.folder}/odd.cpy"
    escape = "SyntaxWarning" if sys.version_info >= (3, 12) else "DeprecationWarning"
    expected = [f"{folder}:2", f"{folder}:5"] + ([f"{folder}:1"] if escape == "SyntaxWarning" else [])
    assert sorted(place for place, _ in places) == sorted(expected), ran.stderr
    assert project.hooked("import odd").stderr == "", "a cached module warns no more, as in Python"


def test_a_warning_of_the_compiler_can_be_an_error(project: Any) -> None:
    project.write("odd.cpy", "def f(): pass\nspawn f on 'w1'\n")
    ran = project.python("-W", "error::SyntaxWarning", "-m", "circuit", "odd.cpy")
    assert ran.returncode == 1
    assert "odd.cpy\", line 2\n    spawn f on 'w1'\n" in ran.stderr and "[S010]" in ran.stderr


def test_logging_names_the_line(project: Any) -> None:
    project.write(
        "app.cpy",
        """
        import logging
        logging.basicConfig(format="%(filename)s:%(lineno)d %(funcName)s %(message)s")
        def work(w):
            logging.warning("working"); h = spawn abs(1) on w
            return h.result()
        work("w1")
        """,
    )
    assert project.circuit("app.cpy").stderr == "app.cpy:4 work working\n"


def test_a_traceback_of_a_thread_shows_the_line(project: Any) -> None:
    project.write(
        "app.cpy",
        """
        import threading
        def work():
            return [1 / 0, spawn abs(1) on "w1"]
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """,
    )
    shown = project.circuit("app.cpy").stderr
    assert 'app.cpy", line 3, in work\n    return [1 / 0, spawn abs(1) on "w1"]\n            ~~^~~\n' in shown


def test_doctests_run(project: Any) -> None:
    project.write(
        "documented.cpy",
        '''
        """
        >>> twice(4)
        8
        """
        def twice(n):
            """
            >>> twice(1)
            3
            """
            return n + (spawn abs(n) on "w1").result()
        ''',
    )
    ran = project.hooked("import doctest, documented; print(doctest.testmod(documented))")
    assert 'documented.cpy", line 7, in documented.twice' in ran.stdout
    assert "TestResults(failed=1, attempted=2" in ran.stdout


@pytest.mark.parametrize(
    ("tool", "argument", "said"), [("pdb", "app.py", "-> x = 1"), ("inspect", "this", "")]
)
def test_tools_of_python_can_be_run(project: Any, tool: str, argument: str, said: str) -> None:
    project.write("app.py", "x = 1\n")
    project.write("sitecustomize.py", "import circuit.importer; circuit.importer.install()\n")
    for ran in (
        project.circuit("-m", tool, argument, typed="quit\n"),
        project.python("-m", tool, argument, typed="quit\n", PYTHONPATH=str(project.folder)),
    ):
        assert ran.returncode == 0 and said in ran.stdout and "Traceback" not in ran.stderr, ran.stderr


def test_pdb_begins_a_module(project: Any) -> None:
    project.write("app.cpy", "def f(x):\n    return spawn abs(x) on 'w1'\nprint(f(-3).result())\n")
    ran = project.circuit(
        "-m", "pdb", "-m", "app", typed="break app.cpy:2\ncontinue\nprint(x)\ncontinue\nquit\n"
    )
    assert "-> return spawn abs(x) on 'w1'\n(Pdb) -3\n(Pdb) 3\n" in ran.stdout, ran.stdout


def test_pdb_takes_a_file_that_it_is_given_for_python(project: Any) -> None:
    project.write("app.cpy", "h = spawn abs(-3) on 'w1'\nprint(h.result())\n")
    ran = project.circuit("-m", "pdb", "app.cpy", typed="continue\nquit\n")
    assert "SyntaxError: invalid syntax" in ran.stdout + ran.stderr and "3\n" not in ran.stdout


def test_a_breakpoint_on_a_worker_has_nobody_to_ask(project: Any) -> None:
    project.write("app.cpy", "def stop():\n    breakpoint()\n\n(spawn stop() on 'w1').result()\n")
    ran = project.circuit("app.cpy", typed="continue\n")
    assert ran.returncode == 1 and "bdb.BdbQuit" in ran.stderr, ran.stderr
