"""The grammar's conflicts, counted: there are none, for Python alone and for Circuit."""

import logging
import re
import shutil
from pathlib import Path

import pytest
from lark import Lark
from lark.exceptions import GrammarError
from lark.utils import logger

from circuit.compiler.automaton import GRAMMAR
from circuit.compiler.tables import NoLexer, build_automaton

GRAMMARS = {"python.lark": ["module"], "circuit.lark": ["module", "spawn"]}


def conflicts(grammar: Path, starts: list[str], caplog: pytest.LogCaptureFixture) -> list[str]:
    """Build an automaton leniently, and return what Lark had to resolve on the way."""
    with caplog.at_level(logging.DEBUG, logger.name):
        Lark.open(str(grammar), parser="lalr", lexer=NoLexer, start=starts)
    return [record.getMessage() for record in caplog.records if "conflict" in record.getMessage()]


@pytest.mark.parametrize("name", GRAMMARS)
def test_there_is_no_conflict(name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert len(conflicts(GRAMMAR / name, GRAMMARS[name], caplog)) == 0


@pytest.mark.parametrize("name", GRAMMARS)
def test_no_priority_hides_a_conflict(name: str) -> None:
    assert re.findall(r"^[?_a-z]+\.\d", (GRAMMAR / name).read_text(encoding="utf-8"), re.MULTILINE) == []


def test_a_place_that_is_no_primary_would_be_a_conflict(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(GRAMMAR / "python.lark", tmp_path)
    loose = tmp_path / "circuit.lark"
    text = (GRAMMAR / "circuit.lark").read_text(encoding="utf-8")
    loose.write_text(text.replace('"on" primary', '"on" expression'), encoding="utf-8")
    found = conflicts(loose, GRAMMARS["circuit.lark"], caplog)
    assert any("conflict for terminal IF" in message for message in found)
    with pytest.raises(GrammarError, match="conflict"):
        build_automaton(loose)
