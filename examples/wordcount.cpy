"""Count the words of Python's own standard library: a streaming MapReduce over all cores.

    reader ──texts──> mapper ──partial counts──> reducers, one for each partition of the words
                        └────progress────> driver <────top words────┘

Readers, mappers and reducers are processes of three kinds in this one file. A mapper pulls its
texts from a reader on another worker as a stream, and calls the reducers where they live. Run it:

    circuit run examples/wordcount.cpy [--verify] [--workers N] [FOLDER]
"""

import argparse
import asyncio
import re
import sysconfig
import time
from collections import Counter
from pathlib import Path
from threading import Lock
from zlib import crc32

import circuit
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

WORD = re.compile(r"[^\W\d]\w*")
WORDS = 100_000  # different words that a mapper gathers before it hands their counts over
STEP = 50  # files between two reports of progress


# On the workers.


def read(files):
    """Reader: stream the texts of the files."""
    for file in files:
        yield file.read_text(encoding="utf-8", errors="replace")


def count(files, reader, reducers):
    """Mapper: count the words of what a reader streams; yield how many files are done."""
    counts, done = Counter(), 0
    for text in spawn read(files) on reader:
        counts.update(WORD.findall(text))
        done += 1
        if len(counts) > WORDS:
            hand_over(counts, reducers)
            counts.clear()
        if done == STEP:
            yield done
            done = 0
    hand_over(counts, reducers)
    yield done


def hand_over(counts, reducers):
    """Give each reducer the words of its partition, and wait until they all have them."""
    parts = [{} for _ in reducers]
    for word, number in counts.items():
        parts[crc32(word.encode()) % len(parts)][word] = number
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
    return sorted(file for file in folder.rglob("*.py") if "site-packages" not in file.parts)


def deal(files, hands):
    """Split the files into shares of about the same size."""
    shares, sizes = [[] for _ in range(hands)], [0] * hands
    for file in sorted(files, key=lambda file: -file.stat().st_size):
        smallest = sizes.index(min(sizes))
        shares[smallest].append(file)
        sizes[smallest] += file.stat().st_size
    return shares


async def map_reduce(files, workers, progress):
    """Count on all workers; return the references to the reducers."""
    reducers = await circuit.gather(*[spawn new_reducer() on worker for worker in workers])
    mappers = [
        spawn count(share, workers[number - 1], reducers) on worker
        for number, (worker, share) in enumerate(zip(workers, deal(files, len(workers))))
    ]
    bar = progress.add_task("counting", total=len(files))

    async def follow(mapper):
        async for done in mapper:
            progress.advance(bar, done)

    await asyncio.gather(*[follow(mapper) for mapper in mappers])
    return reducers


def plain_count(files):
    """Count in this process alone, as one would without Circuit."""
    counts = Counter()
    for file in files:
        counts.update(WORD.findall(file.read_text(encoding="utf-8", errors="replace")))
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
    parser.add_argument("folder", nargs="?", type=Path, default=Path(sysconfig.get_path("stdlib")))
    parser.add_argument("--workers", type=int, help="processes to count on (default: one a core)")
    parser.add_argument("--verify", action="store_true", help="compare with a single-process count")
    options = parser.parse_args()
    console = Console()

    began = time.perf_counter()
    with circuit.cluster(workers=options.workers) as cluster:
        files = corpus(options.folder)  # while the workers start
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=console) as progress:
            reducers = asyncio.run(map_reduce(files, cluster.workers, progress))
        tops = [reducer.top(20) for reducer in reducers]
        seconds = time.perf_counter() - began
        different, total = sum(top[1] for top in tops), sum(top[2] for top in tops)
        console.print(table(tops))
        console.print(f"{total:,} words, {different:,} different, in {len(files):,} files")
        console.print(f"{len(cluster.workers)} workers: {seconds:.2f} s, from no process to the result")
        counted = sum([reducer.all() for reducer in reducers], Counter()) if options.verify else None

    if options.verify:
        began = time.perf_counter()
        plain = plain_count(corpus(options.folder))
        alone = time.perf_counter() - began
        console.print(f"one process: {alone:.2f} s; the workers are {alone / seconds:.2f} times as fast")
        if plain != counted:
            raise SystemExit("the counts differ")
        console.print("verified: every count is the same")


main()
