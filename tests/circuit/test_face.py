"""`import circuit`: what it offers, and what it does not load until it is used."""

import subprocess
import sys

import pytest

import circuit


def test_every_public_name_is_there():
    namespace = {}
    exec("from circuit import *", namespace)
    for name in circuit.__all__:
        assert namespace[name] is getattr(circuit, name)
        assert name in dir(circuit)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'spwan'"):
        circuit.spwan  # noqa: B018


@pytest.mark.parametrize(
    ("program", "unloaded"),
    [
        ("import circuit", ["circuit.runtime.call", "grpc", "lark", "libcst", "rich"]),
        (
            "from circuit.importer import install; install()",
            ["circuit.runtime.call", "grpc", "lark", "libcst"],
        ),
        ("import circuit.circuitc", ["circuit.runtime.call", "grpc"]),
        ("import circuit; circuit.call", ["grpc", "lark", "libcst", "asyncio"]),
        ("import circuit.runtime.worker", ["circuit.runtime.cluster", "rich", "lark", "libcst"]),
    ],
)
def test_nothing_is_loaded_that_is_not_needed(program, unloaded):
    check = f"{program}\nimport sys\nprint([name for name in {unloaded!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "[]\n", ran.stderr
