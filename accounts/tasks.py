from datetime import timedelta

from django.utils import timezone

from accounts import sign_in
from common.schedules import Every

SCHEDULES = [
    Every(
        "Forget expired sign-ins",
        "accounts.tasks.forget_expired_sign_ins",
        minutes=24 * 60,
        offset=timedelta(hours=3),
    ),
]


def forget_expired_sign_ins() -> None:
    sign_in.forget_expired(now=timezone.now())
