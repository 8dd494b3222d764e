"""Building: the jobs of one command, skipping what is fresh, on as many cores as it is worth.

Rules: outcomes are reported in the order of the jobs, as they come. What is fresh is
found by reading alone: if all of it is, the compiler is not even loaded.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from circuit.circuitc.jobs import Job, Outcome, Plan, Result, Settings
from circuit.circuitc.outputs import is_fresh
from circuit.circuitc.reporting import Report

# Starting processes costs some hundredths of a second: as much as compiling this many bytes.
WORTH_A_CREW = 1 << 16


def build(plan: Plan, settings: Settings, report: Report) -> Counter[Result]:
    """Compile what is not fresh, report what came of it, and count the results."""
    for trouble in plan.troubles:
        report.trouble(trouble)
    stale = [job for job in plan.jobs if not is_fresh(job, settings)]
    results = Counter({Result.FRESH: len(plan.jobs) - len(stale), Result.IMPOSSIBLE: len(plan.troubles)})
    if not stale:
        return results
    with _compiling(stale, settings, report) as outcomes:
        for outcome in outcomes:
            report.outcome(outcome)
            results[outcome.result] += 1
    return results


@contextmanager
def _compiling(jobs: Sequence[Job], settings: Settings, report: Report) -> Iterator[Iterator[Outcome]]:
    """Compile jobs, side by side or in turn."""
    if len(jobs) > 1 and sum(map(_size, jobs)) >= WORTH_A_CREW:
        # Not loaded above, like the compiler below: a single small file needs no processes.
        from circuit.circuitc.crew import compile_side_by_side

        with compile_side_by_side(jobs, settings) as outcomes:
            yield report.progress(outcomes, len(jobs))
    else:
        from circuit.circuitc.compiling import compile_job

        yield (compile_job(job, settings) for job in jobs)


def _size(job: Job) -> int:
    try:
        return job.source.stat().st_size if job.source else 0
    except OSError:
        return 0
