"""Visits by the million, with their patients, reminders and texts, in 50 clinics.

They lie between two years ago and eight months from now, of each patient four, 250 days apart. Of each visit
that is over, the reminder of the day before has left. Left out are the log of changes and events of texts.
"""

from datetime import datetime, timedelta

from django.db import connection

from accounts.models import Clinic
from appointments.models import Appointment, Patient, Reminder
from bench.rows import fill_table

CLINICS = 50
VISITS_A_PATIENT = 4
ONE_DAY = timedelta(hours=24)

# Keys in the order of making, as the site's own are.
KEY = "('01900000-000{kind}-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"
PATIENT, VISIT, REMINDER, TEXT = (
    KEY.format(kind=kind, number=number)
    for kind, number in enumerate(("p", "v", "v * 2 + (hours / 168)", "v"))
)

PATIENTS = f"""
INSERT INTO appointments_patient (
    id, clinic_id, patient_number, name, name_key, phone, consent, consent_source, consent_at,
    imported_cells, version, created_at, updated_at
)
SELECT {PATIENT}, (%(clinics)s::uuid[])[1 + p %% {CLINICS}], 'P' || p, 'Neo ' || p, 'neo ' || p,
    '+26771' || lpad((p %% 1000000)::text, 6, '0'), true, 'file', %(now)s - interval '800 days',
    '{{}}', 1, %(now)s - interval '800 days', %(now)s - interval '800 days'
FROM generate_series(0, %(visits)s / {VISITS_A_PATIENT} - 1) p
"""
VISITS = f"""
INSERT INTO appointments_appointment (
    id, clinic_id, patient_id, reference, starts_at, ends_at, duration_minutes, visit_type, language,
    status, imported_cells, import_key, version, created_at, updated_at
)
SELECT {VISIT}, (%(clinics)s::uuid[])[1 + p %% {CLINICS}], {PATIENT}, 'R' || v, starts_at,
    starts_at + interval '30 minutes', 30, 'Blood pressure', 'en',
    CASE WHEN p %% 19 = 0 THEN 'cancelled'
        WHEN starts_at > %(now)s THEN CASE WHEN p %% 5 = 0 THEN 'confirmed' ELSE 'booked' END
        WHEN p %% 7 = 0 THEN 'missed' ELSE 'attended' END,
    '{{}}', '', 1, starts_at - interval '30 days', starts_at - interval '30 days'
FROM (
    SELECT v, p, date_trunc('day', %(now)s) + interval '05:30' + p / 12500 %% 18 * interval '30 minutes'
        + (v %% {VISITS_A_PATIENT} * 250 + (p / {CLINICS} * 37 + p) %% 250 - 750) * interval '1 day'
        AS starts_at
    FROM (SELECT v, v / {VISITS_A_PATIENT} AS p FROM generate_series(0, %(visits)s - 1) v) numbers
) timed
"""
# Nothing falls due by itself while passes are measured.
REMINDERS = f"""
INSERT INTO appointments_reminder (id, appointment_id, hours_before, visit_at, due_at, state, message_id)
SELECT {REMINDER}, {VISIT}, hours, starts_at, due_at,
    CASE WHEN due_at > %(now)s + interval '1 day' THEN 'planned'
        WHEN due_at < %(now)s AND hours = 24 THEN 'queued' ELSE 'skipped' END,
    CASE WHEN due_at < %(now)s AND hours = 24 THEN {TEXT} END
FROM (
    SELECT ('x' || right(id::text, 12))::bit(48)::bigint AS v, starts_at, hours,
        starts_at - hours * interval '1 hour' AS due_at
    FROM appointments_appointment CROSS JOIN (VALUES (24), (168)) rules (hours)
    WHERE NOT (status = 'cancelled' AND starts_at > %(now)s)
) due
"""
TEXTS = """
INSERT INTO messaging_message (
    id, clinic_id, channel, for_staff, purpose, "to", subject, body, html, language, segments, encoding,
    subject_type, subject_id, subject_at, recipient_id, dedupe_key, follow_up, urgent, status, send_at,
    expires_at, attempts, provider, next_provider, provider_message_id, error_code, error_message,
    error_permanent, silent_tries, look_ups, created_at, sent_at, delivered_at, updated_at
)
SELECT message_id, visit.clinic_id, 'sms', false, 'reminder', phone, '',
    'Dumela. Please come to the clinic tomorrow at 09:00. Questions: 390 0000', '', 'en', 1, 'GSM-7',
    'appointments.appointment', visit.id, visit_at, patient_id, 'reminder:' || reminder.id, 0, false,
    CASE WHEN get_byte(uuid_send(visit.id), 15) < 10 THEN 'undelivered' ELSE 'delivered' END, due_at,
    visit_at - interval '2 hours', 1, 'twilio', '', 'SM' || replace(message_id::text, '-', ''), '', '',
    false, 0, 0, due_at, due_at + interval '30 seconds', due_at + interval '40 seconds',
    due_at + interval '40 seconds'
FROM appointments_reminder reminder
JOIN appointments_appointment visit ON visit.id = appointment_id
JOIN appointments_patient patient ON patient.id = patient_id
WHERE message_id IS NOT NULL
"""


def fill(visits: int, now: datetime) -> list[Clinic]:
    """The clinics, which text at any hour."""
    clinics = Clinic.objects.bulk_create(
        Clinic(code=f"B{n:03d}", name=f"Clinic {n}", phone="+2673900000", quiet_from=None, quiet_to=None)
        for n in range(CLINICS)
    )
    sizes = {"visits": visits, "clinics": [str(clinic.pk) for clinic in clinics], "now": now}
    with connection.cursor() as cursor:
        fill_table(cursor, "appointments_patient", PATIENTS, sizes)
        fill_table(cursor, "appointments_appointment", VISITS, sizes)
        fill_table(cursor, "appointments_reminder", REMINDERS, sizes)
        fill_table(cursor, "messaging_message", TEXTS, sizes)
    return clinics


def book_with_reminders_due(clinics: list[Clinic], count: int, now: datetime) -> None:
    """So many visits of as many new patients, each with its reminder of the day before due now."""
    visit_at = now + ONE_DAY - timedelta(minutes=1)
    start = Patient.objects.filter(patient_number="").count()
    patients = [
        Patient(
            clinic=clinics[n % len(clinics)],
            name=f"Patient {n}",
            name_key=f"patient {n}",
            phone=f"+26772{n:06d}",
            consent=True,
            consent_source="nurse",
            consent_at=now,
            created_at=now,
            updated_at=now,
        )
        for n in range(start, start + count)
    ]
    visits = [
        Appointment(
            clinic=patient.clinic,
            patient=patient,
            starts_at=visit_at,
            duration_minutes=30,
            ends_at=visit_at + timedelta(minutes=30),
            language="en",
            created_at=now,
            updated_at=now,
        )
        for patient in patients
    ]
    reminders = [
        Reminder(appointment=visit, hours_before=24, visit_at=visit_at, due_at=visit_at - ONE_DAY)
        for visit in visits
    ]
    for model, rows in ((Patient, patients), (Appointment, visits), (Reminder, reminders)):
        model.objects.bulk_create(rows, batch_size=1000)
