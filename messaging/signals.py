"""News for the apps above, which messaging doesn't know."""

from django.dispatch import Signal

# `messages` (a list of Message) have come to a final state before they left; sent within the transaction
# that decided it.
messages_ended = Signal()
