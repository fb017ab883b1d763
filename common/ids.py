from uuid import UUID, uuid5

import uuid_utils.compat

_NAMES = UUID("0197a3c2-6f00-7000-8000-000000000000")


def new_id() -> UUID:
    """A key that grows with time, so that inserts land side by side in the index (UUID version 7)."""
    return uuid_utils.compat.uuid7()


def named_id(name: str) -> UUID:
    """The same id for the same name, for what has a name as its key."""
    return uuid5(_NAMES, name)
