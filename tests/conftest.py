import os
from urllib.parse import quote

import pytest
from django.db import connection


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if connection.vendor == "postgresql":
        return
    for item in items:
        if item.get_closest_marker("postgresql"):
            item.add_marker(pytest.mark.skip(reason="only on PostgreSQL"))


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """The environment in which another process (a worker, a command) works on this test's own database."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{settings['NAME']}"
    else:
        who = f"{quote(settings['USER'])}:{quote(settings['PASSWORD'])}"
        url = f"postgres://{who}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    return {**os.environ, "DATABASE_URL": url}
