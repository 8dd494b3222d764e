"""The command circuitc: compile `.cpy` files to the Python files that a person would have written.

    circuitc app.cpy               the Python text, on stdout
    circuitc app.cpy -o app.py     into a file
    circuitc src -o build          every .cpy file below a folder, into a tree of the same shape
    circuitc --check src           only say what is wrong
    circuitc - < app.cpy           from stdin

Diagnostics go to stderr. The exit status is the worst that happened: 0 all is well,
1 a program has errors, 2 the command cannot be carried out as given; 130 after Ctrl-C.

Rules: this file reads the command line and decides the status; `building` and what it
uses do the work. Little is loaded before it is needed: a small file shall take no time.
"""

import argparse
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from circuit.circuitc.building import build
from circuit.circuitc.folders import OUTPUT_SUFFIX, Folder
from circuit.circuitc.jobs import Job, Plan, Result, Settings
from circuit.circuitc.paths import is_folder, is_there
from circuit.circuitc.reporting import Report, summary
from circuit.version import VERSION

ALL_WELL, HAS_ERRORS, UNUSABLE, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143

STANDARD = "-"
TARGETS = ("3.11", "3.12", "3.13", "3.14")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    # Those of the programs that are compiled are for whoever runs them.
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    terminations: list[int] = []
    signal.signal(signal.SIGTERM, partial(_terminate, terminations))
    try:
        options = _parse(argv)
        report = Report(quiet=options.quiet, as_json=options.error_format == "json")
        return _explain(options.explain, report) if options.explain else _compile(options, report)
    except KeyboardInterrupt:
        # Once is enough: all that is left to do is to end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # While it waits for changes, watchfiles makes a Ctrl-C of any signal.
        return TERMINATED if terminations else INTERRUPTED


def _terminate(terminations: list[int], number: int, _: object) -> None:
    """End as Ctrl-C does, with nothing half done: `kill` would leave temporary files."""
    terminations.append(number)
    sys.exit(TERMINATED)


def _compile(options: argparse.Namespace, report: Report) -> int:
    settings = Settings(options.target, options.check, options.map, options.force)
    source = None if options.file == STANDARD else Path(options.file)
    output = None if options.output == STANDARD else Path(options.output)
    folder = Folder(source, output) if source and is_folder(source) else None
    plan = folder.plan if folder else partial(_plan_of_one, Job(source, output))
    if options.watch and source:
        # Not loaded above: few commands watch.
        from circuit.circuitc.watching import watch_and_build

        root = folder.source if folder else source.parent
        watch_and_build(root, plan, settings, report, recursive=folder is not None)
        return UNUSABLE
    results = build(plan(), settings, report)
    if folder:
        report.news(summary(results) or f"{source} has no .cpy files")
    return _status(results)


def _plan_of_one(job: Job) -> Plan:
    return Plan((job,))


def _status(results: Counter[Result]) -> int:
    if results[Result.IMPOSSIBLE]:
        return UNUSABLE
    return HAS_ERRORS if results[Result.WRONG] else ALL_WELL


def _explain(code: str, report: Report) -> int:
    # Not loaded above, for it loads the compiler.
    from circuit.circuitc.explaining import UnknownCodeError, explain

    try:
        explain(code)
    except UnknownCodeError as error:
        report.trouble(str(error))
        return UNUSABLE
    except OSError as error:
        report.trouble(f"cannot write stdout: {error.strerror}")
        return UNUSABLE
    return ALL_WELL


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="circuitc",
        description="Compile Circuit files to Python. The result of a file goes to stdout, without -o.",
        epilog="exit status: 0 all is well, 1 a program has errors, 2 the command cannot be carried out",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", metavar="FILE", nargs="?", help="a .cpy file, or a folder of them; - reads stdin")
    add(
        "-o",
        "--output",
        metavar="OUT",
        default=STANDARD,
        help="the file, or for a folder the folder, to write",
    )
    add("--check", action="store_true", help="write nothing, only report errors")
    add("--watch", action="store_true", help="compile again whenever a source changes")
    add("--map", action="store_true", help="write a source map, OUT.map, beside each output")
    add("--target", choices=TARGETS, default=RUNNING, help="the Python to compile for (default: %(default)s)")
    add("--force", action="store_true", help="compile what is fresh too, and overwrite any file")
    add("--error-format", choices=("text", "json"), default="text", help="how diagnostics are written")
    add("--explain", metavar="CODE", help="explain an error or warning, such as S005, and do nothing else")
    add("-q", "--quiet", action="store_true", help="report errors only: no warnings, no progress, no summary")
    add("--version", action="version", version=f"circuitc {VERSION}")
    options = parser.parse_args(argv)
    for fault in _faults(options):
        parser.error(fault)
    return options


def _faults(options: argparse.Namespace) -> Iterator[str]:
    """Yield what makes no sense in a command line."""
    if options.explain:
        if options.file:
            yield "--explain compiles nothing, so it takes no FILE"
        return
    if not options.file:
        yield "the following arguments are required: FILE"
    to_stdout = options.output == STANDARD
    if options.check and not to_stdout:
        yield "--check writes nothing, so it takes no -o"
    if options.check and options.map:
        yield "--check writes nothing, so it takes no --map"
    if options.file == STANDARD and (options.watch or options.map):
        yield f"{'--watch' if options.watch else '--map'} needs a file or a folder, not stdin"
    if options.map and to_stdout:
        yield "--map needs -o: the map is written beside the output"
    if options.watch and to_stdout and not options.check:
        yield "--watch needs -o or --check"
    if options.file != STANDARD and is_folder(Path(options.file)):
        yield from _folder_faults(options)
    elif not to_stdout and (options.output.endswith("/") or is_folder(Path(options.output))):
        name = "out.py" if options.file == STANDARD else Path(options.file).with_suffix(OUTPUT_SUFFIX).name
        yield f"{options.output} is a folder; name the file in it: -o {Path(options.output, name)}"
    if options.watch and not is_there(Path(options.file)):
        yield f"there is no {options.file} to watch"


def _folder_faults(options: argparse.Namespace) -> Iterator[str]:
    file, output = options.file, options.output
    if output == STANDARD and not options.check:
        yield f"{file} is a folder: -o must name a folder for the outputs (-o {file}: beside the sources)"
    if output != STANDARD and is_there(Path(output)) and not is_folder(Path(output)):
        yield f"{file} is a folder, and {output} is a file"
