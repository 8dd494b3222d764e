"""What is told of errors that nobody asked for, when there are many, or when nobody reads what is told."""

import re
import threading

from circuit.runtime.messages import NodeId, Raise
from circuit.runtime.record import Record
from circuit.runtime.reports import WAITING, Reports

SECONDS = 30.0
RECORD = Record("f", "app.py:1:1", NodeId("w1", "1"))


class Stuck:
    """A standard error stream that takes nothing until it is read."""

    def __init__(self):
        self.is_read = threading.Event()
        self.text = ""

    def write(self, text):
        assert self.is_read.wait(SECONDS)
        self.text += text

    def flush(self):
        """Nothing is buffered."""


def test_a_report_waits_for_nobody_and_those_that_are_too_many_are_counted(monkeypatch):
    stderr = Stuck()
    monkeypatch.setattr("sys.stderr", stderr)
    reports = Reports()
    reports.start()
    for number in range(1000):
        reports.tell(RECORD, Raise(number, None, "Error", "text", "", 1))
    stderr.is_read.set()
    reports.close(SECONDS)
    told = stderr.text.count("nobody asked for the outcome of f() spawned at app.py:1:1 on 'w1'")
    (more,) = map(int, re.findall(r"nobody asked for the outcomes of (\d+) more calls", stderr.text))
    assert told + more == 1000 and told <= WAITING + 1


def test_a_report_that_fails_stops_no_other(monkeypatch, capsys):
    monkeypatch.setattr(threading, "excepthook", lambda args: failures.append(args.exc_type))
    failures = []
    reports = Reports()
    reports.start()
    reports.tell(None, Raise(1, None, "Error", "text", "", 1))
    reports.tell(RECORD, Raise(2, None, "Error", "text", "", 1))
    reports.close(SECONDS)
    assert failures == [AttributeError] and capsys.readouterr().err.count("nobody asked") == 1
