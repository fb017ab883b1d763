"""A clinic with one thing of each kind in it, for tests that go through all calls of the API."""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from accounts.audit import SYSTEM
from accounts.models import Clinic, User
from appointments.models import Closure, FileImport
from stock.orders import place_order
from stock.transfers import transfer_out
from tests.factories.appointments import AppointmentFactory, ReminderFactory, morning_in
from tests.factories.messaging import MessageFactory, MessageTemplateFactory
from tests.factories.stock import StockAlertFactory, stocked


@dataclass(frozen=True, slots=True)
class ClinicLife:
    """The keys of what is there: an appointment of tomorrow, its patient, a text that waits, and so on."""

    clinic: UUID
    appointment: UUID
    patient: UUID
    message: UUID
    template: UUID
    closure: UUID
    upload: UUID
    item: UUID
    level: UUID
    movement: UUID
    arrival: UUID | None
    order: UUID
    alert: UUID


def clinic_life(clinic: Clinic, person: User, *, alone: bool = False) -> ClinicLife:
    """`person` is who uploaded a file; a clinic that is `alone` gets no stock from another one."""
    visit = AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(1, clinic))
    ReminderFactory(appointment=visit)
    now = timezone.now()
    day = morning_in(30, clinic).date()
    upload = FileImport.objects.create(
        clinic=clinic,
        clinic_ids=[str(clinic.pk)],
        uploaded_by=person,
        uploaded_at=now,
        filename="a.csv",
        content=b"",
        state=FileImport.State.DONE,
    )
    level = stocked(10, clinic=clinic)
    order = place_order(level_id=level.pk, quantity=5, actor=SYSTEM, now=now)
    arrival = None
    if not alone:
        elsewhere = stocked(5, item=level.item)
        arrival = transfer_out(level_id=elsewhere.pk, to_clinic=clinic, quantity=1, actor=SYSTEM, now=now).pk
    return ClinicLife(
        clinic=clinic.pk,
        appointment=visit.pk,
        patient=visit.patient_id,
        message=MessageFactory(clinic=clinic).pk,
        template=MessageTemplateFactory(clinic=clinic, key="missed").pk,
        closure=Closure.objects.create(clinic=clinic, date=day, reason="", created_at=now).pk,
        upload=upload.pk,
        item=level.item_id,
        level=level.pk,
        movement=level.movements.get().pk,
        arrival=arrival,
        order=order.pk,
        alert=StockAlertFactory(level=level).pk,
    )
