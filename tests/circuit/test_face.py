"""`import circuit`: what it offers, and what it does not load until it is used."""

import subprocess
import sys

import pytest

import circuit
from circuit import runtime


def test_every_public_name_of_the_runtime_is_circuits():
    for name in runtime.__all__:
        assert getattr(circuit, name) is getattr(runtime, name)
    assert set(runtime.__all__) <= set(dir(circuit))
    namespace = {}
    exec("from circuit import *", namespace)
    assert set(runtime.__all__) <= set(namespace)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'spwan'"):
        circuit.spwan  # noqa: B018


@pytest.mark.parametrize(
    ("program", "unloaded"),
    [
        ("import circuit", ["circuit.runtime", "grpc", "lark", "libcst", "rich"]),
        ("from circuit.importer import install; install()", ["circuit.runtime", "grpc", "lark", "libcst"]),
        ("import circuit.circuitc", ["circuit.runtime", "grpc"]),
        ("import circuit; circuit.call", ["grpc", "lark", "libcst", "asyncio"]),
    ],
)
def test_nothing_is_loaded_that_is_not_needed(program, unloaded):
    check = f"{program}\nimport sys\nprint([name for name in {unloaded!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "[]\n", ran.stderr
