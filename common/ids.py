from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A key that nobody can guess and that grows with time, so that inserts land side by side in the index."""
    return uuid_utils.compat.uuid7()
