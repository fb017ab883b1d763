"""Whether a command can work with the database, said before it begins."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import CommandError
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _


@contextmanager
def usable_database(*, returncode: int = 1, afterwards: str = "") -> Iterator[None]:
    """CommandError with the mend when the database can't be used, is not migrated, or goes away meanwhile.

    `afterwards` is said when it goes away: what to do once it is back. The database's own words are not
    repeated: they may hold a path, a statement or a patient's data.
    """
    try:
        executor = MigrationExecutor(connection)
        behind = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except (DatabaseError, InterfaceError, MigrationSchemaMissing):
        raise CommandError(
            _("The database can't be used. Check DATABASE_URL, and that the database is running."),
            returncode=returncode,
        ) from None
    if behind:
        raise CommandError(
            _("The database's tables are missing or old. Run: python manage.py migrate"),
            returncode=returncode,
        )
    try:
        yield
    except (OperationalError, InterfaceError):
        gone = _("The database did not answer. Check that it is running.")
        raise CommandError(f"{gone} {afterwards}".rstrip(), returncode=returncode) from None
