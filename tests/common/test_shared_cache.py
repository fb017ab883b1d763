"""The cache of a site without Redis, in a file of its own and in PostgreSQL."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.db import connection

from common.shared_cache import SharedCache

COUNTING = """
import sys
from common.shared_cache import SharedCache
cache = SharedCache(sys.argv[1], {})
for _ in range(100):
    cache.add("visits", 0)
    cache.incr("visits")
"""


@pytest.fixture(params=["a file of its own", "PostgreSQL"])
def cache(request, tmp_path, db):
    if request.param == "PostgreSQL":
        if connection.vendor != "postgresql":
            pytest.skip("only on PostgreSQL")
        return SharedCache("", {})
    return SharedCache(str(tmp_path / "cache.sqlite3"), {})


@pytest.mark.parametrize("value", [0, 7, -1, True, None, "word", b"\0", {"a": [1, 2.5]}])
def test_what_is_put_in_comes_out_as_it_was(cache, value):
    cache.set("it", value)
    found = cache.get("it", "nothing")
    assert (found, type(found)) == (value, type(value))


def test_what_is_not_there_is_its_default(cache):
    assert cache.get("it", 5) == 5


def test_what_is_there_is_not_added_again(cache):
    assert [cache.add("it", 1), cache.add("it", 2)] == [True, False]
    assert cache.get("it") == 1


def test_a_counter_gives_each_new_number(cache):
    cache.set("it", 0)
    assert [cache.incr("it"), cache.incr("it", 5), cache.decr("it")] == [1, 6, 5]


@pytest.mark.parametrize("value", ["word", None])
def test_what_holds_no_number_can_not_be_counted(cache, value):
    if value is not None:
        cache.set("it", value)
    with pytest.raises(ValueError, match="holds no counter"):
        cache.incr("it")


def test_after_its_time_it_is_gone_and_can_be_added_again(cache):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        cache.set("it", 1, timeout=10)
        clock.shift(9)
        assert cache.get("it") == 1
        clock.shift(1)
        assert cache.get("it") is None
        assert cache.add("it", 2, timeout=10)


def test_its_time_can_be_made_longer(cache):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        cache.set("it", 1, timeout=10)
        assert cache.touch("it", 100)
        clock.shift(50)
        assert cache.get("it") == 1
    assert not cache.touch("elsewhere", 100)


def test_what_has_no_end_stays(cache):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        cache.set("it", 1, timeout=None)
        clock.shift(10**9)
        assert cache.get("it") == 1


def test_it_can_be_taken_out_and_emptied(cache):
    cache.set_many({"a": 1, "b": 2, "c": 3})
    assert [cache.delete("a"), cache.delete("a")] == [True, False]
    assert cache.get_many(["a", "b", "c"]) == {"b": 2, "c": 3}
    cache.clear()
    assert cache.get("b") is None


def test_what_has_expired_is_removed_in_time(cache, monkeypatch):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        cache.set("old", 1, timeout=10)
        clock.shift(10)
        monkeypatch.setattr("common.shared_cache.TIDY_EVERY", 1)
        cache.add("new", 1)
        clock.shift(-10)
        assert cache.get("old") is None


def test_processes_that_count_at_once_lose_nothing(tmp_path):
    path = str(tmp_path / "cache.sqlite3")
    processes = [subprocess.Popen([sys.executable, "-c", COUNTING, path]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert SharedCache(path, {}).get("visits") == 300


@pytest.mark.django_db(transaction=True)
def test_threads_that_count_at_once_each_get_their_own_number(cache):
    cache.set("it", 0)
    start = threading.Barrier(8)

    def count(_turn):
        start.wait()
        try:
            return [cache.incr("it") for _ in range(25)]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        got = [number for numbers in pool.map(count, range(8)) for number in numbers]
    assert sorted(got) == list(range(1, 201))


def test_only_its_owner_may_read_the_file(tmp_path):
    path = tmp_path / "cache.sqlite3"
    SharedCache(str(path), {}).set("it", 1)
    assert path.stat().st_mode & 0o077 == 0
