import pytest
from django.urls import reverse

from accounts.models import AuditEntry, Clinic, Role, User
from accounts.services import CLINIC_FIELDS
from tests.factories.accounts import (
    PASSWORD,
    AdminFactory,
    ClinicFactory,
    StaffFactory,
    UserFactory,
    ViewerFactory,
)

pytestmark = pytest.mark.django_db

PEOPLE = {"admin": AdminFactory, "staff": StaffFactory, "viewer": ViewerFactory, "nobody": UserFactory}

# Who may open which page: the first letters of admin, staff, viewer.
PAGES = {
    "admin:index": "asv",
    "admin:appointments_appointment_changelist": "asv",
    "admin:appointments_appointment_add": "as",
    "admin:appointments_patient_changelist": "asv",
    "admin:appointments_patient_add": "as",
    "admin:appointments_reminder_changelist": "asv",
    "admin:appointments_reminder_add": "",
    "admin:appointments_fileimport_changelist": "asv",
    "admin:appointments_fileimport_add": "as",
    "admin:messaging_message_changelist": "asv",
    "admin:messaging_message_add": "",
    "admin:messaging_messagetemplate_changelist": "asv",
    "admin:messaging_messagetemplate_add": "as",
    "admin:messaging_optout_changelist": "as",
    "admin:messaging_optout_add": "as",
    "admin:messaging_sendingswitch_changelist": "a",
    "admin:accounts_clinic_changelist": "asv",
    "admin:accounts_clinic_add": "a",
    "admin:accounts_user_changelist": "a",
    "admin:accounts_user_add": "a",
    "admin:accounts_auditentry_changelist": "a",
    "admin:accounts_auditentry_add": "",
    "admin:django_q_schedule_changelist": "a",
    "admin:django_q_schedule_add": "",
    "admin:django_q_ormq_changelist": "a",
    "admin:django_q_failure_changelist": "a",
    "admin:django_q_success_changelist": "a",
}


@pytest.mark.parametrize("role", ["admin", "staff", "viewer"])
@pytest.mark.parametrize("page", PAGES)
def test_a_role_opens_its_pages_and_no_others(client, role, page):
    client.force_login(PEOPLE[role](clinics=[ClinicFactory()]))
    expected = 200 if role[0] in PAGES[page] else 403
    assert client.get(reverse(page)).status_code == expected


@pytest.mark.parametrize("page", PAGES)
def test_someone_without_a_role_opens_no_page(client, page):
    client.force_login(UserFactory())
    assert client.get(reverse(page)).status_code == 302


def test_groups_are_not_offered(client):
    client.force_login(AdminFactory())
    assert "auth" not in client.get(reverse("admin:index")).content.decode()


# Clinics


def clinic_form(clinic: Clinic, **changes: object) -> dict[str, object]:
    form = {field: getattr(clinic, field) for field in CLINIC_FIELDS}
    form |= {"version": clinic.version, "reminder_hours_before": "168, 24", "opening_hours": HOURS}
    return {name: value for name, value in (form | changes).items() if value not in (None, False)}


HOURS = "\n".join(
    [*(f"{day} 07:30-16:30" for day in ("Mon", "Tue", "Wed", "Thu", "Fri")), "Sat closed", "Sun closed"]
)


def change_page(thing: object) -> str:
    opts = thing._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[thing.pk])


def test_an_admin_changes_a_clinic_and_the_log_says_who(client):
    admin, clinic = AdminFactory(), ClinicFactory()
    client.force_login(admin)
    client.post(change_page(clinic), clinic_form(clinic, name="New name", reminder_hours_before="48 2"))
    clinic.refresh_from_db()
    entry = AuditEntry.objects.get(object_id=clinic.pk)
    assert (clinic.name, clinic.reminder_hours_before, clinic.version) == ("New name", [48, 2], 2)
    assert (entry.actor_id, set(entry.changes)) == (admin.pk, {"name", "reminder_hours_before"})


def test_saving_a_clinic_as_it_is_changes_nothing(client):
    clinic = ClinicFactory()
    client.force_login(AdminFactory())
    assert client.post(change_page(clinic), clinic_form(clinic)).status_code == 302
    clinic.refresh_from_db()
    assert clinic.version == 1


def test_opening_hours_that_cannot_be_read_are_refused_at_their_field(client):
    clinic = ClinicFactory()
    client.force_login(AdminFactory())
    page = client.post(change_page(clinic), clinic_form(clinic, opening_hours="Mon 8-9"))
    assert "opening_hours" in page.context["adminform"].form.errors


@pytest.mark.parametrize("phone", ["call us", "1234", "+267 <b>", "390 12 34 x5", "٣٩٠١٢٣٤"])
def test_a_clinics_phone_that_is_none_is_refused_at_the_phone(client, phone):
    client.force_login(AdminFactory())
    clinic = ClinicFactory()
    page = client.post(change_page(clinic), clinic_form(clinic, phone=phone))
    assert "phone" in page.context["adminform"].form.errors


@pytest.mark.parametrize("phone", ["+267 390 1234", "(0390) 12-34", "16649"])
def test_a_clinics_phone_may_be_any_that_can_be_dialled(client, phone):
    client.force_login(AdminFactory())
    clinic = ClinicFactory()
    client.post(change_page(clinic), clinic_form(clinic, phone=phone))
    clinic.refresh_from_db()
    assert clinic.phone == phone


def test_a_stale_clinic_page_overwrites_nothing(client):
    clinic = ClinicFactory(name="Kept")
    client.force_login(AdminFactory())
    Clinic.objects.update(version=2)
    page = client.post(change_page(clinic), clinic_form(clinic, name="Overwritten"))
    clinic.refresh_from_db()
    assert clinic.name == "Kept"
    assert "Someone has changed this meanwhile" in page.content.decode()


def test_staff_look_at_their_own_clinic_only(client):
    own, other = ClinicFactory(), ClinicFactory()
    client.force_login(StaffFactory(clinics=[own]))
    assert client.get(change_page(own)).status_code == 200
    assert client.get(change_page(other)).status_code == 404


def test_staff_cannot_change_their_clinic(client):
    own = ClinicFactory()
    client.force_login(StaffFactory(clinics=[own]))
    assert client.post(change_page(own), clinic_form(own, name="Mine")).status_code == 403


# Users


def user_form(user: User, **changes: object) -> dict[str, object]:
    form = {"username": user.username, "role": user.role, "is_active": "on", "version": user.version}
    form["clinics"] = [clinic.pk for clinic in user.clinics.all()]
    return {name: value for name, value in (form | changes).items() if value is not None}


def test_an_admin_adds_a_person_who_can_then_sign_in(client):
    clinic = ClinicFactory()
    client.force_login(AdminFactory())
    given = {"username": "neo", "password1": PASSWORD, "password2": PASSWORD, "role": "staff"}
    client.post(reverse("admin:accounts_user_add"), given | {"clinics": [clinic.pk]})
    neo = User.objects.get(username="neo")
    assert (neo.role, list(neo.clinics.all()), neo.check_password(PASSWORD)) == ("staff", [clinic], True)
    assert AuditEntry.objects.get(object_id=neo.pk).action == "added"


def test_an_admin_gives_a_person_a_role_and_clinics(client):
    person, clinic = UserFactory(), ClinicFactory(code="GAB01")
    client.force_login(AdminFactory())
    client.post(change_page(person), user_form(person, role="viewer", clinics=[clinic.pk]))
    person.refresh_from_db()
    assert (person.role, list(person.clinics.all())) == ("viewer", [clinic])
    assert AuditEntry.objects.get(object_id=person.pk).changes["clinics"] == [[], ["GAB01"]]


def test_who_waits_for_approval_is_found_and_let_in(client):
    person, clinic = UserFactory(is_active=False, is_waiting=True), ClinicFactory()
    client.force_login(AdminFactory())
    listed = client.get(reverse("admin:accounts_user_changelist"), {"is_waiting__exact": "1"}).context["cl"]
    assert [user.pk for user in listed.result_list] == [person.pk]
    assert "Waits for approval" in client.get(change_page(person)).content.decode()
    given = user_form(person, role="staff", clinics=[clinic.pk], stock_manager_of=[clinic.pk])
    client.post(change_page(person), given)
    person.refresh_from_db()
    assert (person.is_active, person.is_waiting, list(person.stock_manager_of.all())) == (
        True,
        False,
        [clinic],
    )


def test_a_registration_is_declined_by_a_step(client):
    person = UserFactory(is_active=False, is_waiting=True)
    client.force_login(AdminFactory())
    client.post(reverse("admin:accounts_user_step", args=[person.pk]), {"step": "decline", "sure": "yes"})
    person.refresh_from_db()
    assert (person.is_active, person.is_waiting) == (False, False)


def test_a_phone_that_gets_no_texts_is_refused_at_the_phone(client):
    person = StaffFactory()
    client.force_login(AdminFactory())
    page = client.post(change_page(person), user_form(person, phone="3901234"))
    assert "phone" in page.context["adminform"].form.errors


def test_a_person_is_deactivated_and_not_deleted(client):
    person = StaffFactory()
    client.force_login(AdminFactory())
    assert client.get(reverse("admin:accounts_user_delete", args=[person.pk])).status_code == 403
    client.post(change_page(person), user_form(person, is_active=None))
    person.refresh_from_db()
    assert not person.is_active


def test_nobody_changes_their_own_role_clinics_or_activity(client):
    admin = AdminFactory()
    client.force_login(admin)
    wanted = user_form(admin, role="viewer", is_active=None, clinics=[ClinicFactory().pk])
    client.post(change_page(admin), wanted)
    admin.refresh_from_db()
    assert (admin.role, admin.is_active, admin.clinics.count()) == (Role.ADMIN, True, 0)


def test_a_new_password_is_recorded_without_the_password(client):
    admin, person = AdminFactory(), StaffFactory()
    client.force_login(admin)
    page = reverse("admin:auth_user_password_change", args=[person.pk])
    client.post(page, {"password1": "another-long-one", "password2": "another-long-one"})
    person.refresh_from_db()
    entry = AuditEntry.objects.get(object_id=person.pk)
    assert person.check_password("another-long-one")
    assert (entry.action, entry.actor_id, entry.changes) == ("password set", admin.pk, {})


def test_ones_own_new_password_is_recorded_and_keeps_one_signed_in(client):
    nurse = StaffFactory()
    client.force_login(nurse)
    new = {"old_password": PASSWORD, "new_password1": "another-long-one", "new_password2": "another-long-one"}
    client.post(reverse("admin:password_change"), new)
    assert AuditEntry.objects.get(object_id=nurse.pk).action == "password set"
    assert client.get(reverse("admin:index")).status_code == 200


# The log


def test_the_log_is_searched_by_name_and_by_object(client):
    admin, clinic = AdminFactory(username="mpho"), ClinicFactory()
    client.force_login(admin)
    client.post(change_page(clinic), clinic_form(clinic, name="New name"))
    log = reverse("admin:accounts_auditentry_changelist")
    found = [
        client.get(log, {"q": term}).context["cl"].result_count for term in ("mpho", clinic.pk, "nobody")
    ]
    assert found == [1, 1, 0]


def test_nobody_changes_the_log(client):
    clinic = ClinicFactory()
    client.force_login(AdminFactory(is_superuser=True))
    client.post(change_page(clinic), clinic_form(clinic, name="New name"))
    entry = AuditEntry.objects.get()
    assert client.post(change_page(entry), {"action": "other"}).status_code == 403


# Signing in, and pages that are not there


def test_after_too_many_wrong_passwords_a_page_says_how_long_to_wait(client):
    nurse = StaffFactory()
    wrong = {"username": nurse.username, "password": "wrong"}
    answers = [client.post(reverse("admin:login"), wrong) for _ in range(6)]
    assert answers[-1].status_code == 429
    assert "15 minutes" in answers[-1].content.decode()


def test_a_page_that_is_not_there_says_so_plainly(client):
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    assert "This page is not here" in answer.content.decode()


def test_no_page_needs_inline_styles_or_scripts():
    from tests.architecture.house import ROOT

    offenders = [
        path.name
        for path in (ROOT / "templates").rglob("*.html")
        if path.parent.name != "mails"
        if "style=" in path.read_text() or "<style" in path.read_text() or "<script>" in path.read_text()
    ]
    assert offenders == []
