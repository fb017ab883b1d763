from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A key that grows with time, so that inserts land side by side in the index (UUID version 7)."""
    return uuid_utils.compat.uuid7()
