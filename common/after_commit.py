from collections.abc import Callable

from django.db import transaction


def once(function: Callable[[], object]) -> None:
    """Has `function` run when the present transaction is committed: once, however often it is asked for.

    What is on the list was registered under savepoints that still stand or are released, so it goes when
    and only when a new entry would.
    """
    waiting = transaction.get_connection().run_on_commit
    if not any(entry[1] is function for entry in waiting):
        transaction.on_commit(function)
