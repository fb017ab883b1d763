"""The admin's pages of visits: where they are, what their forms send, and what they say."""

from django.urls import reverse

from tests.factories.appointments import morning_in

LIST = reverse("admin:appointments_appointment_changelist")
ADD = reverse("admin:appointments_appointment_add")


def page_of(appointment):
    return reverse("admin:appointments_appointment_change", args=[appointment.pk])


def step_of(appointment):
    return reverse("admin:appointments_appointment_step", args=[appointment.pk])


def booking(patient, **changes):
    day = morning_in(7, patient.clinic).date().isoformat()
    return {"patient": patient.pk, "starts_at_0": day, "starts_at_1": "09:30", **changes}


def changed(appointment, **changes):
    local = appointment.starts_at.astimezone(appointment.clinic.zone)
    form = {
        "starts_at_0": local.date().isoformat(),
        "starts_at_1": f"{local:%H:%M}",
        "duration_minutes": appointment.duration_minutes,
        "visit_type": appointment.visit_type,
        "language": appointment.language,
        "reference": appointment.reference,
        "version": appointment.version,
    }
    return form | changes


def errors_of(page):
    return page.context["adminform"].form.errors


def refused(page):
    """What the page for booking says, by field."""
    return page.context["form"].errors


def listed(page):
    return [appointment.pk for appointment in page.context["cl"].result_list]
