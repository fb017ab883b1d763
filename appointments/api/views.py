from django.db.models import F, Prefetch

from accounts.api.scoping import InClinics
from appointments.api.filters import AppointmentFilters
from appointments.api.serializers import AppointmentSerializer
from appointments.models import Appointment, Reminder
from common.rest.views import DetailView, ListView

WITH_REMINDERS = Appointment.objects.select_related("clinic", "patient").prefetch_related(
    Prefetch(
        "reminders",
        queryset=Reminder.objects.filter(visit_at=F("appointment__starts_at")).select_related("message"),
        to_attr="present_reminders",
    )
)


class AppointmentList(InClinics, ListView):
    kind = "appointments.appointment"
    queryset = WITH_REMINDERS
    serializer_class = AppointmentSerializer
    filterset_class = AppointmentFilters
    sort_fields = {
        "appointment_datetime": "starts_at",
        "created_at": "created_at",
        "updated_at": "updated_at",
        "patient_name": "patient__name",
        "status": "status",
    }
    default_sort = "appointment_datetime"


class AppointmentDetail(InClinics, DetailView):
    kind = "appointments.appointment"
    queryset = WITH_REMINDERS
    serializer_class = AppointmentSerializer
