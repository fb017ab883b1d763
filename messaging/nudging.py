from django.db import transaction
from django_q.tasks import async_task


def nudge() -> None:
    """Has what is due sent as soon as the present transaction is committed."""
    transaction.on_commit(lambda: async_task("messaging.tasks.dispatch_due"))
