"""What the wheel holds: all of the package, and nothing else."""

import configparser
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(600)  # the build environment may have to be fetched

CHECKOUT = Path(__file__).parents[2]
SHIPPED = ("*.py", "*.pyi", "*.proto", "*.lark", "*.tables", "py.typed")


@pytest.fixture(scope="module")
def held(built: Any) -> list[str]:
    """The names of the files in the wheel."""
    with zipfile.ZipFile(built.wheel) as wheel:
        return wheel.namelist()


def test_the_wheel_holds_every_file_of_the_package(held: list[str]) -> None:
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg")
    folders = dict(line.split(" = ") for line in setup["options"]["package_dir"].split("\n") if line)
    wanted = {
        f"{package.replace('.', '/')}/{file.name}"
        for package, folder in folders.items()
        for pattern in SHIPPED
        for file in (CHECKOUT / folder).glob(pattern)
    }
    assert {f"circuit/grammar/{name}" for name in ("python.lark", "circuit.lark", "circuit.tables")} < wanted
    assert {f"circuit/proto/session{end}" for end in (".proto", "_pb2.py", "_pb2.pyi")} < wanted
    assert "circuit/py.typed" in wanted
    assert wanted <= set(held)


def test_the_wheel_holds_nothing_else(held: list[str]) -> None:
    assert {name.split("/")[0] for name in held} == {"circuit", "circuitc-0.1.0.dist-info"}
    strangers = [name for name in held if "/tests/" in name or "/examples/" in name or name.endswith(".pyc")]
    assert strangers == []


def test_the_wheel_says_what_it_is(built: Any) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        metadata = wheel.read("circuitc-0.1.0.dist-info/METADATA").decode()
        assert wheel.read("circuitc-0.1.0.dist-info/licenses/LICENSE")
    lines = {"Name: circuitc", "License-Expression: Apache-2.0", "Requires-Python: >=3.11"}
    assert lines < set(metadata.splitlines())
    needed = re.findall(r"^Requires-Dist: (\w+)[^;\n]*$", metadata, re.MULTILINE)
    assert sorted(needed) == ["cloudpickle", "grpcio", "lark", "libcst", "protobuf", "rich", "watchfiles"]


def test_the_build_has_nothing_to_complain_about(built: Any) -> None:
    complaints = [line for line in built.output.splitlines() if "warn" in line.lower()]
    # MANIFEST.in excludes what Python leaves behind; that there was none is no fault.
    assert [line for line in complaints if "no previously-included files" not in line] == []


def test_the_source_archive_can_be_tested(built: Any) -> None:
    with tarfile.open(built.archive) as archive:
        held = archive.getnames()
    inside = {name.removeprefix("circuitc-0.1.0/") for name in held}
    assert {"Makefile", "setup.cfg", "examples/wordcount.cpy", "tests/packaging/conftest.py"} < inside
    assert [name for name in inside if "__pycache__" in name] == []
