"""The objects of a node, and its part in who refers to what.

Objects are entered with one use, for whoever made them; `references.py` says when nobody refers to
one any more, and then it goes, with what was in it.

Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from circuit.runtime.actions import Free
from circuit.runtime.channels import Channel
from circuit.runtime.messages import ObjectId, Outcome
from circuit.runtime.objects import Keep, Object, Promise
from circuit.runtime.references import Effect, Freed, References
from circuit.runtime.transfers import payload_of
from circuit.runtime.voice import Voice


class Owning:
    """The objects of one node, by number."""

    def __init__(self, voice: Voice, references: References) -> None:
        self.objects: dict[int, Object] = {}
        self._voice = voice
        self._references = references

    def own(self, kind: Object) -> ObjectId:
        """Enter an object; the caller has one use of the reference."""
        ref = self._references.own()
        self.objects[ref.number] = kind
        return ref

    def use(self, refs: Iterable[ObjectId]) -> None:
        """Note one more use of each reference; whoever asks for it has one already."""
        self._references.use(refs)

    def drop(self, refs: Iterable[ObjectId]) -> None:
        """Note that one use of each reference is gone."""
        self.follow(self._references.drop(refs))

    def follow(self, effects: Iterable[Effect]) -> None:
        """Do what an event among the references asks for."""
        for effect in effects:
            if isinstance(effect, Freed):
                self._free(effect.number)
            else:
                self._voice.say(effect.peer, effect.message)

    def _free(self, number: int) -> None:
        match self.objects.pop(number):
            case Keep(value):
                self.drop(value.refs)
            case Promise(outcome):
                self.drop(refs_of(outcome) if outcome else ())
            case Channel() as channel:
                self.drop([ref for value in channel.values() for ref in value.refs])
            case _:
                self._voice.ask(Free(number))


def refs_of(outcome: Outcome) -> tuple[ObjectId, ...]:
    """Return the references in an outcome."""
    payload = payload_of(outcome)
    return payload.refs if payload else ()
