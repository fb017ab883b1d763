"""The admin's menu, in the words of those who work with it. Nobody is shown what they may not open."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Page:
    """`view` is the page's name in the admin; `permission` may be empty: everybody's."""

    title: Any
    icon: str
    view: str
    permission: str

    @property
    def address(self) -> str:
        return reverse(f"admin:{self.view}")


MENU: list[tuple[Any, list[Page]]] = [
    (
        None,
        [
            Page(_("Today"), "today", "index", ""),
            Page(
                _("Book a visit"),
                "calendar_add_on",
                "appointments_appointment_add",
                "appointments.add_appointment",
            ),
            Page(
                _("Appointments"),
                "calendar_month",
                "appointments_appointment_changelist",
                "appointments.view_appointment",
            ),
            Page(
                _("Close a day, move a session"),
                "event_busy",
                "appointments_closure_add",
                "appointments.add_closure",
            ),
            Page(_("Patients"), "groups", "appointments_patient_changelist", "appointments.view_patient"),
            Page(
                _("Patients to phone"),
                "call",
                "appointments_patienttophone_changelist",
                "appointments.view_patienttophone",
            ),
            Page(
                _("Replies to read"), "mark_chat_unread", "messaging_reply_changelist", "messaging.view_reply"
            ),
            Page(
                _("Import a file"),
                "upload_file",
                "appointments_fileimport_add",
                "appointments.add_fileimport",
            ),
        ],
    ),
    (
        _("Stock"),
        [
            Page(_("What runs out"), "trending_down", "stock_stocklevel_report", "stock.view_stocklevel"),
            Page(_("Issue from stock"), "outbox", "stock_stocklevel_issue", "stock.add_movement"),
            Page(_("Stock levels"), "inventory_2", "stock_stocklevel_changelist", "stock.view_stocklevel"),
            Page(_("Stock alerts"), "notifications", "stock_stockalert_changelist", "stock.view_stockalert"),
            Page(_("Items"), "medication", "stock_item_changelist", "stock.view_item"),
            Page(
                _("Items of a visit"),
                "vaccines",
                "stock_visittypeitem_changelist",
                "stock.view_visittypeitem",
            ),
            Page(_("Stock files"), "upload_file", "stock_stockfile_changelist", "stock.view_stockfile"),
        ],
    ),
    (
        _("Reports"),
        [
            Page(
                _("Attendance"),
                "monitoring",
                "appointments_patient_attendance",
                "appointments.view_appointment",
            ),
            Page(
                _("Delivery of texts"),
                "mark_email_read",
                "messaging_message_delivery",
                "messaging.view_message",
            ),
        ],
    ),
    (
        _("Texts"),
        [
            Page(_("Texts sent"), "sms", "messaging_message_changelist", "messaging.view_message"),
            Page(_("Reminders"), "alarm", "appointments_reminder_changelist", "appointments.view_reminder"),
            Page(
                _("Words of the texts"),
                "edit_note",
                "messaging_messagetemplate_changelist",
                "messaging.view_messagetemplate",
            ),
            Page(
                _("Who wants no texts"),
                "do_not_disturb_on",
                "messaging_optout_changelist",
                "messaging.view_optout",
            ),
        ],
    ),
    (
        _("Clinics and people"),
        [
            Page(_("Clinics"), "local_hospital", "accounts_clinic_changelist", "accounts.view_clinic"),
            Page(
                _("Imported files"),
                "folder_open",
                "appointments_fileimport_changelist",
                "appointments.view_fileimport",
            ),
            Page(_("People who sign in"), "badge", "accounts_user_changelist", "accounts.view_user"),
            Page(_("API keys"), "key", "accounts_apikey_changelist", "accounts.view_apikey"),
            Page(
                _("Who changed what"), "history", "accounts_auditentry_changelist", "accounts.view_auditentry"
            ),
        ],
    ),
    (
        _("Running"),
        [
            Page(_("Alarms"), "warning", "messaging_alarm_changelist", "messaging.view_alarm"),
            Page(
                _("Kill switch"),
                "power_settings_new",
                "messaging_sendingswitch_changelist",
                "messaging.view_sendingswitch",
            ),
            Page(
                _("Providers"),
                "cell_tower",
                "messaging_providerstate_changelist",
                "messaging.view_providerstate",
            ),
            Page(_("Failed sign-ins"), "lock", "axes_accessattempt_changelist", "axes.view_accessattempt"),
            Page(_("Background tasks"), "schedule", "django_q_schedule_changelist", "django_q.view_schedule"),
            Page(_("Failed tasks"), "error", "django_q_failure_changelist", "django_q.view_failure"),
        ],
    ),
]


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups with a `title` and `items`, as the theme wants them."""
    groups = [
        (title, [page for page in pages if not page.permission or request.user.has_perm(page.permission)])
        for title, pages in MENU
    ]
    here = _here((page for _title, pages in groups for page in pages), request.path)
    return [
        {
            "title": title,
            "separator": title is not None,
            "items": [
                {"title": page.title, "icon": page.icon, "link": page.address, "active": page is here}
                for page in pages
            ],
        }
        for title, pages in groups
        if pages
    ]


def _here(pages: Iterable[Page], path: str) -> Page | None:
    """The page of the menu that was opened, or the one that what was opened belongs to."""
    home = reverse("admin:index")
    under = [
        page for page in pages if path.startswith(page.address) and (page.address != home or path == home)
    ]
    return max(under, key=lambda page: len(page.address), default=None)


# What is come for most, as big buttons on the first page: address, permission, icon, title.
WAYS = [
    (
        "appointments_appointment_changelist",
        "?day=today",
        "appointments.view_appointment",
        "today",
        _("Today's appointments"),
    ),
    (
        "appointments_appointment_add",
        "",
        "appointments.add_appointment",
        "calendar_add_on",
        _("Book a visit"),
    ),
    ("appointments_patient_changelist", "", "appointments.view_patient", "groups", _("Find a patient")),
    ("appointments_fileimport_add", "", "appointments.add_fileimport", "upload_file", _("Import a file")),
    ("stock_stocklevel_issue", "", "stock.add_movement", "outbox", _("Issue from stock")),
    ("stock_stocklevel_report", "", "stock.view_stocklevel", "trending_down", _("Stock: what runs out")),
    ("messaging_message_changelist", "?day=today", "messaging.view_message", "sms", _("Today's texts")),
    (
        "appointments_patienttophone_changelist",
        "",
        "appointments.change_patienttophone",
        "call",
        _("Patients to phone"),
    ),
    ("messaging_reply_changelist", "", "messaging.view_reply", "mark_chat_unread", _("Replies to read")),
]


def ways(request: HttpRequest) -> list[dict[str, Any]]:
    return [
        {"link": reverse(f"admin:{view}") + query, "icon": icon, "title": title}
        for view, query, permission, icon, title in WAYS
        if request.user.has_perm(permission)
    ]
