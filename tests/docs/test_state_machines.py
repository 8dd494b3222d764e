"""The tables of the core are whole, and nothing moves a state machine but its table."""

import ast
import inspect
import re

import pytest

from docs.draw import MACHINES, PAGE, diagram, page

MODULES = dict.fromkeys(machine.module for machine in MACHINES)
machines = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.title)
modules = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)


def test_the_page_is_what_the_tables_say():
    assert PAGE.read_text(encoding="utf-8") == page(), "run make docs"


def test_a_diagram_has_an_arrow_for_each_pair_of_states():
    assert list(diagram(MACHINES[0]))[:4] == [
        "stateDiagram-v2",
        "    [*] --> CONNECTING",
        "    CONNECTING --> OPEN: OPENED",
        "    CONNECTING --> CLOSED: EXPIRED, ENDED",
    ]


@machines
def test_every_state_can_be_reached(machine):
    reached, waiting = set(), [machine.begins]
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting += [target for (source, _), target in machine.transitions.items() if source is state]
    assert reached == set(machine.states)


@machines
def test_the_end_can_be_reached_from_every_state(machine):
    ending = {machine.ends}
    while more := {s for (s, _), target in machine.transitions.items() if target in ending} - ending:
        ending |= more
    assert ending == set(machine.states)


@machines
def test_the_last_state_is_left_only_with_a_reason(machine):
    left = {(state, event) for (state, event), target in machine.transitions.items() if target is not state}
    assert set(machine.states) - {state for state, _ in left} <= {machine.ends}
    for state, event in left:
        assert state is not machine.ends or f"| {state.name}, on {event.name} |" in page((machine,))


@machines
def test_every_event_has_a_transition(machine):
    assert {event for _, event in machine.transitions} == set(machine.events)


@machines
def test_what_the_source_says_of_states_and_events_are_their_names(machine):
    module = machine.module
    names = {*vars(module), *(name for other in of(module) for name in names_in(other))}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            said = set(re.findall(r"\b[A-Z][A-Z_]{2,}\b", ast.get_docstring(node) or ""))
            assert said <= names, f"{module.__file__}: {said - names}"


@modules
def test_nothing_but_its_table_moves_a_machine(module):
    tables = {machine.table for machine in of(module)}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Assign) and is_a_state(node.targets[0]):
            value = ast.unparse(node.value)
            begins = {f"{machine.states.__name__}.{machine.begins.name}" for machine in of(module)}
            moved = isinstance(node.value, ast.Subscript) and ast.unparse(node.value.value) in tables
            assert moved or value in begins, f"{module.__file__}:{node.lineno}: {value}"


def of(module):
    return [machine for machine in MACHINES if machine.module is module]


def names_in(machine):
    return {member.name for kind in (machine.states, machine.events) for member in kind}


def is_a_state(target):
    return isinstance(target, ast.Attribute) and target.attr in ("state", "pulse")
