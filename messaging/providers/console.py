"""Prints texts instead of sending them: for trying the site out, and for tests of what goes where."""

import sys
from uuid import uuid4

from django.conf import settings

from common.phones import mask
from messaging.providers.base import Outcome, OutgoingText, Provider, Result


class ConsoleProvider(Provider):
    name = "console"

    @classmethod
    def is_local(cls) -> bool:
        return True

    async def send(self, text: OutgoingText) -> Outcome:
        # Outside a trial the output ends in logs, which hold no patient's data.
        to, body = (
            (text.to, text.body) if settings.DEBUG else (mask(text.to), f"({len(text.body)} characters)")
        )
        try:
            sys.stdout.write(f"SMS to {to}: {body}\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            # Nobody reads any more, or the letters can't be shown: nobody has seen it.
            return Outcome(Result.TRANSIENT, code="NOT_SHOWN")
        return Outcome(Result.ACCEPTED, provider_message_id=f"console-{uuid4()}")
