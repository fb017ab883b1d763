"""Bodies as the API's description shows them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_ID = "0190a5b0-0000-7000-8000-000000000000"


def _body(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True)


BOOKING = [
    _body(
        "By phone",
        {
            "patient_phone": "71 234 567",
            "patient_name": "Mpho Kgosi",
            "appointment_datetime": "2026-12-01T09:30",
            "visit_type": "check-up",
        },
    ),
    _body("A known patient", {"patient_id": _ID, "appointment_datetime": "2026-12-01T09:30+02:00"}),
]
CHANGE = [
    _body("Move", {"appointment_datetime": "2026-12-02T10:00", "version": 1}),
    _body("Mark as attended", {"attended": True}),
]
BULK = [
    _body(
        "Move two, or neither",
        {
            "operation": "reschedule",
            "items": [
                {"id": _ID, "appointment_datetime": "2026-12-02T10:00"},
                {"id": _ID.replace("5b0", "5b1"), "appointment_datetime": "2026-12-02T10:30", "version": 3},
            ],
            "atomic": True,
        },
    )
]
CLOSURE = [_body("A training", {"date": "2026-12-10", "reason": "Training", "move_to": "2026-12-11"})]
CALL = [_body("Reached", {"outcome": "reached"})]
PATIENT = [_body("A patient", {"phone": "71 234 567", "name": "Mpho Kgosi", "consent": True})]
CONSENT = [_body("Said no", {"consent": False, "consent_source": "nurse", "version": 2})]
SCHEDULE = [
    _body("A text", {"to": "71 234 567", "body": "Please call us.", "send_at": "2026-12-01T09:30+02:00"}),
    _body("A visit's reminder", {"appointment_id": _ID, "send_at": "2026-12-01T09:30"}),
]
