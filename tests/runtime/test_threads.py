"""Threads for calls: reused, kept in reserve, and stopped without harm to what they change."""

import sys
import threading

import pytest

from circuit.runtime.errors import Cancelled
from circuit.runtime.gate import Gate
from circuit.runtime.threads import Interruptible, Threads, shielded


def in_thread(function):
    """Run a function on a thread of its own, and return the thread, started."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def spin_until(condition):
    """Run bytecode until a condition holds, so that an interrupt can strike."""
    while not condition():
        pass


def test_an_interrupt_strikes_running_bytecode():
    running, began, seen = Interruptible(), threading.Event(), []

    def function():
        began.set()
        try:
            spin_until(lambda: False)
        except Cancelled:
            seen.append("struck")
            raise

    thread = in_thread(lambda: running.run(function))
    assert began.wait(30)
    running.interrupt()
    running.interrupt()
    thread.join(30)
    assert seen == ["struck"]


def test_an_interrupt_before_the_start_keeps_it_from_starting():
    running, seen = Interruptible(), []
    running.interrupt()
    running.run(lambda: seen.append("ran"))
    assert seen == []


def test_an_interrupt_after_the_end_strikes_nothing():
    running, seen = Interruptible(), []
    running.run(lambda: seen.append("ran"))
    running.interrupt()
    spin_until(lambda: True)
    assert seen == ["ran"]


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_code_can_be_traced_once_a_call_has_ended(is_interrupted):
    """With anything left pending, Python 3.11 never comes out of the traced call."""
    running, seen = Interruptible(), []

    def function():
        if is_interrupted:
            running.interrupt()
            spin_until(lambda: False)

    def body():
        running.run(function)
        sys.settrace(lambda *_: None)
        seen.append(spin_until(lambda: True))
        sys.settrace(None)

    in_thread(body).join(10)
    assert seen == [None]


def test_an_interrupt_waits_until_the_shielded_part_is_done():
    running, inside, interrupted, seen = Interruptible(), threading.Event(), threading.Event(), []

    def function():
        try:
            with shielded():
                with shielded():
                    inside.set()
                    spin_until(interrupted.is_set)
                    seen.append("inner done")
                seen.append("outer done")
            seen.append("not reached")
        finally:
            with shielded():
                seen.append("cleaned up")

    thread = in_thread(lambda: running.run(function))
    assert inside.wait(30)
    running.interrupt()
    interrupted.set()
    thread.join(30)
    assert seen == ["inner done", "outer done", "cleaned up"]


def test_an_interrupt_at_any_time_leaves_no_shielded_part_half_done():
    begun = ended = 0
    for turn in range(200):
        running, started = Interruptible(), threading.Event()

        def function(started=started):
            nonlocal begun, ended
            started.set()
            while True:
                with shielded():
                    begun += 1
                    ended += 1

        thread = in_thread(lambda running=running, function=function: running.run(function))
        assert started.wait(30)
        for _ in range(turn):  # a little later each time
            pass
        running.interrupt()
        thread.join(30)
        assert not thread.is_alive()
        assert begun == ended > 0, f"turn {turn}"


def test_threads_are_reused_and_survive_a_job_that_raises(monkeypatch):
    uncaught = []
    monkeypatch.setattr(threading, "excepthook", lambda error: uncaught.append(error.exc_value))
    threads, seen = Threads(reserve=1), []
    for _ in range(3):
        gate = Gate()

        def job(gate=gate):
            seen.append(threading.get_ident())
            gate.open()
            raise KeyError("job")

        count = len(uncaught)
        threads.start(job)
        assert gate.wait(30)
        spin_until(lambda count=count: len(uncaught) > count and threads._idle)
    assert len(set(seen)) == 1 and [type(error) for error in uncaught] == [KeyError] * 3


def test_a_job_after_the_close_is_run_all_the_same():
    threads, gate = Threads(reserve=2), Gate()
    threads.close()
    threads.start(gate.open)
    assert gate.wait(30)


def test_without_more_threads_a_start_fails_while_the_program_runs(monkeypatch):
    threads = Threads()

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        threads.start(lambda: None)


def test_without_more_threads_a_job_waits_once_the_main_program_has_ended(monkeypatch):
    threads, order = Threads(reserve=1), []
    first, second, free = Gate(), Gate(), threading.Event()

    def refuse(self):
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(threading.main_thread(), "is_alive", lambda: False)
    threads.start(lambda: (free.wait(30), order.append(1), first.open()))
    threads.start(lambda: (order.append(2), second.open()))
    free.set()
    assert first.wait(30) and second.wait(30) and order == [1, 2]


def test_a_gate_gives_up_after_the_timeout_on_the_main_thread_too():
    gate = Gate()
    assert not gate.wait(0) and not gate.wait(0.3)
    gate.open()
    assert gate.wait(0)


def test_what_is_held_back_has_not_struck_yet():
    # Taken for one that had, it let a call that is to be stopped make another, as if to clean up.
    seen = []

    def function():
        try:
            with shielded():
                interruptible.interrupt()
                seen.append(interruptible.struck)
        except Cancelled:
            seen.append(interruptible.struck)

    interruptible = Interruptible()
    interruptible.run(function)
    assert seen == [False, True]
