"""Who may make which call of the API: each route and method, in one table.

A route that is not here, or a method, fails tests/architecture/test_access.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from django.utils import timezone

from tests.factories.clinic_life import ClinicLife
from tests.factories.stock import ItemFactory

PEOPLE = frozenset({"viewer", "staff", "admin"})
KEYS = frozenset({"viewer key", "staff key", "admin key"})
CALLERS = PEOPLE | KEYS
WRITERS = frozenset({"staff", "admin", "staff key", "admin key"})
ADMINS = frozenset({"admin", "admin key"})


class Scope(Enum):
    """Where a call says whose clinic it is about."""

    NOWHERE = auto()
    # In the path; another clinic's is 404.
    PATH = auto()
    # In what comes back; another clinic's is not in it.
    LIST = auto()
    # In the body, in `Rule.names`; another clinic's is 400.
    BODY = auto()


Body = Callable[[ClinicLife], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`who` may call; `lists` is the kind whose keys a list gives."""

    who: frozenset[str] = frozenset()
    scope: Scope = Scope.NOWHERE
    lists: str = ""
    names: str = ""
    body: Body = field(default=lambda _life: {})
    # For who is not signed in: nobody asks who they are.
    is_open: bool = False
    # What they are answered who may not call: 404 where they may not even know that it is there.
    refusal: int = 403
    # Proved by a signature alone: without one 403 for all.
    is_signed: bool = False


OPEN = Rule(is_open=True)
SIGNED = Rule(is_signed=True)


def read(who: frozenset[str] = CALLERS) -> Rule:
    return Rule(who, Scope.PATH)


def write(who: frozenset[str] = WRITERS) -> Rule:
    return Rule(who, Scope.PATH)


def listing(kind: str) -> Rule:
    return Rule(CALLERS, Scope.LIST, lists=kind)


def naming(names: str, body: Body, who: frozenset[str] = WRITERS) -> Rule:
    return Rule(who, Scope.BODY, names=names, body=body)


FOR_ADMINS = Rule(ADMINS)
FOR_ADMINS_THEMSELVES = Rule(frozenset({"admin"}))
FOR_PEOPLE = Rule(PEOPLE)
# Whole patients stand in a file: only who brought it sees it, and administrators.
ONES_OWN_FILE = Rule(ADMINS, Scope.PATH, refusal=404)
A_PHONE = "+26771999888"


def with_clinic(**given: Any) -> Body:
    return lambda life: {"clinic_id": str(life.clinic), **given}


def with_an_item(life: ClinicLife) -> dict[str, Any]:
    return {"clinic_id": str(life.clinic), "item_id": str(ItemFactory().pk)}


def in_an_hour() -> str:
    return (timezone.now() + timedelta(hours=1)).isoformat()


Rules = Mapping[str, Rule]
WHAT_A_PERSON_MAY: Rules = {
    "GET": FOR_ADMINS,
    "PUT": FOR_ADMINS_THEMSELVES,
    "PATCH": FOR_ADMINS_THEMSELVES,
}
WHAT_ONE_MAY_ALONE: Rules = {"GET": FOR_PEOPLE, "PUT": FOR_PEOPLE, "PATCH": FOR_PEOPLE}

TABLE: dict[str, Rules] = {
    "schema": {"GET": OPEN},
    "docs": {"GET": OPEN},
    "healthz": {"GET": OPEN},
    "readyz": {"GET": OPEN},
    "metrics": {"GET": FOR_ADMINS},
    "auth/login": {"POST": OPEN},
    "auth/refresh": {"POST": OPEN},
    "auth/logout": {"POST": OPEN, "DELETE": OPEN},
    "auth/register": {"POST": OPEN},
    "auth/password": {"POST": FOR_PEOPLE},
    "auth/password/reset": {"POST": OPEN},
    "auth/password/reset/confirm": {"POST": OPEN},
    "audit": {"GET": FOR_ADMINS},
    "api-keys": {"GET": FOR_ADMINS_THEMSELVES, "POST": FOR_ADMINS_THEMSELVES},
    "api-keys/<key>": {"GET": FOR_ADMINS_THEMSELVES, "DELETE": FOR_ADMINS_THEMSELVES},
    "users": {"GET": FOR_ADMINS, "POST": FOR_ADMINS_THEMSELVES},
    # Another person's; one's own is told in tests/accounts/test_api_users.py.
    "users/<user>": {**WHAT_A_PERSON_MAY, "DELETE": FOR_ADMINS_THEMSELVES},
    "users/<user>/preferences": WHAT_A_PERSON_MAY,
    "users/me": WHAT_ONE_MAY_ALONE,
    "users/me/preferences": WHAT_ONE_MAY_ALONE,
    "clinics": {"GET": listing("clinic"), "POST": FOR_ADMINS},
    "clinics/<clinic>": {"GET": read(), "PUT": write(ADMINS), "PATCH": write(ADMINS)},
    "clinics/<clinic>/closures": {"GET": read(), "POST": write()},
    "clinics/<clinic>/closures/<closure>": {"DELETE": write()},
    "patients": {
        "GET": listing("patient"),
        "POST": naming("clinic_id", with_clinic(phone=A_PHONE)),
    },
    "patients/<patient>": {"GET": read(), "PATCH": write()},
    "appointments": {
        "GET": listing("appointment"),
        "POST": naming(
            "patient_id",
            lambda life: {"patient_id": str(life.patient), "appointment_datetime": "2030-01-07T09:00"},
        ),
    },
    "appointments/upcoming": {"GET": listing("appointment")},
    "appointments/call-list": {"GET": Rule(CALLERS)},
    "appointments/bulk": {"POST": Rule(WRITERS)},
    "appointments/upload": {"POST": Rule(WRITERS)},
    "appointments/uploads/<upload>": {"GET": ONES_OWN_FILE},
    "appointments/uploads/<upload>/errors.csv": {"GET": ONES_OWN_FILE},
    "appointments/<appointment>": {"GET": read(), "PUT": write(), "PATCH": write(), "DELETE": write()},
    "appointments/<appointment>/calls": {"POST": write()},
    "templates": {
        "GET": listing("template"),
        "POST": naming("clinic_id", with_clinic(key="reminder", language="en", body="Please come.")),
    },
    "templates/<template>": {"GET": read(), "PUT": write(), "PATCH": write(), "DELETE": write()},
    "sms/send": {"POST": naming("clinic_id", with_clinic(to=A_PHONE, body="Please call us."))},
    "sms/schedule": {
        "POST": naming(
            "appointment_id",
            lambda life: {"appointment_id": str(life.appointment), "send_at": in_an_hour()},
        )
    },
    "sms/preview": {"POST": naming("clinic_id", with_clinic(body="Please call us."), CALLERS)},
    "sms/queue": {"GET": listing("message")},
    "sms/status/<message>": {"GET": read()},
    "sms/<message>/cancel": {"POST": write()},
    "items": {"GET": Rule(CALLERS), "POST": FOR_ADMINS},
    # Items are the same for all clinics.
    "items/<item>": {"GET": Rule(CALLERS), "PUT": FOR_ADMINS, "PATCH": FOR_ADMINS},
    "stock": {"GET": listing("level"), "POST": naming("clinic_id", with_an_item)},
    "stock/low": {"GET": Rule(CALLERS)},
    "stock/bulk": {"POST": Rule(WRITERS)},
    "stock/alert": {"POST": naming("stock_id", lambda life: {"stock_id": str(life.level)})},
    "stock/alerts": {"GET": listing("alert")},
    "stock/alerts/<alert>/acknowledge": {"POST": write()},
    "stock/transfers": {"GET": Rule(CALLERS)},
    "stock/orders": {"GET": listing("order")},
    "stock/orders/<order>": {"GET": read()},
    "stock/orders/<order>/receive": {"POST": write()},
    "stock/orders/<order>/cancel": {"POST": write()},
    "stock/movements/<arrival>/receive": {"POST": write()},
    "stock/movements/<movement>/reverse": {"POST": write()},
    "stock/<level>": {"GET": read(), "PUT": write(), "PATCH": write()},
    "stock/<level>/movements": {"GET": read(), "POST": write()},
    "stock/<level>/orders": {"GET": read(), "POST": write()},
    "reports/stock": {"GET": Rule(CALLERS)},
    "reports/attendance": {"GET": Rule(CALLERS)},
    "reports/delivery": {"GET": Rule(CALLERS)},
    "sms/webhooks/twilio/status": {"POST": SIGNED},
    "sms/webhooks/twilio/inbound": {"POST": SIGNED},
    "sms/webhooks/smsgate": {"POST": SIGNED},
}
# Of providers that are not configured: tests/messaging/test_webhooks_of_others.py.
ELSEWHERE = {"sms/webhooks/other/<str:name>", "sms/webhooks/other/<str:name>/<str:kind>"}
