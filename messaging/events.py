from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from common.ids import new_id
from common.set_updates import given
from messaging.models import Message, MessageEvent

_NOTE = (
    "INSERT INTO messaging_messageevent (id, message_id, status, at, provider, code, detail) "
    "SELECT given.id, m.id, m.status, %s, m.provider, m.error_code, m.error_message "
    "FROM given JOIN messaging_message m ON m.id = {key}"
)


def note(messages: Iterable[Message], *, now: datetime) -> None:
    """Writes down what each message has come to, as it is stored now, in one statement."""
    events = {new_id(): message.pk for message in messages}
    if not events:
        return
    postgresql = connection.vendor == "postgresql"
    those, values = given({pk: str(key) if postgresql else key.hex for pk, key in events.items()})
    at = MessageEvent._meta.get_field("at").get_db_prep_save(now, connection)
    with connection.cursor() as cursor:
        statement = _NOTE.format(key="given.value::uuid" if postgresql else "given.value")
        cursor.execute(f"WITH {those} {statement}", [*values, at])
