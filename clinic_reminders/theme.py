"""How the admin looks: names, colours, style sheets. Its menu is in navigation.py."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _


def _style_sheet(_request: HttpRequest) -> str:
    return static("common/admin.css")


def _script(_request: HttpRequest) -> str:
    return static("common/admin.js")


def _icon(_request: HttpRequest) -> str:
    return static("common/icon.svg")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Clinic Reminders"),
    "SITE_HEADER": _("Clinic Reminders"),
    "SITE_URL": None,
    "SITE_SYMBOL": "local_hospital",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "SHOW_LANGUAGES": True,
    "BORDER_RADIUS": "6px",
    # The colours stand in the style sheet: here they would be a style in the page, which the
    # content security policy forbids.
    "STYLES": [_style_sheet],
    "SCRIPTS": [_script],
    "SIDEBAR": {"navigation": "clinic_reminders.navigation.menu"},
}
