from django_q.tasks import async_task

from common.after_commit import once


def nudge() -> None:
    """Has what is due sent as soon as the present transaction is committed."""
    once(_nudge)


def _nudge() -> None:
    async_task("messaging.tasks.dispatch_due")
