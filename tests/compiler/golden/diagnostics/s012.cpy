import subprocess as sp
import threading
from socket import socket as Socket
from threading import Lock as Mutex

guard = Mutex()


def lines(path):
    with open(path) as file:
        yield from file


async def fetch(url): ...


def main(w, path):
    ready = threading.Event()
    with open(path, "rb") as raw, open(path, "w") as log:
        spawn work(guard, log=log, rest=[raw, {"ready": ready}]) on w
        spawn log.write("started") on w
    with Socket() as connection:
        h = spawn (connection, guard.locked()) on w
    child = sp.Popen(["true"])
    spawn child.wait() on w
    spawn work(lines(path), fetch("a"), open(path, "ab")) on w
    squares = (x * x for x in range(3))
    return h, spawn [sum(squares), spawn work(squares) on w] on w
