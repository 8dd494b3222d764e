"""Objects that stay where they are: called in order, handed from worker to worker, and let go of."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias, cast

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal

MOST_WORDS = 60
MOST_HANDS = 4


class Tally:
    """Remembers what was said to it; two must not speak at once."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._speaking = False

    def say(self, word: str) -> int:
        """Return how much was said before."""
        if self._speaking:
            raise RuntimeError("two calls of a serial object at once")
        self._speaking = True
        self._said.append(word)
        self._speaking = False
        return len(self._said) - 1

    def said(self) -> list[str]:
        """Return all of it."""
        return self._said


def begin(journal: Journal, token: str) -> Any:
    """Make a tally on a worker, and return the reference to it."""
    journal.note(token)
    return circuit.ref(Tally(), serial=True)


def talk(journal: Journal, token: str, tally: circuit.Ref[Tally], words: int) -> list[int]:
    """Say so much at once, without waiting for any of it; return which came as which."""
    journal.note(token)
    spoken = [circuit.call(tally.say, str(number)).on(tally) for number in range(words)]
    for future in spoken:
        future.exception()  # each has been asked for then, also when one before it is lost
    return [future.result() for future in spoken]


class Serial:
    """One caller's calls to one object: in the order in which they were made, each once."""

    name = "serial"

    def run(self, field: Field, dice: Random) -> None:
        """Make an object, let one caller talk to it, here or on a worker, and look at what came."""
        tokens, words = field.open(self.name, 2), dice.randint(1, MOST_WORDS)
        with field.joint(tokens):
            begun = circuit.call(begin, field.journal, tokens[0]).on(dice.choice(field.workers))
            tally: circuit.Ref[Tally] = begun.result()
            talking = circuit.call(talk, field.journal, tokens[1], tally, words)
            order, said = talking.on(dice.choice(field.everywhere)).result(), tally.said()
            if order != list(range(words)) or said != [str(number) for number in range(words)]:
                field.find(f"{tokens[1]} said {words} words, which came as {order}: {said}")


def in_a_list(tally: circuit.Ref[Tally]) -> Any:
    """Pack a reference into a container."""
    return [tally]


def in_a_mapping(tally: circuit.Ref[Tally]) -> Any:
    """Pack a reference twice: it is one."""
    return {"tally": tally, 0: tally}


def in_a_closure(tally: circuit.Ref[Tally]) -> Any:
    """Pack a reference into a function."""
    return lambda: tally


def in_an_exception(tally: circuit.Ref[Tally]) -> Any:
    """Pack a reference into an error."""
    return LookupError(tally)


PACKINGS: tuple[Callable[[circuit.Ref[Tally]], Any], ...] = (
    in_a_list,
    in_a_mapping,
    in_a_closure,
    in_an_exception,
)


def unpack(packed: Any) -> circuit.Ref[Tally]:
    """Take the reference out again."""
    match packed:
        case [tally] | {"tally": tally} | LookupError(args=[tally]):
            found = tally
        case _:
            found = packed()
    return cast(circuit.Ref[Tally], found)


Said: TypeAlias = "list[str] | circuit.Future[Said]"


def hand_on(journal: Journal, tokens: list[str], places: list[str], packed: Any) -> Said:
    """Say a word to the tally, hand the reference to the next worker, and forget it at once."""
    journal.note(tokens[0])
    tally = unpack(packed)
    tally.say(tokens[0])
    if not places:
        return cast(list[str], tally.said())
    pack = PACKINGS[len(places) % len(PACKINGS)]
    said: circuit.Future[Said] = circuit.call(hand_on, journal, tokens[1:], places[1:], pack(tally)).on(
        places[0]
    )
    return said


class Handed:
    """A reference that goes from worker to worker, in this packing or that; only one has it at a time."""

    name = "handed"

    def run(self, field: Field, dice: Random) -> None:
        """Make an object on a worker, hand it round, and see that all reached it."""
        first, *tokens = field.open(self.name, dice.randint(2, 1 + MOST_HANDS))
        owner, *places = (dice.choice(field.workers) for _ in (first, *tokens))
        with field.joint([first, *tokens]):
            said: Said = circuit.call(
                hand_on,
                field.journal,
                tokens,
                places[1:],
                dice.choice(PACKINGS)(circuit.call(begin, field.journal, first).on(owner).result()),
            ).on(places[0])
            while isinstance(said, circuit.Future):
                said = said.result()
            if said != tokens:
                field.find(f"{first} heard {said}, not {tokens}")
