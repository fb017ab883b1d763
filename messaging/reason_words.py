"""Why a text did not arrive, in words: our own codes and the commonest of the providers'."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

WORDS = {
    "OPTED_OUT": gettext_lazy("The phone wants no texts"),
    "NO_CONSENT": gettext_lazy("The patient has not agreed to texts"),
    "TOO_LATE": gettext_lazy("It would have come too late"),
    "TTL_EXPIRED": gettext_lazy("It would have come too late"),
    "APPOINTMENT_MOVED": gettext_lazy("The visit was moved"),
    "APPOINTMENT_ENDED": gettext_lazy("The visit is over or cancelled"),
    "STATUS_CHANGED": gettext_lazy("The visit's status has changed"),
    "NEARER_REMINDER": gettext_lazy("A reminder nearer to the visit went instead"),
    "PHONE_CHANGED": gettext_lazy("The patient's phone has changed"),
    "LANGUAGE_CHANGED": gettext_lazy("The patient's language has changed"),
    "NO_LONGER_MANAGER": gettext_lazy("Who it is for is no stock manager there any more"),
    "DAILY_LIMIT": gettext_lazy("The patient had enough texts that day"),
    "QUIET_HOURS": gettext_lazy("Quiet hours until it was too late"),
    "WORKER_LOST": gettext_lazy("The worker stopped while it was being sent"),
    "READ_TIMEOUT": gettext_lazy("The provider did not answer"),
    "CONNECTION_BROKEN": gettext_lazy("The connection to the provider broke"),
    "CONNECTION_REFUSED": gettext_lazy("The provider could not be reached"),
    "CONNECTION_TIMEOUT": gettext_lazy("The provider could not be reached"),
    "HOST_NOT_FOUND": gettext_lazy("The provider could not be reached"),
    "PROVIDER_FAULT": gettext_lazy("The provider had a fault"),
    "NOT_AT_PROVIDER": gettext_lazy("The provider does not know of it"),
    "GENERIC_FAILURE": gettext_lazy("The phone could not send it: mostly no airtime"),
    "21211": gettext_lazy("The number does not exist"),
    "21610": gettext_lazy("The phone has stopped texts at the provider"),
    "21614": gettext_lazy("The number is no mobile"),
    "30003": gettext_lazy("The phone is off or out of reach"),
    "30004": gettext_lazy("The network blocked it"),
    "30005": gettext_lazy("The network does not know the number"),
    "30006": gettext_lazy("The number is a landline or out of reach"),
    "30007": gettext_lazy("The network took it for an unwanted text"),
    "30008": gettext_lazy("The network gives no reason"),
}


def in_words(code: str) -> str:
    """ "The phone is off or out of reach [30003]"; a code that is not known is told as it is."""
    if not code:
        return _("No reason is known")
    return f"{WORDS[code]} [{code}]" if code in WORDS else _("The provider's code %(code)s") % {"code": code}
