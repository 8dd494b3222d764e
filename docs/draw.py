"""Draws the state machines of the runtime's core, from the tables that it runs by: `make docs`.

A machine is two enums and a table: (state, event) -> state. The first state is where it begins and
the last one where it ends; a comment behind a state or a transition in the source is part of what is
drawn. So docs/state-machines.md cannot say anything else than what the core does.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType

from circuit.runtime import calls, channels, liveness, references, scopes, session, windows

PAGE = Path(__file__).with_name("state-machines.md")


@dataclass(frozen=True, slots=True)
class Machine:
    """One state machine: the module that it is in, and its table there."""

    title: str
    module: ModuleType
    table: str

    @property
    def transitions(self) -> Mapping[tuple[Enum, Enum], Enum]:
        """The table."""
        found: Mapping[tuple[Enum, Enum], Enum] = getattr(self.module, self.table)
        return found

    @property
    def states(self) -> type[Enum]:
        """All its states, in the order of a life."""
        return type(next(iter(self.transitions))[0])

    @property
    def events(self) -> type[Enum]:
        """All that can happen to it."""
        return type(next(iter(self.transitions))[1])

    @property
    def begins(self) -> Enum:
        """The state in which it begins."""
        return next(iter(self.states))

    @property
    def ends(self) -> Enum:
        """The state in which it ends."""
        return list(self.states)[-1]


MACHINES = (
    Machine("A session", session, "TRANSITIONS"),
    Machine("Liveness", liveness, "TRANSITIONS"),
    Machine("A call, on the node that made it", calls, "MADE"),
    Machine("A call, on the node that runs it", calls, "RUN"),
    Machine("A stream", windows, "TRANSITIONS"),
    Machine("A reference, on a node that got it", references, "HOLDING"),
    Machine("A reference, as its owner lists a node", references, "LISTING"),
    Machine("A channel", channels, "TRANSITIONS"),
    Machine("A scope", scopes, "TRANSITIONS"),
)

HEAD = """\
<!-- Made by `make docs` from the tables in runtime/; whatever is written here is lost. -->

# State machines

The core of the runtime decides by tables, and here they are: each arrow is an entry, and there are no others.
What happens in a state that has no arrow for it is a mistake in the core, which the simulator would find.
"""


def page(machines: tuple[Machine, ...] = MACHINES) -> str:
    """Return the text of the page."""
    seen: set[str] = set()
    sections = [HEAD]
    for machine in machines:
        sections.append("\n".join(_section(machine, again=machine.module.__name__ in seen)))
        seen.add(machine.module.__name__)
    return "\n".join(sections)


def _section(machine: Machine, *, again: bool) -> Iterator[str]:
    name = f"{machine.module.__name__.rpartition('.')[2]}.py"
    yield f"## {machine.title}\n"
    if not again:
        yield f"{_first_paragraph(machine.module)}\n"
    yield f"{_first_paragraph(machine.states)} In [runtime/{name}](../runtime/{name}).\n"
    yield "```mermaid"
    yield from diagram(machine)
    yield "```\n"
    remarks = list(_remarks(machine))
    if remarks:
        yield "| | |"
        yield "|---|---|"
        yield from remarks
        yield ""


def diagram(machine: Machine) -> Iterator[str]:
    """Yield the lines of a Mermaid state diagram; transitions between the same two states share an arrow."""
    arrows: defaultdict[tuple[Enum, Enum], list[str]] = defaultdict(list)
    for (state, event), target in machine.transitions.items():
        arrows[state, target].append(event.name)
    yield "stateDiagram-v2"
    yield f"    [*] --> {machine.begins.name}"
    for (state, target), events in arrows.items():
        yield f"    {state.name} --> {target.name}: {', '.join(events)}"
    yield f"    {machine.ends.name} --> [*]"


def _remarks(machine: Machine) -> Iterator[str]:
    """Yield a row for each comment behind a state or a transition."""
    source = inspect.getsource(machine.module)
    comments = _comments(source)
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef(name=name) if name == machine.states.__name__:
                for line in node.body:
                    if isinstance(line, ast.Assign) and line.lineno in comments:
                        yield f"| {ast.unparse(line.targets[0])} | {comments[line.lineno]} |"
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(keys=keys)) if name == machine.table:
                for key in keys:
                    if isinstance(key, ast.Tuple) and key.end_lineno in comments:
                        state, event = (ast.unparse(part).rpartition(".")[2] for part in key.elts)
                        yield f"| {state}, on {event} | {comments[key.end_lineno]} |"


def _comments(source: str) -> dict[int, str]:
    """Return the comments of a source, by their lines."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _first_paragraph(described: object) -> str:
    text = inspect.getdoc(described)
    assert text, f"{described} has no docstring"
    return text.split("\n\n")[0]


def main() -> int:
    """Write the page, or say whether it is fresh."""
    parser = argparse.ArgumentParser(prog="python -m docs.draw", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the page is stale")
    options = parser.parse_args()
    wanted = page()
    if not options.check:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{PAGE} is stale: run make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
