"""Runs the given tests once, then again in a fork for every mutant: only those that pass its lines.

All is imported and the database is made only once, so that a mutant costs no more than its tests.
"""

import contextlib
import gc
import json
import os
import random
import shutil
import signal
import sqlite3
import traceback
from collections import Counter
from pathlib import Path
from time import monotonic
from types import CodeType, FunctionType

import coverage
import pytest
from _pytest.runner import runtestprotocol
from django.db import connection, connections
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings

from tests.mutation.mutants import Mutant, Source

KILLED, SURVIVED, BROKEN = 10, 11, 12
# A test that takes so many times as long as without the fault hangs, at the least so many seconds.
TIMES_AS_LONG, SECONDS_AT_LEAST = 10, 20


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutation")
    group.addoption("--mutate", metavar="FILE", action="append", help="a file to put faults into")
    group.addoption("--most", type=int, default=0, help="so many a file, chosen by chance; 0: all")
    group.addoption("--seed", default="1", help="of that choice")
    group.addoption("--only", default="", help="only mutants of functions with this in their name")
    group.addoption("--verdicts", metavar="FOLDER", help="a file of lines each: what became of its mutants")


def pytest_configure(config: pytest.Config) -> None:
    # No example of a mutant is to be remembered, and none is worth shrinking.
    hypothesis_settings.register_profile(
        "mutation", database=None, phases=[Phase.explicit, Phase.generate], deadline=None, derandomize=True
    )
    hypothesis_settings.load_profile("mutation")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    option = session.config.getoption
    bench = _Bench(session, [str(Path(name).resolve()) for name in option("--mutate")])
    bench.run_unchanged()
    for name in option("--mutate"):
        source = Source(Path(name).resolve())
        found = [place for place in source.places if option("--only") in place[0]]
        numbers = list(range(len(found)))
        if 0 < option("--most") < len(found):
            chance = random.Random(f"{option('--seed')} {name}")
            numbers = sorted(chance.sample(numbers, option("--most")))
        with (Path(option("--verdicts")) / f"{name.replace('/', '.')}.jsonl").open("w") as verdicts:
            print(json.dumps({"found": len(found), "tried": len(numbers)}), file=verdicts, flush=True)
            for mutant in (source.mutant(found[number]) for number in numbers):
                verdict, killer = bench.try_out(mutant)
                print(json.dumps(_told(mutant, verdict, killer)), file=verdicts, flush=True)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> object:
    result = yield
    if fixturedef.argname == "django_db_setup" and connection.vendor == "sqlite":
        # Before any test: those that empty tables take the migrations' rows along.
        with (
            contextlib.closing(sqlite3.connect(connection.settings_dict["NAME"])) as made,
            contextlib.closing(sqlite3.connect(_fresh())) as fresh,
        ):
            made.backup(fresh)
    return result


def _fresh() -> Path:
    return Path(connection.settings_dict["NAME"]).with_name("fresh.sqlite3")


def _told(mutant: Mutant, verdict: str, killer: str) -> dict[str, object]:
    return {
        "function": mutant.function,
        "line": mutant.lines[0],
        "before": mutant.before,
        "after": mutant.after,
        "verdict": verdict,
        "killer": killer,
    }


class _Bench:
    def __init__(self, session: pytest.Session, paths: list[str]) -> None:
        self.session, self.paths = session, paths
        self.seconds: dict[str, float] = {}
        # By file and line.
        self.passing: dict[str, dict[int, set[str]]] = {}
        self.kills: Counter[str] = Counter()

    def run_unchanged(self) -> None:
        """Learns how long each test takes and which lines of the files it passes."""
        measured = coverage.Coverage(data_file=None, include=self.paths, config_file=False)
        items = self.session.items
        measured.start()
        for item, following in zip(items, [*items[1:], items[0]], strict=True):
            measured.switch_context(item.nodeid)
            began = monotonic()
            failed = [
                report for report in runtestprotocol(item, log=False, nextitem=following) if report.failed
            ]
            if failed:
                pytest.exit(f"{item.nodeid} fails without any fault:\n{failed[0].longreprtext}", returncode=1)
            self.seconds[item.nodeid] = monotonic() - began
        measured.stop()
        for path in self.paths:
            lines = measured.get_data().contexts_by_lineno(path)
            self.passing[path] = {line: {name for name in names if name} for line, names in lines.items()}
            source = Path(path).read_text(encoding="utf-8")
            untouched = Mutant(path, "", (1, len(source.splitlines())), source, "", "")
            verdict, killer = self.try_out(untouched)
            if verdict != "survived":
                pytest.exit(f"{killer or verdict}: the file itself does not pass a second time", returncode=1)

    def tests_for(self, mutant: Mutant) -> list[pytest.Item]:
        """Those that have killed most come first, then the quick ones."""
        first, last = mutant.lines
        passing = self.passing[mutant.path]
        names = set().union(*(passing.get(line, set()) for line in range(first, last + 1)))
        chosen = [item for item in self.session.items if item.nodeid in names]
        return sorted(chosen, key=lambda item: (-self.kills[item.nodeid], self.seconds[item.nodeid]))

    def try_out(self, mutant: Mutant) -> tuple[str, str]:
        """(killed, survived, timeout or unreached; the test that noticed it).

        A process that dies is killed; one in which the tests can't even be begun ends the run.
        """
        tests = self.tests_for(mutant)
        if not tests:
            return "unreached", ""
        connections.close_all()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _be_a_mutant(self, mutant, tests, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            killer = pipe.read().strip()
        _pid, status = os.waitpid(child, 0)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # Whatever its tests have started.
            os.killpg(child, signal.SIGKILL)
        if os.WIFSIGNALED(status):
            return ("timeout" if os.WTERMSIG(status) == signal.SIGALRM else "killed"), ""
        if os.WEXITSTATUS(status) == SURVIVED:
            return "survived", ""
        if os.WEXITSTATUS(status) == BROKEN:
            pytest.exit(f"A mutant could not be tried out:\n{killer}", returncode=1)
        self.kills[killer] += 1
        return "killed", killer


def _be_a_mutant(bench: _Bench, mutant: Mutant, tests: list[pytest.Item], writing: int) -> None:
    """Never returns."""
    code = KILLED
    try:
        os.setsid()
        os.set_inheritable(writing, False)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        _work_on_a_copy()
        _put_in(mutant)
        bench.session._setupstate.teardown_exact(tests[0])
        for test, following in zip(tests, [*tests[1:], None], strict=True):
            limit = max(SECONDS_AT_LEAST, TIMES_AS_LONG * bench.seconds[test.nodeid])
            signal.setitimer(signal.ITIMER_REAL, limit)
            # The last of them ends the session's fixtures too, which are the parent's to end.
            reports = runtestprotocol(test, log=False, nextitem=following or test)
            if any(report.failed for report in reports):
                os.write(writing, f"{test.nodeid}\n".encode())
                break
        else:
            code = SURVIVED
    except BaseException:  # noqa: BLE001  (told to the parent, which stops)
        code = BROKEN
        os.write(writing, f"{traceback.format_exc()}\n".encode())
    finally:
        os._exit(code)


def _work_on_a_copy() -> None:
    """What a mutant leaves behind in a database must not meet the next one."""
    if connection.vendor == "sqlite":
        copy = _fresh().with_name("mutant.sqlite3")
        for leftover in ("-wal", "-shm"):
            copy.with_name(copy.name + leftover).unlink(missing_ok=True)
        shutil.copyfile(_fresh(), copy)
        connection.settings_dict["NAME"] = str(copy)


def _put_in(mutant: Mutant) -> None:
    """Gives the function its other code, wherever it has been imported to or is wrapped."""
    codes = _codes(compile(mutant.source, mutant.path, "exec"))
    changed = {(code.co_qualname, code.co_firstlineno): code for code in codes}
    for thing in gc.get_objects():
        # Not isinstance, which wakes lazy objects.
        if type(thing) is FunctionType and thing.__code__.co_filename == mutant.path:
            code = thing.__code__
            if code.co_qualname == mutant.function:
                thing.__code__ = changed[code.co_qualname, code.co_firstlineno]


def _codes(code: CodeType) -> list[CodeType]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [code, *(found for one in inner for found in _codes(one))]
