"""The results in README.md: a section for each benchmark, and what the figures were taken on."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

README = Path(__file__).with_name("README.md")


def write_section(name: str, lines: Sequence[str]) -> None:
    """Replace what stands between the marks of a section."""
    text = README.read_text(encoding="utf-8")
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    written, sections = marked.subn(lambda mark: mark[1] + "\n".join(lines) + "\n" + mark[2], text)
    if sections != 1:
        raise ValueError(f"README.md has no section {name}")
    README.write_text(written, encoding="utf-8")


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; its first column is text, the others are figures."""
    cells = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return [f"| {' | '.join(row)} |" for row in cells]


def taken_on(packages: Sequence[str]) -> list[str]:
    """Return the machine, its Python and the versions of packages, as a list."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return [
        f"* {_processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB",
        f"* {platform.system()} {platform.release()}, {python}",
        f"* {', '.join(f'{name} {version(name)}' for name in packages)}",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
