"""The coverage.py plugin: `.cpy` files are measured and reported as Python files are.

    [run]
    plugins = circuit.coverage_plugin

Measuring needs no help, for the code of a `.cpy` file has the lines of that file. A report
needs to know which lines are statements, and which branches they have: coverage.py
reads that from the lowered text, whose lines are those of the source, and shows the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from coverage.exceptions import NoSource
from coverage.parser import PythonParser
from coverage.plugin import CodeRegion, CoveragePlugin, FileReporter, FileTracer
from coverage.regions import code_regions

from circuit.compiler import Source, SourceError
from circuit.hook.loader import SUFFIX
from circuit.hook.program import program_text

if TYPE_CHECKING:
    from coverage.plugin_support import Plugins
    from coverage.types import TArc, TConfigurable, TLineNo

_LINE_END = re.compile(r"\r\n?")


def coverage_init(registry: Plugins, options: object) -> None:
    """Register the plugin; coverage.py calls this."""
    plugin = SpawnPlugin()
    registry.add_configurer(plugin)
    registry.add_file_tracer(plugin)


class SpawnPlugin(CoveragePlugin):
    """Takes care of `.cpy` files, and of nothing else."""

    _config: TConfigurable

    def configure(self, config: TConfigurable) -> None:
        """Keep the configuration: reports ask it for what is to be left out."""
        self._config = config

    def file_tracer(self, filename: str) -> FileTracer | None:
        """Take a `.cpy` file that is executed."""
        return SpawnTracer(filename) if filename.endswith(SUFFIX) else None

    def file_reporter(self, filename: str) -> FileReporter:
        """Report on a file that was taken."""
        return SpawnReporter(filename, self._config)

    def find_executable_files(self, src_dir: str) -> Iterator[str]:
        """Find the files that could have been executed: those that were not are reported too."""
        for path in Path(src_dir).rglob(f"*{SUFFIX}"):
            yield str(path)


class SpawnTracer(FileTracer):
    """Lets coverage.py measure a file as what it is."""

    def __init__(self, filename: str) -> None:
        self._filename = filename

    def source_filename(self) -> str:
        """Return the file that the lines are of."""
        return self._filename


class SpawnReporter(FileReporter):
    """Tells what there is to be covered in one file."""

    def __init__(self, filename: str, config: TConfigurable) -> None:
        super().__init__(filename)
        self._config = config

    def source(self) -> str:
        """Return the text that is shown."""
        return self._text

    def lines(self) -> set[TLineNo]:
        """Return the lines that can be executed."""
        return self._parser.statements

    def excluded_lines(self) -> set[TLineNo]:
        """Return the lines that nobody wants covered."""
        return self._parser.excluded

    def translate_lines(self, lines: Iterable[TLineNo]) -> set[TLineNo]:
        """Return the first lines of the statements that the lines are in."""
        return self._parser.translate_lines(lines)

    def arcs(self) -> set[TArc]:
        """Return the steps from line to line that can be taken."""
        return self._parser.arcs()

    def translate_arcs(self, arcs: Iterable[TArc]) -> set[TArc]:
        """Return the steps between the statements that the lines are in."""
        return self._parser.translate_arcs(arcs)

    def no_branch_lines(self) -> set[TLineNo]:
        """Return the lines with branches that nobody wants covered."""
        return self._parser.lines_matching(
            self._patterns("report:partial_branches", "report:partial_branches_always")
        )

    def exit_counts(self) -> dict[TLineNo, int]:
        """Return how many ways lead on from each line."""
        return self._parser.exit_counts()

    def missing_arc_description(
        self, start: TLineNo, end: TLineNo, executed_arcs: Iterable[TArc] | None = None
    ) -> str:
        """Say in words what did not happen."""
        return self._parser.missing_arc_description(start, end)

    def arc_description(self, start: TLineNo, end: TLineNo) -> str:
        """Say in words where a step leads."""
        return self._parser.arc_description(start, end)

    def code_regions(self) -> Iterable[CodeRegion]:
        """Return the functions and classes."""
        return code_regions(self._lowered)

    def code_region_kinds(self) -> Iterable[tuple[str, str]]:
        """Return what kinds of regions there are, and their plurals."""
        return [("function", "functions"), ("class", "classes")]

    @cached_property
    def _text(self) -> str:
        # Any error is a NoSource: coverage.py says it in a line, and its setting ignore_errors is for it.
        try:
            data = Path(self.filename).read_bytes()
            return _LINE_END.sub("\n", Source.decode(data, self.filename).text)
        except OSError as error:
            raise NoSource(f"no source for {self.filename}: {error.strerror}") from error
        except SourceError as error:
            raise NoSource(str(error)) from error

    @cached_property
    def _lowered(self) -> str:
        try:
            return program_text(self._text, self.filename)
        except SyntaxError as error:
            raise NoSource(f"{self.filename} does not compile: {error}") from error

    @cached_property
    def _parser(self) -> PythonParser:
        exclude = self._patterns("report:exclude_lines")
        parser = PythonParser(text=self._lowered, filename=self.filename, exclude=exclude)
        parser.parse_source()
        return parser

    def _patterns(self, *options: str) -> str:
        """Return one regular expression for those of some lists in the configuration."""
        lists = [found for option in options if isinstance(found := self._config.get_option(option), list)]
        return "|".join(f"(?:{pattern})" for patterns in lists for pattern in patterns)
