"""News for the apps above, which messaging doesn't know."""

from django.dispatch import Signal

# `messages` (a list of Message) have come to a final state before they left; sent within the transaction
# that decided it.
messages_ended = Signal()

# `reply` (a Reply, locked and saved afterwards) came in at `now` and is neither about opting out nor a call
# for help; sent within a transaction. It waits for a person unless a receiver that knows the phone makes
# more of it: it fills in what the reply is about, and may queue an answer.
reply_came = Signal()

# `pairs` of a Message that no phone got and the Message that tries again; sent within the transaction.
messages_followed = Signal()

# `alarm` (an Alarm) was opened; sent once for it, after its transaction. A receiver that fails is logged.
alarm_opened = Signal()
