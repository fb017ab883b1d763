"""A forgotten password: a mail with a link that is good once and for an hour."""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException
from uuid import UUID

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from accounts import services, sign_in
from accounts.audit import Actor
from accounts.models import Preferences, User
from common.errors import ValidationFailed

logger = logging.getLogger(__name__)

# Accounts of one address; a shared one is a ward's or a family's.
MOST_ACCOUNTS = 5
# Nobody's mailbox is filled by a stranger.
REST = timedelta(minutes=2)


def ask(email: str) -> None:
    """Has a mail sent to each account of this address. Does the same work where there is none."""
    if not settings.MAIL_IS_SET_UP:
        return
    accounts = User.objects.filter(email__iexact=email, is_active=True).exclude(email="")
    keys = [str(user.pk) for user in accounts[:MOST_ACCOUNTS] if _may_reset(user)]
    async_task("accounts.tasks.mail_password_resets", *keys)


def mail(user_id: UUID, *, now: datetime) -> bool:
    """Sends the mail, unless one was sent just before. Not in a transaction. Gives whether it left."""
    resting = Q(reset_mailed_at__isnull=True) | Q(reset_mailed_at__lte=now - REST)
    if not User.objects.filter(resting, pk=user_id).update(reset_mailed_at=now):
        return False
    user = User.objects.get(pk=user_id)
    if not (user.email and _may_reset(user)):
        return False
    with translation.override(Preferences.of(user).language):
        subject = _("A new password for Clinic Reminders")
        text = render_to_string("mails/password_reset.txt", _words(user))
    try:
        send_mail(subject, text, None, [user.email])
    except (SMTPException, OSError) as error:
        # Its own words may quote the address.
        logger.error("A mail for a new password did not leave: %s", type(error).__name__)
        raise RuntimeError("The mail server did not take the mail.") from None
    return True


def confirm(token: str, new: str, *, now: datetime) -> None:
    """Sets the new password and ends all sign-ins. ValidationFailed on "token", or on "new" if it is weak."""
    with transaction.atomic():
        user = _owner_of(token)
        services.set_password(user.pk, new, actor=Actor.of(user), now=now, field="new")
        # Whoever has the mailbox is not the one who guessed.
        AxesProxyHandler.reset_attempts(username=user.username)


def _owner_of(token: str) -> User:
    key, _dot, proof = token.partition(".")
    try:
        key = urlsafe_base64_decode(key).decode()
        # Locked: of two at once with one token the second finds it used up.
        user = User.objects.select_for_update().filter(pk=key).first()
    except (ValueError, ValidationError):
        user = None
    if user is None or not _may_reset(user) or not default_token_generator.check_token(user, proof):
        raise ValidationFailed.on("token", _("This is used up, too old or incomplete. Ask for a new mail."))
    return user


def _may_reset(user: User) -> bool:
    return sign_in.may_sign_in(user) and user.has_usable_password()


def _words(user: User) -> dict[str, str]:
    key = urlsafe_base64_encode(force_bytes(user.pk))
    token = f"{key}.{default_token_generator.make_token(user)}"
    base = settings.PUBLIC_BASE_URL.rstrip("/")
    link = f"{base}{reverse('new-password')}?token={token}" if base else ""
    return {"username": user.username, "link": link, "token": token}
