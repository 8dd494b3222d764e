"""Sets of ranges, beside Python's sets of numbers."""

import pytest
from hypothesis import given, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from circuit.runtime.shared_ranges import Ranges

SIZE = 64
SPAN = st.tuples(st.integers(0, SIZE - 1), st.integers(1, SIZE)).map(lambda pair: (pair[0], sum(pair)))


class RangesModel(RuleBasedStateMachine):
    """Whatever is added and taken away, the ranges are those of a plain set."""

    def __init__(self):
        super().__init__()
        self.ranges = Ranges()
        self.numbers = set()

    @rule(span=SPAN)
    def add(self, span):
        added = set(range(*span))
        if added & self.numbers:
            with pytest.raises(ValueError, match="overlaps"):
                self.ranges.add(*span)
        else:
            self.ranges.add(*span)
            self.numbers |= added

    @rule(span=SPAN)
    def discard(self, span):
        self.ranges.discard(*span)
        self.numbers -= set(range(*span))

    @precondition(lambda self: self.numbers)
    @rule(nbytes=st.integers(1, SIZE))
    def pop(self, nbytes):
        start, end = self.ranges.pop(nbytes)
        assert end == max(self.numbers) + 1
        assert set(range(start, end)) <= self.numbers
        assert end - start == nbytes or start - 1 not in self.numbers
        self.numbers -= set(range(start, end))

    @rule(nbytes=st.integers(1, SIZE))
    def find(self, nbytes):
        fits = (at for at in sorted(self.numbers) if self.numbers.issuperset(range(at, at + nbytes)))
        assert self.ranges.find(nbytes) == next(fits, None)

    @invariant()
    def they_are_the_same(self):
        ranges = list(self.ranges)
        assert {number for start, end in ranges for number in range(start, end)} == self.numbers
        assert self.ranges.nbytes == len(self.numbers)

    @invariant()
    def they_are_disjoint_and_none_touches_the_next(self):
        edges = [edge for span in self.ranges for edge in span]
        assert edges == sorted(set(edges))


TestRanges = RangesModel.TestCase


@given(SPAN)
def test_a_range_that_is_added_twice_is_an_error(span):
    with pytest.raises(ValueError, match="overlaps"):
        Ranges(span, span)


def test_an_empty_range_is_an_error():
    with pytest.raises(ValueError, match="empty"):
        Ranges((3, 3))
