import json
import stat
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import AuditEntry, Clinic, User
from appointments.demo import district
from appointments.demo.clinics import CLINICS, add_clinics
from appointments.demo.sign_ins import WELL_KNOWN, PasswordState, ensure_sign_ins
from appointments.models import Appointment, Patient, Reminder
from common.phones import parse_mobile
from messaging.models import Message
from messaging.providers.base import Provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial(settings, tmp_path):
    settings.DEBUG = True
    settings.VAR_DIR = tmp_path
    return tmp_path


def seed(*options):
    out = StringIO()
    call_command("seed_demo", *options, stdout=out)
    return out.getvalue()


def sign_ins(directory, *, public):
    found = ensure_sign_ins(directory / "demo-sign-ins.json", public=public, now=timezone.now())
    return {one.username: one for one in found}


def state_of_the_database():
    return {
        model: list(model.objects.order_by("pk").values())
        for model in (Clinic, User, Patient, Appointment, Reminder, Message, AuditEntry)
    }


def test_the_first_run_says_what_the_import_took_and_who_can_sign_in(trial):
    told = seed()
    assert "created 34, updated 0, unchanged 0, rejected 6" in told
    assert {"admin", "nurse.gab", "nurse.frw", "viewer"} <= set(told.split())


def test_a_second_run_changes_nothing(trial):
    seed()
    sample = (trial / "sample-appointments.csv").read_bytes()
    before = state_of_the_database()
    told = seed()
    assert state_of_the_database() == before
    assert (trial / "sample-appointments.csv").read_bytes() == sample
    assert WELL_KNOWN in told


def test_a_nurses_own_clinic_settings_outlive_a_second_run(trial):
    seed()
    Clinic.objects.filter(code="GAB01").update(name="Renamed", default_language="en")
    seed()
    assert Clinic.objects.get(code="GAB01").name == "Renamed"


def test_it_refuses_while_debug_is_off(trial, settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="--force"):
        seed()
    assert not Clinic.objects.exists()


class FarProvider(Provider):
    """Texts would leave the machine."""

    name = "far"


def test_it_refuses_while_texts_would_leave_the_machine(trial, settings):
    settings.SMS_PROVIDERS = [f"{__name__}.FarProvider"]
    with pytest.raises(CommandError, match="SMS_PROVIDERS names far"):
        seed()
    assert not Patient.objects.exists()


def test_forced_with_debug_off_the_passwords_are_random(trial, settings):
    settings.DEBUG = False
    told = seed("--force")
    assert WELL_KNOWN not in told
    passwords = json.loads((trial / "demo-sign-ins.json").read_text())
    assert len(set(passwords.values())) == 4
    assert all(User.objects.get(username=name).check_password(word) for name, word in passwords.items())


def test_random_passwords_are_readable_by_their_owner_only_and_told_again(tmp_path):
    first = sign_ins(tmp_path, public=True)
    second = sign_ins(tmp_path, public=True)
    assert stat.S_IMODE((tmp_path / "demo-sign-ins.json").stat().st_mode) == 0o600
    assert {n: s.password for n, s in first.items()} == {n: s.password for n, s in second.items()}


def test_well_known_passwords_end_when_others_can_reach_the_site(tmp_path):
    sign_ins(tmp_path, public=False)
    found = sign_ins(tmp_path, public=True)
    assert {one.state for one in found.values()} == {PasswordState.REPLACED}
    assert not any(user.check_password(WELL_KNOWN) for user in User.objects.all())
    assert User.objects.get(username="admin").check_password(found["admin"].password)


def test_a_password_that_somebody_has_set_stays(tmp_path):
    sign_ins(tmp_path, public=False)
    user = User.objects.get(username="nurse.gab")
    user.set_password("of-her-own-choice")
    user.save()
    for public in (False, True):
        assert sign_ins(tmp_path, public=public)["nurse.gab"].state is PasswordState.OWN
    user.refresh_from_db()
    assert user.check_password("of-her-own-choice")


def test_demo_people_sign_in_where_their_role_lets_them(tmp_path, rf):
    add_clinics(CLINICS, now=timezone.now())
    sign_ins(tmp_path, public=False)
    nurse = authenticate(rf.post("/"), username="nurse.gab", password=WELL_KNOWN)
    assert nurse is not None
    assert list(nurse.clinics.values_list("code", flat=True)) == ["GAB01"]


def test_a_district_is_filled_once(trial):
    now = timezone.now()
    assert district.add(now=now, patients=5) == 20 * 5 * district.VISITS_A_PATIENT
    assert district.add(now=now, patients=5) == 0


def test_a_districts_phones_are_mobiles(trial):
    district.add(now=timezone.now(), patients=2)
    phones = list(Patient.objects.values_list("phone", flat=True))
    assert [parse_mobile(phone) for phone in phones] == phones
