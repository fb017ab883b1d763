import re

import pytest

from tests.architecture.house import ROOT

LOCKS = ["requirements.txt", "requirements-dev.txt", "requirements-next.txt"]
PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^\s;]+( ; .+)?( --hash=sha256:[0-9a-f]{64})+")


def requirements(text: str) -> list[str]:
    """One requirement a line, with its markers and hashes."""
    return [
        line for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines() if line and not line.startswith("#")
    ]


def project(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry(lock):
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_locked_has_one_version_and_hashes(lock):
    locked = requirements((ROOT / lock).read_text())
    assert locked
    assert [line[:60] for line in locked if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize(
    ("source", "lock"),
    [
        ("base.in", "requirements.txt"),
        ("dev.in", "requirements-dev.txt"),
        ("base.in", "requirements-next.txt"),
        ("dev.in", "requirements-next.txt"),
    ],
)
def test_a_lock_is_as_new_as_its_source(source, lock):
    wanted = {project(line) for line in requirements((ROOT / "requirements" / source).read_text())}
    assert wanted <= {project(line) for line in requirements((ROOT / lock).read_text())}


def test_what_the_tests_need_is_locked_to_the_same_versions_as_what_the_site_needs():
    site, tests = (
        dict(line.split(" ")[0].split("==") for line in requirements((ROOT / lock).read_text()))
        for lock in LOCKS[:2]
    )
    assert {name: version for name, version in tests.items() if site.get(name, version) != version} == {}
