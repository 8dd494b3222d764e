"""Loops that wait for their spawns: which are told of it, and which have a reason."""

from collections.abc import Callable

import pytest

Told = Callable[[str], list[tuple[str, str]]]

# In each of these the waiting has a reason, or may have one.
PATIENT = {
    "the result goes into the next call": """
        for x in xs:
            y = (spawn f(x, y) on w).result()
    """,
    "by way of other names": """
        for x in xs:
            h = spawn f(state) on w
            found = h.result()
            best, rest = max(found), 1
            state = best + 1
    """,
    "by way of an attribute": """
        for x in xs:
            self.state = (spawn f(self, x) on w).result()
    """,
    "by way of a list": """
        for x in xs:
            seen[x] = (spawn f(x, seen) on w).result()
    """,
    "by way of a call": """
        for x in xs:
            heapq.heappush(heap, (spawn f(heap[0]) on w).result())
    """,
    "by way of a branch": """
        for x in xs:
            if (spawn f(level) on w).result():
                level = 1
    """,
    "by way of a failure": """
        while pending:
            x = pending.pop()
            try:
                print((spawn f(x) on w).result())
            except circuit.WorkerLost:
                pending.append(x)
    """,
    "the next one is wanted only if the next item is": """
        def g():
            for x in xs:
                h = spawn f(x) on w
                yield h.result()
    """,
    "the result says what comes next": """
        while todo:
            x = todo.pop()
            todo.extend((spawn f(x) on w).result())
    """,
    "the loop goes on until it is so": """
        while not (spawn f() on w).result():
            pass
    """,
    "the loop goes on while it is so": """
        more = True
        while more:
            more = (spawn f() on w).result()
    """,
    "a search": """
        def first():
            for x in xs:
                if (spawn f(x) on w).result():
                    return x
    """,
    "a retry": """
        for attempt in range(3):
            try:
                (spawn f() on w).result()
                break
            except circuit.WorkerLost:
                pass
    """,
    "a search by a generator": "any((spawn f(x) on w).result() for x in xs)",
    "a generator that others drive": "found = ((spawn f(x) on w).result() for x in xs)",
    "a comprehension that feeds itself": "[y := (spawn f(x, y) on w).result() for x in xs]",
    "no loop that ends": """
        while True:
            print((spawn f(input()) on w).result())
    """,
    "one call behind": """
        h = None
        for x in xs:
            if h:
                print(h.result())
            h = spawn f(x) on w
    """,
    "another name, one call behind": """
        for x in xs:
            h = spawn f(x) on w
            if last:
                print(last.result())
            last = h
    """,
    "only sometimes": """
        for x in xs:
            h = spawn f(x) on w
            hs.append(h)
            if slow:
                h.result()
    """,
    "later, by a function": """
        for x in xs:
            h = spawn f(x) on w
            later(lambda: h.result())
    """,
    "after the loop": """
        for x in xs:
            h = spawn f(x) on w
        print(h.result())
    """,
    "in another loop": """
        hs = [spawn f(x) on w for x in xs]
        for h in hs:
            print(h.result())
    """,
    "before the loop": """
        for x in (spawn f() on w).result():
            print(x)
        found = [x for x in (spawn f() on w).result()]
    """,
    "in a function that the loop defines": """
        for x in xs:
            def g():
                return (spawn f(x) on w).result()
    """,
    "in the else of a loop": """
        for x in xs:
            pass
        else:
            print((spawn f(x) on w).result())
    """,
    "something else's result": """
        for x in xs:
            spawn f(x) on w
            print(other.result())
    """,
}


@pytest.mark.parametrize("text", PATIENT.values(), ids=PATIENT.keys())
def test_a_loop_that_has_to_wait_may(text: str, told: Told) -> None:
    assert told(text) == []


IMPATIENT = {
    "a value that the round makes anew": """
        for x in xs:
            part = load(x)
            save(part, (spawn f(part) on w).result())
    """,
    "a sum": """
        for x in xs:
            total += (spawn f(x) on w).result()
    """,
    "a list": """
        for x in xs:
            h = spawn f(x) on w
            found.append(h.result())
    """,
    "a guard before": """
        for x in xs:
            if not x:
                break
            print((spawn f(x) on w).result())
    """,
    "an inner loop": """
        for xs in xss:
            for x in xs:
                print((spawn f(x) on w).result())
    """,
    "asked for in an inner loop": """
        for x in xs:
            h = spawn f(x) on w
            for y in ys:
                print(y, h.result())
    """,
    "a set": "{(spawn f(x) on w).result() for x in xs}",
    "a condition": "[x for x in xs if (spawn f(x) on w).result()]",
    "a string": "', '.join((spawn f(x) on w).result() for x in xs)",
    "an asynchronous loop": """
        async def main():
            async for x in xs:
                print((spawn f(x) on w).result())
    """,
}


@pytest.mark.parametrize("text", IMPATIENT.values(), ids=IMPATIENT.keys())
def test_a_loop_that_waits_for_nothing_is_told(text: str, told: Told) -> None:
    ((code, marked),) = told(text)
    assert (code, marked) == ("S014", "result()")


def test_of_one_loop_enough_is_told(told: Told) -> None:
    calls = "".join(f"    print((spawn f(x, {number}) on w).result())\n" for number in range(300))
    assert len(told("for x in xs:\n" + calls)) == 20
