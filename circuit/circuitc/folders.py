"""Folders: the sources in one, and where their outputs go in a tree of the same shape.

Left out are hidden files and folders, `__pycache__`, the output folder where that lies
inside, folders behind symbolic links, which might lead round in a circle, and what is
no regular file, which might never end.

Rules: sources come in the order of their paths, so that two commands on one folder say
the same.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from circuit.circuitc.jobs import Job, Plan
from circuit.circuitc.paths import is_file, is_link, is_same_file, is_there

SOURCE_SUFFIX, OUTPUT_SUFFIX = ".cpy", ".py"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of sources, and the folder that their outputs go to; None if they go nowhere."""

    source: Path
    output: Path | None

    def plan(self) -> Plan:
        """Look for sources. What cannot be read is told, and stops nothing else."""
        unreadable: list[OSError] = []
        jobs = [self.job(source) for source in self._sources(unreadable)]
        folders = {parent for job in jobs if job.output for parent in job.output.parents}
        troubles = [f"cannot read {error.filename}: {error.strerror}" for error in unreadable]
        # Beside a folder app.py/ there is no room for the output of app.cpy.
        troubles += [f"cannot write {job.output}: Is a directory" for job in jobs if job.output in folders]
        return Plan(tuple(job for job in jobs if job.output not in folders), tuple(troubles))

    def job(self, source: Path) -> Job:
        """Return the job of one of the sources."""
        inside = source.relative_to(self.source).with_suffix(OUTPUT_SUFFIX)
        return Job(source, self.output / inside if self.output else None)

    def _sources(self, unreadable: list[OSError]) -> list[Path]:
        found: list[Path] = []
        for name, folders, files in os.walk(self.source, onerror=unreadable.append):
            here = Path(name)
            folders[:] = [folder for folder in folders if not self._leaves_out(here / folder)]
            found += [here / file for file in files if _is_named_as_source(file)]
        return sorted(filter(_can_be_read, found), key=lambda path: path.parts)

    def _leaves_out(self, folder: Path) -> bool:
        if folder.name.startswith(".") or folder.name == "__pycache__" or is_link(folder):
            return True
        return self.output is not None and is_same_file(folder, self.output)


def _is_named_as_source(name: str) -> bool:
    return name.endswith(SOURCE_SUFFIX) and not name.startswith(".")


def _can_be_read(path: Path) -> bool:
    # A link to nowhere is kept: that it cannot be read is worth telling.
    return is_file(path) or not is_there(path)
