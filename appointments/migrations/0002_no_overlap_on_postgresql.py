from django.db import migrations

ADD = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
ALTER TABLE appointments_appointment ADD CONSTRAINT appointment_no_overlap_for_a_patient
    EXCLUDE USING gist (patient_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
    WHERE (status IN ('booked', 'confirmed'));
"""
REMOVE = "ALTER TABLE appointments_appointment DROP CONSTRAINT appointment_no_overlap_for_a_patient;"


def add(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ADD)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(REMOVE)


class Migration(migrations.Migration):
    """A patient's live visits never overlap. SQLite has no such constraint; there the only writer checks."""

    dependencies = [("appointments", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
