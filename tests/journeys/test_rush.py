"""200 callers at once want the last place of a slot, over the whole stack of the API."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from rest_framework.test import APIClient

from appointments.models import Appointment
from tests.factories.accounts import ClinicFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, morning_in

CALLERS = 200


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_200_bookings_at_once_the_last_place_is_given_once_and_all_others_are_told(api):
    clinic = ClinicFactory(slot_capacity=2)
    taken = AppointmentFactory(patient__clinic=clinic)
    patients = PatientFactory.create_batch(CALLERS, clinic=clinic)
    credentials = api(StaffFactory(clinics=[clinic]))._credentials
    when = morning_in(7, clinic).isoformat()
    # As many as there may be connections to the database; each takes its next caller at once.
    workers = 50
    start = threading.Barrier(workers)
    first = threading.local()

    def ask(patient):
        if not hasattr(first, "gone"):
            first.gone = True
            start.wait()
        client = APIClient()
        client.credentials(**credentials)
        try:
            body = {"patient_id": str(patient.pk), "appointment_datetime": when}
            answer = client.post("/api/v1/appointments", body, format="json")
            code = answer.json().get("error", {}).get("code", "")
            return answer.status_code, code
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        answers = Counter(pool.map(ask, patients))
    assert answers == {(201, ""): 1, (409, "APPOINTMENT_CONFLICT"): CALLERS - 1}
    assert Appointment.objects.filter(clinic=clinic).exclude(pk=taken.pk).count() == 1
