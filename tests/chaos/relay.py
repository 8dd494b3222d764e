"""A process that stands between the nodes of a cluster: a network that fails when it is told to.

Nodes find each other by the sockets in the cluster's folder. The relay takes the place of each: the
socket gets a path in another folder and the relay listens at the old one, for every life of a node anew.
The kernel says which process dials (SO_PEERCRED), so a link is known by the dialler's process id and
the name of the node that was dialled. What the relay has read and not yet written on is what is on
its way: a cut loses it, as a network would, though the sender's kernel took it.

    python -m tests.chaos.relay FOLDER ASIDE

Commands are JSON lines on standard input, each answered by a line when it is carried out; the
end of the input is the relay's. `network.Network` speaks for the other side.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
import struct
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

LOOK_SECONDS = 0.002
PIECE_BYTES = 65536


class Way:
    """One direction of a link; 0 leads from the dialler to the dialled."""

    def __init__(self) -> None:
        self.flows = asyncio.Event()
        self.flows.set()
        self.left: int | None = None  # bytes to pass before the link is cut


class Link:
    """What one process has dialled at one node."""

    def __init__(self) -> None:
        self.refused = False
        self.ways = (Way(), Way())
        self.connections: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()

    def cut(self) -> None:
        """Break every connection; what is on its way is lost."""
        for ends in self.connections:
            for end in ends:
                end.transport.abort()


class Relay:
    """All links of one cluster.

    Args:
        folder: in it the cluster makes the folder of its sockets.
        aside: where the sockets are from then on; on the same file system.
    """

    def __init__(self, folder: Path, aside: Path) -> None:
        self._folder = folder
        self._aside = aside
        self._links: defaultdict[tuple[int, str], Link] = defaultdict(Link)
        self._taken: dict[str, tuple[int, asyncio.AbstractServer]] = {}  # by path: inode of our own socket
        self._lives = 0

    async def watch(self) -> None:
        """Take the place of each socket that appears, for ever."""
        while True:
            for entry in self._entries():
                inode = entry.inode()
                if entry.name not in self._taken or self._taken[entry.name][0] != inode:
                    await self._take_place(entry)
            await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """Break every connection."""
        while links := [link for link in self._links.values() if link.connections]:
            for link in links:
                link.cut()
                for way in link.ways:
                    way.flows.set()
            await asyncio.sleep(LOOK_SECONDS)

    def obey(self, command: dict[str, Any]) -> object:
        """Carry a command out; the answer is for whoever gave it: how many connections were there."""
        if command["do"] == "list":
            return [list(key) for key, link in self._links.items() if link.connections]
        links = [self._links[pid, name] for pid, name in command["links"]]
        met = sum(len(link.connections) for link in links)
        for link in links:
            match command:
                case {"do": "cut"}:
                    link.cut()
                case {"do": "refuse", "refused": refused}:
                    link.refused = refused
                    if refused:
                        link.cut()
                case {"do": "stall", "ways": ways}:
                    for way in ways:
                        link.ways[way].flows.clear()
                case {"do": "flow"}:
                    for one in link.ways:
                        one.flows.set()
                case {"do": "truncate", "way": way, "nbytes": nbytes}:
                    link.ways[way].left = nbytes
        return met

    def _entries(self) -> list[os.DirEntry[str]]:
        found = []
        for folder in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
                found += [entry for entry in entries if _is_socket(entry)]
        return found

    async def _take_place(self, entry: os.DirEntry[str]) -> None:
        """Listen in the place of a socket; at no moment is there none."""
        self._lives += 1
        real = self._aside / f"{entry.name}-{self._lives}"
        new = self._aside / "new"
        node = entry.name.partition(".")[0]
        ours = await asyncio.start_unix_server(
            lambda reader, writer: self._connect(node, real, reader, writer), new
        )
        inode = new.stat().st_ino
        with contextlib.suppress(FileNotFoundError):  # replaced again within a moment: the next look sees it
            real.hardlink_to(entry.path)
            new.rename(entry.path)
            if entry.name in self._taken:
                self._taken[entry.name][1].close()
            self._taken[entry.name] = (inode, ours)

    async def _connect(
        self, node: str, real: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        link = self._links[_dialler(writer), node]
        try:
            if link.refused:
                return
            far_reader, far_writer = await asyncio.open_unix_connection(real)
        except OSError:  # the node is gone
            return
        else:
            ends = (writer, far_writer)
            link.connections.add(ends)
            try:
                pumps = (
                    _pump(reader, far_writer, link, link.ways[0]),
                    _pump(far_reader, writer, link, link.ways[1]),
                )
                tasks = [asyncio.create_task(pump) for pump in pumps]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                link.connections.discard(ends)
                far_writer.transport.abort()
        finally:
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link, way: Way) -> None:
    with contextlib.suppress(OSError):  # one of the two ends is gone
        while piece := await reader.read(PIECE_BYTES):
            await way.flows.wait()
            if way.left is not None:
                piece, way.left = piece[: way.left], way.left - len(piece)
                if way.left <= 0:
                    way.left = None
                    writer.write(piece)
                    await writer.drain()
                    return
            writer.write(piece)
            await writer.drain()


def _dialler(writer: asyncio.StreamWriter) -> int:
    connection = writer.get_extra_info("socket")
    credentials = struct.Struct("3i")
    pid, _, _ = credentials.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)
    )
    return int(pid)


def _is_socket(entry: os.DirEntry[str]) -> bool:
    try:
        return stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


async def main(folder: Path, aside: Path) -> None:
    """Relay until standard input ends."""
    relay = Relay(folder, aside)
    watching = asyncio.create_task(relay.watch())
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        print(json.dumps(relay.obey(json.loads(line))), flush=True)
    watching.cancel()
    await relay.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
