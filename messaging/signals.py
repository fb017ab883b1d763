"""News for the apps above, which messaging doesn't know."""

from django.dispatch import Signal

# `messages` (a list of Message) have come to a final state before they left; sent within the transaction
# that decided it.
messages_ended = Signal()

# `reply` (a Reply, locked, unsaved changes allowed) came in and is neither about opting out nor clear to
# messaging alone; sent within a transaction. A receiver that knows the phone fills in what it made of it.
reply_came = Signal()

# `pairs` of a Message that no phone got and the Message that tries again; sent within the transaction.
messages_followed = Signal()
