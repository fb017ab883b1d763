from common.errors import DomainError


class AppointmentConflict(DomainError):
    """The patient or the clinic has no room at that time."""

    code = "APPOINTMENT_CONFLICT"
