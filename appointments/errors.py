from enum import Enum
from typing import Any

from common.errors import DomainError


class InTheWay(Enum):
    PATIENT = "patient"
    CLINIC_FULL = "clinic_full"
    CLOSED = "closed"


class AppointmentConflict(DomainError):
    """The patient or the clinic has no room at that time, or the clinic is closed. `reason` says which.

    `facts` may hold `conflicts_with` (the appointments in the way) and `next_free_slots`.
    """

    code = "APPOINTMENT_CONFLICT"

    def __init__(self, message: str, *, reason: InTheWay, **options: Any) -> None:
        super().__init__(message, **options)
        self.reason = reason
        self.facts["reason"] = reason.value
