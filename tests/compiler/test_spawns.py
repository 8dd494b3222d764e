"""What the front end hands over: plain values, compared with ==, and errors that carry data."""

import pickle

import pytest

from circuit.compiler.source import Span
from circuit.compiler.spawns import ParseError, Spawn


def test_a_spawn_is_a_value() -> None:
    spawn = Spawn(Span(0, 10), Span(6, 7), Span(8, 9), Span(9, 10), None)
    assert spawn == Spawn(Span(0, 10), Span(6, 7), Span(8, 9), Span(9, 10), call=None, inner=())
    assert len({spawn, spawn}) == 1
    with pytest.raises(AttributeError):
        spawn.call = None  # type: ignore[misc]


def test_a_parse_error_carries_its_parts_and_survives_a_pickle() -> None:
    error = ParseError("S001", "a spawn has no `on`", Span(3, 8), "where does this run?", "say where")
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.message, again.span) == ("S001", "a spawn has no `on`", Span(3, 8))
    assert (again.label, again.help) == ("where does this run?", "say where")
    assert str(again) == "[S001] a spawn has no `on`"
