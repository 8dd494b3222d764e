"""The pytest plugin, which is there without being asked for: `test_*.cpy`."""

import subprocess
from typing import Any

import pytest

TESTS = """
    import os
    import pytest
    from support import check

    def double(n):
        return 2 * n

    @pytest.fixture
    def three():
        return 3

    @pytest.mark.parametrize("n", [1, 2])
    def test_parameters(n, three):
        assert (spawn double(n) on "w1").result() == 2 * n

    def test_process():
        assert (spawn os.getpid() on "w1").result() != os.getpid()

    class TestClass:
        def test_method(self, tmp_path):
            assert tmp_path.is_dir()
"""

FAILING = """
    def double(n):
        return 2 * n

    def test_value():
        x = [1, 2]
        assert (spawn double(3) on "w1").result() == len(x)

    def test_spawn(spawn=abs):
        assert [spawn (double)(1) on "w1"] == spawn(-3)
"""

SUPPORT = """
    def check(n):
        assert n == 5

    def place(w):
        return spawn check(5) on w
"""


@pytest.fixture
def tests(project: Any) -> Any:
    project.write("test_app.cpy", TESTS)
    project.write("support.cpy", SUPPORT)
    return project


def run(project: Any, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = project.python("-m", "pytest", *arguments, **environment)
    return done


def outcomes(project: Any, *arguments: str) -> list[str]:
    """Run pytest and return the node ids with what became of them."""
    ran = run(project, "-v", *arguments)
    return [" ".join(line.split()[:2]) for line in ran.stdout.splitlines() if "::" in line and "%]" in line]


ALL = [
    "test_app.cpy::test_parameters[1] PASSED",
    "test_app.cpy::test_parameters[2] PASSED",
    "test_app.cpy::test_process PASSED",
    "test_app.cpy::TestClass::test_method PASSED",
]


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_tests_are_collected_and_pass(tests: Any, mode: str) -> None:
    path = ["-o", "pythonpath=."] if mode == "importlib" else []
    assert outcomes(tests, f"--import-mode={mode}", *path) == ALL


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (["test_app.cpy"], ALL),
        (["test_app.cpy::test_process"], ALL[2:3]),
        (["test_app.cpy::TestClass"], ALL[3:]),
        (["-k", "parameters and 2"], ALL[1:2]),
        (["--deselect", "test_app.cpy::test_parameters"], ALL[2:]),
        (["--pyargs", "test_app"], ALL),
        (["-o", "python_files=check_*.py"], []),
        (["-o", "python_files=*_app.py", "-k", "process"], ALL[2:3]),
    ],
    ids=" ".join,
)
def test_tests_are_chosen_as_those_of_python_are(tests: Any, arguments: list[str], chosen: list[str]) -> None:
    assert outcomes(tests, *arguments) == chosen


def test_a_file_that_is_named_need_not_be_named_as_a_test(tests: Any) -> None:
    tests.write("scenario.cpy", "def test_it():\n    assert (1, 2) == (1, 3)\n")
    assert outcomes(tests) == ALL
    ran = run(tests, "scenario.cpy")
    assert (
        "E       assert (1, 2) == (1, 3)\n" in ran.stdout and "scenario.cpy:2: AssertionError" in ran.stdout
    )


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_a_failing_assertion_is_explained_at_its_line(project: Any, mode: str) -> None:
    project.write("tests/test_failing.cpy", FAILING)
    for _ in ("compiled", "cached"):
        ran = run(project, f"--import-mode={mode}")
        assert '>       assert (spawn double(3) on "w1").result() == len(x)\n' in ran.stdout
        assert "E       AssertionError: assert 6 == 2\n" in ran.stdout
        assert "where 2 = len([1, 2])" not in ran.stdout and "2 = len([1, 2])" in ran.stdout
        assert "tests/test_failing.cpy:6: AssertionError" in ran.stdout
        # A spawn is shown as what it is worth, and not what it was lowered to.
        assert "where result = <Future double() spawned at " in ran.stdout
        assert "AssertionError: assert [<Future double() spawned at " in ran.stdout
        assert "where 3 = " in ran.stdout  # but a function called spawn is one
        assert "_circuit" not in ran.stdout and ".call" not in ran.stdout


def test_rewritten_code_has_a_cache_of_its_own(tests: Any) -> None:
    run(tests)
    names = sorted(path.name.split("-", 2)[-1] for path in tests.folder.glob("__pycache__/test_app*.cpyc"))
    assert names == [f"pytest-{pytest.__version__}.cpyc"]
    heavy = tests.write(
        "conftest.py", "import sys\ndef pytest_unconfigure(): print('libcst' in sys.modules)\n"
    )
    assert heavy.exists() and run(tests, "-q").stdout.endswith("False\n")
    assert tests.hooked("import test_app; test_app.check(5)").stderr == ""
    assert len(list(tests.folder.glob("__pycache__/test_app*.cpyc"))) == 2


def test_modules_registered_for_rewriting_are(tests: Any) -> None:
    tests.write("conftest.py", "import pytest\npytest.register_assert_rewrite('support')\n")
    tests.write("test_support.py", "from support import check\ndef test_it(): check(4)\n")
    ran = run(tests, "test_support.py")
    assert "E       assert 4 == 5\n" in ran.stdout and "support.cpy:2: AssertionError" in ran.stdout


def test_plain_assertions_stay_plain(project: Any) -> None:
    project.write("test_failing.cpy", FAILING)
    ran = run(project, "--assert=plain")
    assert "E       AssertionError\n" in ran.stdout and "test_failing.cpy:6: AssertionError" in ran.stdout


def test_python_tests_and_conftests_import_cpy_modules(tests: Any) -> None:
    tests.write("conftest.py", "import pytest, support\n@pytest.fixture\ndef five(): return support.check\n")
    tests.write("test_python.py", "def test_five(five): five(5)\n")
    assert outcomes(tests, "test_python.py") == ["test_python.py::test_five PASSED"]


FIXTURES = "import pytest\n@pytest.fixture\ndef five(): return (spawn abs(-5) on 'w1').result()\n"


def test_a_conftest_is_a_python_file_and_names_a_cpy_module_of_fixtures(project: Any) -> None:
    project.write("test_five.cpy", "def test_five(five): assert five == 5\n")
    written = project.write("conftest.cpy", FIXTURES)
    assert outcomes(project) == ["test_five.cpy::test_five ERROR"]
    written.rename(project.folder / "shared_fixtures.cpy")
    project.write("conftest.py", "pytest_plugins = ['shared_fixtures']\n")
    assert outcomes(project) == ["test_five.cpy::test_five PASSED"]


def test_a_package_of_tests(tests: Any) -> None:
    tests.write("suite/__init__.py", "")
    tests.write("suite/near.cpy", "def one(): return 1\n")
    tests.write(
        "suite/test_near.cpy",
        "from .near import one\ndef test_one(): assert (spawn one() on 'w1').result() == 1\n",
    )
    for mode in ("prepend", "importlib"):
        assert outcomes(tests, "suite", f"--import-mode={mode}") == ["suite/test_near.cpy::test_one PASSED"]


def test_a_test_that_does_not_compile_is_an_error_of_its_file_alone(tests: Any) -> None:
    tests.write("test_wrong.cpy", "x = 1\nh = spawn f(1)\n")
    ran = run(tests)
    assert "ERROR test_wrong.cpy" in ran.stdout and "h = spawn f(1)" in ran.stdout
    assert 'test_wrong.cpy", line 2' in ran.stdout and "SyntaxError: " in ran.stdout
    assert "1 error" in ran.stdout


def test_without_the_plugin_there_are_no_such_tests(tests: Any) -> None:
    assert outcomes(tests, "-p", "no:circuit") == []


def test_a_run_without_cpy_files_loads_nothing_heavy(project: Any) -> None:
    project.write(
        "test_light.py",
        """
        import sys

        def test_light():
            heavy = {"circuit.hook.program", "circuit.compiler", "circuit.runtime", "libcst", "lark", "grpc"}
            assert not heavy & set(sys.modules)
        """,
    )
    assert outcomes(project) == ["test_light.py::test_light PASSED"]


def test_the_hook_is_gone_when_pytest_is(tests: Any) -> None:
    begin = "import pytest, sys, circuit.importer; before = list(sys.meta_path); pytest.main(['-q'])"
    ran = tests.python("-c", f"{begin}; print(circuit.importer.is_installed(), sys.meta_path == before)")
    assert ran.stdout.splitlines()[-1] == "False True"
