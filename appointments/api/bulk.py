from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from accounts.access import visible_to
from accounts.audit import Actor
from accounts.models import User
from appointments import services
from appointments.api import examples
from appointments.api.bodies import Moment, NewVisit, Reach, visit_of, who_of
from appointments.api.serializers import AppointmentSerializer
from appointments.api.views import WITH_REMINDERS, Appointments
from appointments.bulk import Booking, Change, run
from appointments.models import MAX_DURATION_MINUTES, Appointment
from common.errors import DomainError, ValidationFailed
from common.rest.bulk import ItemError, all_or_none, answered
from common.rest.serializers import Body

MOST_ITEMS = 1_000


class ItemAbout(Body):
    """An item about a visit that is there. Its id alone will do too."""

    id = serializers.UUIDField()
    version = serializers.IntegerField(required=False)


class ItemMoved(ItemAbout):
    appointment_datetime = Moment(help_text="Without an offset, on the clinic's clock.")
    duration_minutes = serializers.IntegerField(required=False, min_value=1, max_value=MAX_DURATION_MINUTES)


SERVICES: dict[str, Callable[..., Appointment]] = {
    "cancel": services.cancel,
    "reschedule": services.change,
    "mark_attended": partial(services.mark_attendance, attended=True),
    "mark_missed": partial(services.mark_attendance, attended=False),
}


class BulkBody(Body):
    operation = serializers.ChoiceField(["create", *SERVICES])
    items = serializers.ListField(
        child=serializers.JSONField(allow_null=True),
        allow_empty=False,
        max_length=MOST_ITEMS,
        help_text="As POST takes them, or `id` and `version`; to move, `appointment_datetime`.",
    )
    atomic = serializers.BooleanField(required=False, default=False, help_text="All or none.")


class ItemResult(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="The item's place in the request, from 0.")
    status = serializers.IntegerField(help_text="As the call for one would answer: 200, 201, 400, 409.")
    object = AppointmentSerializer(required=False)
    error = ItemError(required=False)


class BulkAnswer(serializers.Serializer[Any]):
    operation = serializers.CharField()
    atomic = serializers.BooleanField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = ItemResult(many=True)


Read = Change | Booking | Exception


class Bulk(Appointments):
    """Up to 1,000 changes at once, each with its own result, in order."""

    summaries = {"POST": "Book or change many appointments"}
    serializer_class = BulkBody

    @extend_schema(request=BulkBody, responses={200: BulkAnswer}, examples=examples.BULK)
    def post(self, request: Any) -> Response:
        body = self.body(request)
        operation, atomic = body["operation"], body["atomic"]
        read = _Reader(operation, request.user, timezone.now()).read(body["items"])
        results: list[Any] = list(read)
        if not (atomic and any(isinstance(item, Exception) for item in read)):
            places = [place for place, item in enumerate(read) if not isinstance(item, Exception)]
            done = run([item for item in read if not isinstance(item, Exception)], all_or_none=atomic)
            for place, result in zip(places, done, strict=True):
                results[place] = result
        if atomic:
            results = all_or_none(results)
        found = WITH_REMINDERS.in_bulk([r.pk for r in results if isinstance(r, Appointment)])
        context = self.get_serializer_context()
        told = answered(
            results,
            lambda visit: AppointmentSerializer(found[visit.pk], context=context).data,
            status=201 if operation == "create" else 200,
        )
        return Response({"operation": operation, "atomic": atomic, **told})


class _Reader:
    """Items as the changes that they ask for, or why they can't be read; in a bounded number of queries."""

    def __init__(self, operation: str, user: User, now: datetime) -> None:
        self._operation, self._user, self._now = operation, user, now
        self._actor = Actor.of(user)
        self._reach = Reach(user)

    def read(self, items: Sequence[Any]) -> list[Read]:
        bodies = {"create": NewVisit, "reschedule": ItemMoved}
        checked = [_checked(bodies.get(self._operation, ItemAbout), item) for item in items]
        given = [item for item in checked if not isinstance(item, ValidationError)]
        if self._operation == "create":
            self._reach.look_up_patients({item["patient_id"] for item in given if "patient_id" in item})
            make: Callable[[dict[str, Any]], Change | Booking] = self._booking
        else:
            ids = {item["id"] for item in given}
            self._visits = visible_to(self._user, Appointment.objects.select_related("clinic")).in_bulk(ids)
            make = self._changing
        return [item if isinstance(item, ValidationError) else _or_refusal(make, item) for item in checked]

    def _booking(self, given: dict[str, Any]) -> Booking:
        who = who_of(given, self._reach)
        return Booking(who, visit_of(given, who.clinic), self._actor, self._now)

    def _changing(self, given: dict[str, Any]) -> Change:
        pk: UUID = given["id"]
        found = self._visits.get(pk)
        if found is None:
            raise ValidationFailed.on("id", _("There is no such appointment in your clinics."))
        options = {**visit_of(given, found.clinic), "version": given.get("version")}
        service = SERVICES[self._operation]
        return Change(found, partial(service, pk, actor=self._actor, now=self._now, **options))


def _checked(body: type[Body], item: Any) -> Any:
    if isinstance(item, str) and body is ItemAbout:
        item = {"id": item}
    read = body(data=item)
    try:
        read.is_valid(raise_exception=True)
    except ValidationError as error:
        return error
    return read.validated_data


def _or_refusal(make: Callable[[dict[str, Any]], Change | Booking], given: dict[str, Any]) -> Read:
    try:
        return make(given)
    except DomainError as refusal:
        return refusal
