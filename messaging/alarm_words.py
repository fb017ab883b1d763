"""What an alarm says, and what to do: for a nurse or an administrator, in their own language."""

from collections import defaultdict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messaging.models import Alarm, AlarmKind

SAYS = {
    AlarmKind.NOTHING_LEAVES: gettext_lazy(
        "%(count)s texts should have left, and none has left for %(minutes)s minutes."
    ),
    AlarmKind.TOO_SLOW: gettext_lazy("The first of %(count)s texts has waited for %(minutes)s minutes."),
    AlarmKind.SENDING_OFF: gettext_lazy("Sending is switched off, and %(count)s texts wait."),
    AlarmKind.REMINDERS_LATE: gettext_lazy("%(count)s reminders are due, and no text was made of them."),
    AlarmKind.NONE_ARRIVES: gettext_lazy(
        "%(subject)s: of the %(count)s reminders of the last 24 hours none was sent."
    ),
    AlarmKind.PROVIDER_DOWN: gettext_lazy(
        "%(subject)s has not worked for more than 10 minutes. Its last error: %(code)s."
    ),
    AlarmKind.ACCOUNT_CLOSED: gettext_lazy("%(provider)s refuses our account. It says: %(code)s."),
    AlarmKind.SET_UP_WRONG: gettext_lazy("%(provider)s can't send texts as it is set up. It says: %(code)s."),
    AlarmKind.FILTERED: gettext_lazy("%(provider)s blocks “%(purpose)s” texts. It says: %(code)s."),
    AlarmKind.BALANCE_LOW: gettext_lazy("%(subject)s has %(amount)s %(currency)s left."),
    AlarmKind.UNKNOWN_STAYS: gettext_lazy("Of %(count)s texts nobody can say whether they were sent."),
    AlarmKind.MANY_FAIL: gettext_lazy(
        "Of %(count)s texts given to %(subject)s in the last hour, %(failed)s did not arrive."
    ),
}

DO = {
    AlarmKind.NOTHING_LEAVES: gettext_lazy(
        "Look at Providers: is each one pinned to “never”? Restart the worker (manage.py qcluster) "
        "and look at its log."
    ),
    AlarmKind.TOO_SLOW: gettext_lazy(
        "More texts come than the provider may be given. Look at Providers for its speed, and raise "
        "SMS_MAX_PER_SECOND or add a second provider."
    ),
    AlarmKind.SENDING_OFF: gettext_lazy(
        "Switch sending on again with the kill switch when the reason for it is over, or cancel what waits."
    ),
    AlarmKind.REMINDERS_LATE: gettext_lazy("Look at Failed tasks and at the worker's log."),
    AlarmKind.NONE_ARRIVES: gettext_lazy(
        "Open Messages with this clinic's failed texts: each says why. Phone the patients on the call list."
    ),
    AlarmKind.PROVIDER_DOWN: gettext_lazy(
        "A phone: is it on, charged, in the network, with airtime? Twilio: look at its status page. "
        "Mail: is the server of EMAIL_URL there? "
        "Texts go to the next provider meanwhile, where there is one."
    ),
    AlarmKind.ACCOUNT_CLOSED: gettext_lazy(
        "Check the account at the provider (paid? suspended?), and the account's name and password in "
        "the settings."
    ),
    AlarmKind.SET_UP_WRONG: gettext_lazy(
        "Look the code up at the provider: most often the sender, its registration or the allowed "
        "countries are wrong."
    ),
    AlarmKind.FILTERED: gettext_lazy(
        "The network takes the text for spam. Write the template differently, without links and capitals, "
        "and register the sender."
    ),
    AlarmKind.BALANCE_LOW: gettext_lazy("Pay in at the provider."),
    AlarmKind.UNKNOWN_STAYS: gettext_lazy(
        "The patients are on the call list: phone them. Don't send the texts again by hand."
    ),
    AlarmKind.MANY_FAIL: gettext_lazy(
        "Open Messages with the failed texts and look at their codes. If it goes on, set another provider "
        "first, or this one to “never use it”."
    ),
}


def in_words(alarm: Alarm) -> str:
    """What is wrong, in one or two sentences."""
    facts = defaultdict(lambda: "?", alarm.facts, subject=alarm.subject)
    return str(SAYS[AlarmKind(alarm.kind)]) % facts


def advice(alarm: Alarm) -> str:
    return str(DO[AlarmKind(alarm.kind)])


def state_in_words(alarm: Alarm) -> str:
    if alarm.closed_at is not None:
        return _("over")
    if alarm.acknowledged_at is not None:
        return _("%(who)s looks after it") % {"who": alarm.acknowledged_by}
    return _("open")
