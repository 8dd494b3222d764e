"""`.cpy` modules in zip archives."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

FILES = {
    "alone.cpy": "import traceback\ndef place(w): return spawn abs(1) on w\ndef fail(): return 1 / 0\n"
    "def half(n): return n / 2\ndef which(): import plain; return plain.which\n",
    "plain.py": "which = 'plain'\n",
    "both.cpy": "which = 'cpy'\n",
    "both.py": "which = 'py'\n",
    "folder/__init__.cpy": "from . import inner, other\n",
    "folder/inner.cpy": "name = __name__\n",
    "folder/other.py": "name = __name__\n",
    "folder/text.txt": "a resource",
    "clash/__init__.py": "which = 'package'\n",
    "clash.cpy": "which = 'module'\n",
    "spread/part.cpy": "name = __name__\n",
    "wrong.cpy": "x = 1\nh = spawn f(1)\n",
    "__main__.cpy": "import sys, plain\nprint(__name__, __spec__.name, sys.argv, __file__, plain.which)\n",
}


@pytest.fixture
def archive(project: Any) -> Path:
    path: Path = project.folder / "app.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in FILES.items():
            file.writestr(name, text)
        file.mkdir("spread")
    return path


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("import alone; print(alone.__file__)", "app.zip/alone.cpy"),
        ("import plain; print(plain.which)", "plain"),
        ("import both; print(both.which)", "cpy"),
        ("import clash; print(clash.which)", "package"),
        ("import folder; print(folder.inner.name, folder.other.name)", "folder.inner folder.other"),
        (
            "import folder; print(folder.__path__, folder.__file__)",
            "['app.zip/folder'] app.zip/folder/__init__.cpy",
        ),
        ("import spread.part; print(spread.part.name)", "spread.part"),
        (
            "import folder, importlib.resources as r; print((r.files(folder) / 'text.txt').read_text())",
            "a resource",
        ),
        (
            "import alone, inspect; print(inspect.getsource(alone.place))",
            "def place(w): return spawn abs(1) on w\n",
        ),
        ("import importlib.util; print(importlib.util.find_spec('absent'))", "None"),
        (
            "import runpy; runpy.run_path('app.zip', run_name='me')",
            "me __main__ ['app.zip'] app.zip/__main__.cpy plain",
        ),
    ],
)
def test_modules_are_imported_from_an_archive(
    project: Any, archive: Path, program: str, printed: str
) -> None:
    ran = project.hooked(f"import sys; sys.path.insert(0, 'app.zip')\n{program}")
    assert (ran.stderr, ran.stdout) == ("", f"{printed}\n")


def test_a_traceback_shows_the_line_in_the_archive(project: Any, archive: Path) -> None:
    ran = project.hooked(
        """
        import sys, traceback
        sys.path.insert(0, "app.zip")
        import alone
        try: alone.fail()
        except ZeroDivisionError: traceback.print_exc()
        """
    )
    assert 'app.zip/alone.cpy", line 3, in fail\n    def fail(): return 1 / 0\n' in ran.stderr


def test_an_archive_is_a_program(project: Any, archive: Path) -> None:
    ran = project.circuit("app.zip", "x")
    printed = f"__main__ __main__ ['app.zip', 'x'] {archive}/__main__.cpy plain\n"
    assert (ran.stderr, ran.stdout) == ("", printed)


def test_what_does_not_compile_is_a_syntax_error_in_the_archive(project: Any, archive: Path) -> None:
    ran = project.hooked("import sys; sys.path.insert(0, 'app.zip')\nimport wrong")
    assert 'app.zip/wrong.cpy", line 2\n' in ran.stderr and "SyntaxError: " in ran.stderr


def test_the_archive_is_left_as_it_was(project: Any, archive: Path) -> None:
    before = archive.read_bytes()
    project.hooked("import sys; sys.path.insert(0, 'app.zip')\nimport alone")
    assert archive.read_bytes() == before
    assert list(project.folder.rglob("*.cpyc")) == []


def test_functions_of_an_archive_run_on_workers(project: Any, archive: Path) -> None:
    project.write(
        "app.cpy",
        """
        import sys
        sys.path.insert(0, "app.zip")
        import alone
        print((spawn alone.half(3) on "w1").result(), (spawn alone.which() on "w1").result())
        """,
    )
    ran = project.circuit("app.cpy")
    assert (ran.stderr, ran.stdout) == ("", "1.5 plain\n")
