from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from accounts import password_reset, registration, sign_in
from common.schedules import Every

SCHEDULES = [
    Every(
        "Forget expired sign-ins",
        "accounts.tasks.forget_expired_sign_ins",
        minutes=24 * 60,
        offset=timedelta(hours=3),
    ),
    Every(
        "Forget old registrations",
        "accounts.tasks.forget_old_registrations",
        minutes=24 * 60,
        offset=timedelta(hours=4),
    ),
]


def forget_expired_sign_ins() -> None:
    sign_in.forget_expired(now=timezone.now())


def forget_old_registrations() -> None:
    registration.forget_old_registrations(now=timezone.now())


def mail_password_resets(*user_ids: str) -> None:
    for user_id in user_ids:
        password_reset.mail(UUID(user_id), now=timezone.now())
