"""The network that fails when it is told to, between two ends that only echo."""

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.chaos.network import Network

ADDRESS = "w1"
PAIR = ("here", ADDRESS)
SECONDS = 20.0


class Echo:
    """A node that sends back what it hears, and counts what it heard."""

    def __init__(self, path):
        self.heard = bytearray()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(os.fspath(path))
        self._listening.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _ = self._listening.accept()
            with connection:
                try:
                    while piece := connection.recv(65536):
                        self.heard += piece
                        connection.sendall(piece)
                except ConnectionError:
                    continue


@pytest.fixture
def network(tmp_path):
    (tmp_path / "sockets" / "cluster").mkdir(parents=True)
    (tmp_path / "aside").mkdir()
    made = Network(tmp_path / "sockets", tmp_path / "aside", lambda name: os.getpid())
    yield made
    made.close()


@pytest.fixture
def start(tmp_path, network, monkeypatch):
    """Start a node, once more if it was started before, and wait until the relay has taken its place."""
    monkeypatch.chdir(tmp_path / "sockets" / "cluster")  # so that the path is short enough for an address
    lives = []

    def start():
        Path(ADDRESS).unlink(missing_ok=True)
        lives.append(Echo(ADDRESS))
        aside = tmp_path / "aside" / f"{ADDRESS}-{len(lives)}"
        wait_until(lambda: aside.exists() and not aside.samefile(ADDRESS))
        return lives[-1]

    return start


@pytest.fixture
def node(start):
    return start()


def dial(node):
    """Connect, and be sure of it."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(SECONDS)
    connection.connect(ADDRESS)
    connection.sendall(b"!")
    assert receive(connection, 1) == b"!"
    node.heard.clear()
    return connection


def receive(connection, nbytes):
    """Receive so many bytes; fewer if the connection ends."""
    received = b""
    try:
        while len(received) < nbytes and (piece := connection.recv(nbytes - len(received))):
            received += piece
    except ConnectionError:
        pass
    return received


def is_over(connection):
    """Tell whether the other end is gone."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_what_is_said_comes_through(node, network):
    connection = dial(node)
    connection.sendall(b"a" * 100_000)
    assert receive(connection, 100_000) == b"a" * 100_000


def test_a_cut_ends_the_connection_and_the_next_one_is_good(node, network):
    connection = dial(node)
    network.cut(PAIR)
    assert is_over(connection)
    again = dial(node)
    again.sendall(b"again")
    assert receive(again, 5) == b"again"


def test_a_cut_loses_what_is_on_its_way(node, network):
    connection = dial(node)
    network.stall(PAIR, (0,))
    connection.sendall(b"lost")
    network.cut(PAIR)
    network.flow(PAIR)
    assert is_over(connection)
    again = dial(node)
    again.sendall(b"kept")
    assert receive(again, 4) == b"kept" and bytes(node.heard) == b"kept"


def test_a_stalled_way_carries_nothing_until_it_flows(node, network):
    connection = dial(node)
    network.stall(PAIR, (1,))
    connection.sendall(b"late")
    connection.settimeout(0.05)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    connection.settimeout(SECONDS)
    network.flow(PAIR)
    assert receive(connection, 4) == b"late" and bytes(node.heard) == b"late"


def test_who_is_refused_gets_no_connection_until_it_is_taken_again(node, network):
    connection = dial(node)
    network.refuse(PAIR, True)
    assert is_over(connection)
    with socket.socket(socket.AF_UNIX) as refused:
        refused.connect(ADDRESS)
        assert is_over(refused)
    network.refuse(PAIR, False)
    again = dial(node)
    again.sendall(b"again")
    assert receive(again, 5) == b"again"


@pytest.mark.parametrize("way", [0, 1])
def test_a_truncated_connection_passes_so_many_bytes_and_no_more(way, node, network):
    connection = dial(node)
    network.truncate(PAIR, way, 7)
    connection.sendall(b"0123456789")
    assert receive(connection, 10) in (b"", b"0123456")  # the echo of the first seven may be lost too
    wait_until(lambda: bytes(node.heard) == (b"0123456" if way == 0 else b"0123456789"))


def test_the_next_life_of_a_node_is_behind_the_relay_too(start, network):
    first = dial(start())
    second = dial(start())
    network.cut(PAIR)
    assert is_over(first) and is_over(second)


def wait_until(condition):
    """Wait for what another process brings about."""
    pause = threading.Event()
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, f"it did not come about in {SECONDS:g} s"
        pause.wait(0.001)
