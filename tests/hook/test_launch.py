"""How a program starts, and how it ends with an error: as Python would have it."""

from typing import Any

import pytest

SHOW = (
    "import sys; print(__name__, __package__, __spec__ and __spec__.name, __file__, sys.argv, sys.path[0])\n"
)


@pytest.fixture
def package(project: Any) -> Any:
    project.write("app.cpy", SHOW + "def f(w): return spawn abs(1) on w\n")
    project.write("plain.py", SHOW)
    project.write("pkg/__init__.cpy", "import sys; before = sys.argv[0]\n")
    project.write("pkg/__main__.cpy", "from . import before; print(before, end=' ')\n" + SHOW)
    project.write("pkg/part.cpy", "from .other import name; print(name, end=' ')\n" + SHOW)
    project.write("pkg/other.py", "name = __name__\n")
    project.write("folder/__main__.cpy", "import beside; print(beside.x, end=' ')\n" + SHOW)
    project.write("folder/beside.cpy", "x = 1\n")
    return project


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["app.cpy", "-m", "x"], "__main__ None None {here}/app.cpy ['app.cpy', '-m', 'x'] {here}"),
        (["plain.py", "--", "-h"], "__main__ None None {here}/plain.py ['plain.py', '--', '-h'] {here}"),
        (["-m", "app", "-m", "x"], "__main__  app {here}/app.cpy ['{here}/app.cpy', '-m', 'x'] {here}"),
        (["-mapp", "x"], "__main__  app {here}/app.cpy ['{here}/app.cpy', 'x'] {here}"),
        (
            ["-m", "pkg"],
            "-m __main__ pkg pkg.__main__ {here}/pkg/__main__.cpy ['{here}/pkg/__main__.cpy'] {here}",
        ),
        (
            ["-m", "pkg.part"],
            "pkg.other __main__ pkg pkg.part {here}/pkg/part.cpy ['{here}/pkg/part.cpy'] {here}",
        ),
        (["folder", "x"], "1 __main__  __main__ {here}/folder/__main__.cpy ['folder', 'x'] {here}/folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_program_finds_itself_as_under_python(package: Any, arguments: list[str], printed: str) -> None:
    ran = package.circuit(*arguments)
    assert (ran.stderr, ran.stdout) == ("", printed.replace("{here}", str(package.folder)) + "\n")


@pytest.mark.parametrize(
    "arguments", [["plain.py", "x"], ["-m", "plain", "x"], ["pure", "x"], ["-m", "json.tool", "-h"]]
)
def test_a_python_program_cannot_tell_the_difference(package: Any, arguments: list[str]) -> None:
    package.write("pure/__main__.py", SHOW)
    ours, pythons = package.circuit(*arguments), package.python(*arguments)
    assert (ours.stdout, ours.stderr, ours.returncode) == (pythons.stdout, pythons.stderr, pythons.returncode)


def test_python_runs_modules_where_the_hook_is_installed_at_start(package: Any) -> None:
    package.write("start/sitecustomize.py", "import circuit.importer; circuit.importer.install()\n")
    for name in ("app", "pkg"):
        ran = package.python("-m", name, "x", PYTHONPATH="start")
        assert ran.stderr == "" and "__main__" in ran.stdout and f"{name}" in ran.stdout
    ran = package.python("-c", "import runpy; runpy.run_path('app.cpy', run_name='me')", PYTHONPATH="start")
    assert ran.stdout.startswith(f"me  __main__ {package.folder}/app.cpy ['app.cpy']")


def test_no_folder_is_trusted_where_python_was_told_so(package: Any) -> None:
    ran = package.python("-P", "-m", "circuit", "app.cpy")
    assert ran.stdout.startswith("__main__") and not ran.stdout.endswith(f" {package.folder}\n")


BAD = "x = 1\nh = spawn f(1)\n"


@pytest.mark.parametrize(
    ("importing", "frames"),
    [
        ("import bad", ["app.cpy"]),
        ("import importlib; importlib.import_module('bad')", ["app.cpy"]),
        ("import good", ["app.cpy", "good.cpy"]),
        ("import pkg.bad", ["app.cpy"]),
        ("def f(): import bad\nf()", ["app.cpy", "app.cpy"]),
        ("from runpy import run_module; run_module('bad')", ["app.cpy", "<frozen runpy>", "<frozen runpy>"]),
    ],
)
def test_a_module_that_does_not_compile_is_shown_without_frames_of_ours(
    package: Any, importing: str, frames: list[str]
) -> None:
    package.write("app.cpy", importing + "\n")
    package.write("bad.cpy", BAD)
    package.write("pkg/bad.cpy", BAD)
    package.write("good.cpy", "import bad\n")
    shown = package.circuit("app.cpy").stderr.splitlines()
    places = [line.split('"')[1].rpartition("/")[2] for line in shown if line.startswith('  File "')]
    assert places == [*frames, "bad.cpy"], shown
    assert "    h = spawn f(1)" in shown and any(line.startswith("SyntaxError: ") for line in shown)


def test_the_same_holds_for_an_error_that_was_the_cause_of_another(package: Any) -> None:
    package.write("bad.cpy", BAD)
    package.write(
        "app.cpy", "try:\n    import bad\nexcept SyntaxError as error:\n    raise KeyError(1) from error\n"
    )
    shown = package.circuit("app.cpy").stderr
    assert "direct cause" in shown and "KeyError: 1" in shown
    assert "importlib" not in shown and "/circuit/" not in shown


def test_what_a_package_raises_on_the_way_to_its_main_is_shown_from_there(package: Any) -> None:
    package.write("pkg/__init__.cpy", "def f():\n    1 / 0\nf()\n")
    shown = package.circuit("-m", "pkg").stderr
    assert shown.startswith(
        f'Traceback (most recent call last):\n  File "{package.folder}/pkg/__init__.cpy", line 3'
    )
    assert "importlib" not in shown and "/circuit/" not in shown


def test_an_import_that_fails_on_the_way_is_the_programs_error(package: Any) -> None:
    package.write("pkg/__init__.cpy", "import no_such_thing\n")
    ran = package.circuit("-m", "pkg")
    assert ran.returncode == 1 and "ModuleNotFoundError: No module named 'no_such_thing'" in ran.stderr


def test_several_errors_of_a_program_are_all_told(project: Any) -> None:
    project.write("app.cpy", "h = spawn f(1)\nk = spawn sum(x for x in h) on w\n")
    shown = project.circuit("app.cpy").stderr
    assert shown.index("[S001]") < shown.index("error[S005]")
    assert "Traceback" not in shown


def test_errors_of_python_itself_are_in_pythons_words(project: Any) -> None:
    project.write("app.cpy", "h = spawn f(1) on w\nx = = 2\n")
    project.write("app.py", "h = f(1, w)\nx = = 2\n")
    ours, pythons = project.circuit("app.cpy").stderr, project.python("app.py").stderr
    assert ours.replace("app.cpy", "app.py") == pythons
