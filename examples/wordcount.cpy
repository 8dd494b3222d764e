"""Count the words of Python's own standard library: a streaming MapReduce over all cores.

    reader ──texts──> mapper ──partial counts──> reducers, one for each partition of the words
                        └────progress────> driver <────top words────┘

Readers, mappers and reducers are processes of three kinds in this one file. A mapper pulls its
texts from a reader on another worker as a stream, and calls the reducers where they live. Run it:

    circuit run examples/wordcount.cpy [--verify] [--workers N] [FOLDER]
"""

import argparse
import asyncio
import os
import re
import sysconfig
import time
from collections import Counter
from threading import Lock

import circuit
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

WORD = re.compile(r"[^\W\d]\w*")
WORDS = 100_000  # different words that a mapper gathers before it hands their counts over
CHUNK = 400_000  # bytes that a reader sends at a time, or a little more


# On the workers.


def read(files):
    """Reader: stream the contents of the files in chunks, and how many files are in each."""
    contents, size = [], 0
    for file in files:
        with open(file, "rb") as opened:
            contents.append(opened.read())
        size += len(contents[-1])
        if size > CHUNK:
            yield len(contents), b"\n".join(contents)
            contents, size = [], 0
    yield len(contents), b"\n".join(contents)


def words(chunk):
    """Return the words of a chunk."""
    return WORD.findall(chunk.decode("utf-8", errors="replace"))


def count(files, reader, reducers):
    """Mapper: count the words of what a reader streams; yield how many files are done."""
    counts = Counter()
    for number, chunk in spawn read(files) on reader:
        counts.update(words(chunk))
        if len(counts) > WORDS:
            hand_over(counts, reducers)
            counts.clear()
        yield number
    hand_over(counts, reducers)


def hand_over(counts, reducers):
    """Give each reducer the words of its partition, by initial, and wait until they all have them."""
    parts = [{} for _ in reducers]
    for word, number in counts.items():
        parts[ord(word[0]) % len(parts)][word] = number
    circuit.gather(*[spawn reducer.add(part) on reducer for reducer, part in zip(reducers, parts)]).result()


class Reducer:
    """Holds the counts of one partition of the words."""

    def __init__(self):
        self.counts = Counter()
        self.lock = Lock()

    def add(self, counts):
        """Take in the partial counts of a mapper."""
        with self.lock:
            self.counts.update(counts)

    def top(self, number):
        """Return the most frequent words, how many different ones there are, and how many in all."""
        return self.counts.most_common(number), len(self.counts), self.counts.total()

    def all(self):
        """Return all counts."""
        return self.counts


def new_reducer():
    """Make a reducer on this worker, and return a reference to it."""
    return circuit.ref(Reducer())


# On the driver.


def corpus(folder):
    """Return the source files below the folder, but not what was installed into it."""
    files = []
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - {"site-packages", "__pycache__"})
        files += [os.path.join(path, name) for name in sorted(names) if name.endswith(".py")]
    return files


def deal(files, hands):
    """Split the files into shares of about the same size."""
    shares, sizes = [[] for _ in range(hands)], [0] * hands
    for size, file in sorted(((os.path.getsize(file), file) for file in files), reverse=True):
        smallest = sizes.index(min(sizes))
        shares[smallest].append(file)
        sizes[smallest] += size
    return shares


async def map_reduce(files, workers, reducers, progress):
    """Count on all workers, into the reducers."""
    mappers = [
        spawn count(share, workers[number - 1], reducers) on worker
        for number, (worker, share) in enumerate(zip(workers, deal(files, len(workers))))
    ]
    bar = progress.add_task("counting", total=len(files))

    async def follow(mapper):
        async for done in mapper:
            progress.advance(bar, done)

    await asyncio.gather(*[follow(mapper) for mapper in mappers])


def plain_count(files):
    """Count in this process alone, as one would without Circuit."""
    counts = Counter()
    for _, chunk in read(files):
        counts.update(words(chunk))
    return counts


def table(tops):
    """Draw the most frequent words of all partitions."""
    words = sorted((word for top, _, _ in tops for word in top), key=lambda word: (-word[1], word[0]))
    drawn = Table("rank", "word", "count", title="The 20 most frequent words")
    for rank, (word, number) in enumerate(words[:20], 1):
        drawn.add_row(str(rank), word, f"{number:,}")
    return drawn


def main():
    """Count, show the top 20 and, if asked to, check the result against a plain count."""
    parser = argparse.ArgumentParser(description="Count the words of Python source files.")
    parser.add_argument("folder", nargs="?", default=sysconfig.get_path("stdlib"))
    parser.add_argument("--workers", type=int, help="processes to count on (default: one a core)")
    parser.add_argument("--verify", action="store_true", help="compare with a single-process count")
    options = parser.parse_args()
    console = Console()

    before = time.perf_counter()
    with circuit.cluster(workers=options.workers) as cluster:
        workers = cluster.workers
        reducers = circuit.gather(*[spawn new_reducer() on worker for worker in workers]).result()
        started = time.perf_counter()
        files = corpus(options.folder)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=console) as progress:
            asyncio.run(map_reduce(files, workers, reducers, progress))
        tops = [reducer.top(20) for reducer in reducers]
        counting = time.perf_counter() - started
        console.print(table(tops))
        different, total = sum(top[1] for top in tops), sum(top[2] for top in tops)
        console.print(f"{total:,} words, {different:,} different, in {len(files):,} files")
        console.print(f"{len(workers)} workers: {counting:.2f} s, and {started - before:.2f} s to start them")
        counted = sum([reducer.all() for reducer in reducers], Counter()) if options.verify else None

    if options.verify:
        began = time.perf_counter()
        plain = plain_count(corpus(options.folder))
        alone = time.perf_counter() - began
        ratio, with_start = alone / counting, alone / (counting + started - before)
        console.print(f"one process: {alone:.2f} s; the workers are {ratio:.2f} times as fast", end=", ")
        console.print(f"{with_start:.2f} times with their start")
        if plain != counted:
            raise SystemExit("the counts differ")
        console.print("verified: every count is the same")


main()
