"""The review: every rule over every spawn of a program.

A rule is a function of one site; it yields what is wrong there and knows no other rule.
What two sites have in common, as a name that a thunk inside of a thunk takes along, is told
once. Where CPython refused a part of the program, only what is sure without that is told.
"""

from collections.abc import Callable, Iterator

from circuit.compiler.diagnostics import Diagnostic
from circuit.compiler.rules.assignments import assignments
from circuit.compiler.rules.callers import callers
from circuit.compiler.rules.captures import class_names
from circuit.compiler.rules.copies import changed_copies
from circuit.compiler.rules.generators import generator_arguments
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.silence import is_silenced
from circuit.compiler.rules.suspensions import suspensions
from circuit.compiler.rules.uncalled import uncalled
from circuit.compiler.rules.unsendable import unsendable
from circuit.compiler.rules.unused import unused
from circuit.compiler.rules.waiting import serial_waits

Rule = Callable[[Program, Site], Iterator[Diagnostic]]

# These need no more than the spawn.
LOCAL_RULES: tuple[Rule, ...] = (generator_arguments, suspensions, assignments, uncalled)

# These rely on what the rest of the program does not do.
GLOBAL_RULES: tuple[Rule, ...] = (
    unsendable,
    changed_copies,
    serial_waits,
    unused,
    callers,
    class_names,
)


def check(program: Program) -> Iterator[Diagnostic]:
    """Yield what the rules have to say, but for the warnings that a comment silences."""
    rules = LOCAL_RULES + GLOBAL_RULES if program.is_whole else LOCAL_RULES
    told = set()
    for site in program.sites:
        for rule in rules:
            for diagnostic in rule(program, site):
                key = (diagnostic.code, diagnostic.primary.span)
                if key not in told and not is_silenced(diagnostic, program.source):
                    yield diagnostic
                told.add(key)
