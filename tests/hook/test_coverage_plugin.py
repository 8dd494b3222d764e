"""coverage.py, with the plugin: a `.cpy` file is measured as the Python file that circuitc makes of it."""

import html
import json
from typing import Any

import pytest

from circuit.compiler import compile_bytes

PROGRAM = '''
"""A program."""
import sys

def half(n):
    if n > 3:
        return n / 2
    return 0

def never():
    return (
        spawn half(1)
        on "w1"
    )

def unwanted():  # pragma: no cover
    return spawn half(2) on "w2"

class Place:
    def on(self, n):
        while n:
            n -= 1
        else:
            return [spawn half(n) on "w1" for _ in "ab" if n]

future = spawn half(4) on "w1"; half(4)
for n in [4]:
    if n > 1:
        print(Place().on(2), half(5), future.result(), sys.argv[1:])
    else:
        print("é")
match n:
    case 4:
        n = 5
    case _:
        pass
'''

SETTINGS = """
[run]
plugins = circuit.coverage_plugin
source = .
branch = {branch}
"""


@pytest.fixture(params=["false", "true"], ids=["lines", "branches"])
def measured(project: Any, request: pytest.FixtureRequest) -> Any:
    project.write("app.cpy", PROGRAM)
    project.write("unused.cpy", "x = 1\ny = spawn abs(x) on 'w1'\n")
    project.write(".coveragerc", SETTINGS.format(branch=request.param))
    ran = project.python("-m", "coverage", "run", "-m", "circuit", "app.cpy", "a")
    assert (ran.stderr, ran.stdout) == ("", "[] 2.5 2.0 ['a']\n")
    return project


def figures(project: Any) -> dict[str, Any]:
    """Return what a report says of each file."""
    ran = project.python("-m", "coverage", "json", "-q", "-o", "report.json")
    assert ran.stderr == ""
    files = json.loads((project.folder / "report.json").read_text())["files"]
    return dict(files)


def test_the_report_is_that_of_the_compiled_program(measured: Any) -> None:
    found = figures(measured)
    assert found["app.cpy"]["missing_lines"] == [7, 10, 30, 34, 35]
    assert found["app.cpy"]["excluded_lines"] == [15, 16]
    assert set(found["app.cpy"]["functions"]) == {"", "half", "never", "unwanted", "Place.on"}
    assert found["unused.cpy"]["missing_lines"] == [1, 2]
    measured.write("app.py", compile_bytes((measured.folder / "app.cpy").read_bytes(), "app.cpy").text)
    measured.python("-m", "coverage", "run", "app.py", "a")
    assert figures(measured)["app.py"] == found["app.cpy"]


def test_the_html_report_shows_the_source(measured: Any) -> None:
    assert measured.python("-m", "coverage", "html", "-q").stderr == ""
    page = (measured.folder / "htmlcov" / "app_cpy.html").read_text(encoding="utf-8")
    assert "spawn half(4) on" in page and "_circuit" not in page


def test_the_text_report(measured: Any) -> None:
    ran = measured.python("-m", "coverage", "report", "-m")
    lines = {line.split()[0]: line for line in ran.stdout.splitlines() if ".cpy" in line}
    assert "7, 10" in lines["app.cpy"] and "0%" in lines["unused.cpy"]


def test_settings_for_what_is_left_out_hold(measured: Any) -> None:
    settings = measured.folder / ".coveragerc"
    settings.write_text(settings.read_text() + "[report]\nexclude_also =\n    def never\n    print..é\n")
    assert figures(measured)["app.cpy"]["missing_lines"] == [7, 34, 35]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"x = 1\ny = spawn f(x)\n", "unused.cpy does not compile: a spawn has no `on`"),
        (b"x = 1\ny = = x\n", "unused.cpy does not compile: invalid syntax"),
        (b"x = 1\ny = '\xff'\n", "unused.cpy:2: 'utf-8' codec cannot decode byte 0xff"),
        (b"# coding: klingon\nx = 1\n", "unused.cpy:1: unknown encoding: klingon"),
    ],
    ids=["spawn", "python", "bytes", "encoding"],
)
def test_a_file_that_does_not_compile_is_said(project: Any, source: bytes, said: str) -> None:
    project.write(".coveragerc", SETTINGS.format(branch="false"))
    project.write("app.cpy", "x = 1\n")
    (project.folder / "unused.cpy").write_bytes(source)
    project.python("-m", "coverage", "run", "-m", "circuit", "app.cpy")
    for report in ("report", "html"):
        ran = project.python("-m", "coverage", report)
        assert said in ran.stdout + ran.stderr and "Traceback" not in ran.stderr, ran.stderr
    assert "app.cpy" in project.python("-m", "coverage", "report", "-i").stdout


def test_a_report_repeats_a_warning_as_often_as_that_of_a_python_file(project: Any) -> None:
    project.write(".coveragerc", SETTINGS.format(branch="false"))
    project.write("odd.py", "x = 1\nif x is 'y': pass\n")
    project.write("other.cpy", "x = 1\nif x is 'y': spawn abs(x) on 'w1'\n")
    project.write("app.cpy", "import odd, other\n")
    project.python("-m", "coverage", "run", "-m", "circuit", "app.cpy")
    said = project.python("-m", "coverage", "report").stderr
    assert said.count("other.cpy:2: SyntaxWarning") == said.count("odd.py:2: SyntaxWarning")


def test_the_line_ends_and_the_encoding_of_a_file_change_nothing(project: Any) -> None:
    project.write(".coveragerc", SETTINGS.format(branch="false"))
    lines = ["# coding: latin-1", "import sys", "if len(sys.argv) > 1:", "    é = spawn abs(1) on 'w1'"]
    for name, end in (("unix", "\n"), ("dos", "\r\n"), ("mac", "\r")):
        (project.folder / f"{name}.cpy").write_bytes((end.join(lines) + end).encode("latin-1"))
    project.write("app.cpy", "import unix, dos, mac\n")
    project.python("-m", "coverage", "run", "-m", "circuit", "app.cpy")
    found = figures(project)
    assert [found[f"{name}.cpy"]["missing_lines"] for name in ("unix", "dos", "mac")] == [[4]] * 3
    assert project.python("-m", "coverage", "html", "-q").stderr == ""
    page = (project.folder / "htmlcov" / "mac_cpy.html").read_text(encoding="utf-8")
    assert "é = spawn abs(1) on" in html.unescape(page)


def test_pytest_under_coverage(project: Any) -> None:
    project.write(
        "half.cpy", "def half(n):\n    if n:\n        return n / 2\n    return spawn half(n) on 'w1'\n"
    )
    project.write("test_half.cpy", "from half import half\ndef test_half():\n    assert half(2) == 1\n")
    project.write(".coveragerc", SETTINGS.format(branch="true"))
    ran = project.python("-m", "coverage", "run", "-m", "pytest", "-q")
    assert ran.returncode == 0, ran.stdout
    found = figures(project)
    assert (found["half.cpy"]["missing_lines"], found["test_half.cpy"]["missing_lines"]) == ([4], [])


def test_pytest_under_coverage_warns_of_nothing(project: Any) -> None:
    project.write(".coveragerc", SETTINGS.format(branch="true"))
    # As pytest does for each plugin that is installed, and not from its sources.
    project.write("conftest.py", "import pytest\npytest.register_assert_rewrite('circuit')\n")
    project.write("test_app.cpy", "def test_abs():\n    assert (spawn abs(-1) on 'w1').result() == 1\n")
    ran = project.python("-m", "coverage", "run", "-m", "pytest", "-q", "-W", "error")
    assert "1 passed" in ran.stdout and "warning" not in ran.stdout + ran.stderr, ran.stdout
