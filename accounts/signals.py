"""News for the apps above, which accounts doesn't know."""

from django.dispatch import Signal

# `clinic` (a Clinic) has new values in `fields` (a set of names); sent within the transaction of the change.
clinic_changed = Signal()
