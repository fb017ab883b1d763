"""The people who sign in: an administrator's to manage, and everybody's own to look at."""

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from accounts import services
from accounts.api.permissions import OwnOrRoleAllows, PeopleOnly
from accounts.api.user_serializers import NewUser, PreferencesSerializer, UserSerializer
from accounts.audit import Actor
from accounts.models import Clinic, Preferences, Role, User
from accounts.preferences import change_preferences
from common.errors import NotFound, ValidationFailed
from common.rest.filtering import Filters, YesNo, one_of
from common.rest.views import ApiView, DetailView, ListView

WITH_CLINICS = User.objects.prefetch_related("clinics", "stock_manager_of")
A_NURSE = OpenApiExample(
    "A nurse",
    {
        "username": "neo.gab",
        "password": "a-long-enough-password",
        "role": "staff",
        "clinic_ids": ["0190a5b0-0000-7000-8000-000000000000"],
        "stock_manager_of": [],
        "first_name": "Neo",
        "phone": "+26771234567",
    },
    request_only=True,
)
APPROVAL = OpenApiExample(
    "Approving who has registered",
    {"is_active": True, "role": "viewer", "clinic_ids": ["0190a5b0-0000-7000-8000-000000000000"]},
    request_only=True,
)


class UserFilters(Filters):
    role = one_of("role", Role.choices)
    clinic_id = django_filters.UUIDFilter(field_name="clinics")
    is_active = YesNo()
    is_waiting = YesNo()
    search = django_filters.CharFilter(method="by_words", label="In user name, names, mail address.")

    def filter_queryset(self, queryset: QuerySet[User]) -> QuerySet[User]:
        role = self.form.cleaned_data.pop("role", None)
        users = super().filter_queryset(queryset)
        if not role:
            return users
        # A superuser counts as an administrator.
        admins = Q(role=Role.ADMIN) | Q(is_superuser=True)
        return users.filter(admins if role == Role.ADMIN else Q(role=role, is_superuser=False))

    def by_words(self, users: QuerySet[User], _name: str, value: str) -> QuerySet[User]:
        for word in value.split()[:10]:
            users = users.filter(
                Q(username__icontains=word)
                | Q(first_name__icontains=word)
                | Q(last_name__icontains=word)
                | Q(email__icontains=word)
            )
        return users


class UserList(ListView):
    summaries = {"GET": "List people", "POST": "Add a person"}
    kind = "accounts.user"
    queryset = WITH_CLINICS
    serializer_class = UserSerializer
    filterset_class = UserFilters
    sort_fields = {"username": "username", "last_name": "last_name", "created_at": "date_joined"}
    default_sort = "username"

    @extend_schema(request=NewUser, responses={201: UserSerializer}, examples=[A_NURSE])
    def post(self, request: Any) -> Response:
        serializer = NewUser(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        values = _values(serializer.validated_data)
        values.pop("version", None)
        user = services.add_user(actor=Actor.of(request.user), now=timezone.now(), **values)
        return Response(self.get_serializer(user).data, status=201)


class UserDetail(DetailView):
    """Others are an administrator's; of oneself one changes name, phone and mail address."""

    summaries = {
        "GET": "Show a person",
        "PUT": "Change a person",
        "PATCH": "Change some fields of a person",
        "DELETE": "Deactivate a person",
    }
    refusals = dict.fromkeys(("PUT", "PATCH", "DELETE"), ("STATE_CONFLICT",))
    kind = "accounts.user"
    actions: ClassVar[dict[str, str]] = {"DELETE": "change"}
    permission_classes = (OwnOrRoleAllows,)
    own_methods: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD", "PUT", "PATCH"})
    queryset = WITH_CLINICS
    serializer_class = UserSerializer

    @extend_schema(examples=[A_NURSE])
    def put(self, request: Any, **_: Any) -> Response:
        return self.change(request, partial=False)

    @extend_schema(examples=[APPROVAL])
    def patch(self, request: Any, **_: Any) -> Response:
        return self.change(request, partial=True)

    @extend_schema(responses={204: None})
    def delete(self, request: Any, **_: Any) -> Response:
        """Deactivates: the account stays, and every sign-in ends at once."""
        found, actor = self.get_object(), Actor.of(request.user)
        self.refuse_fields()
        services.deactivate_user(found.pk, actor=actor, now=timezone.now())
        return Response(status=204)

    def change(self, request: Any, *, partial: bool) -> Response:
        user = self.get_object()
        values = _values(self.body(request, partial=partial))
        actor, now = Actor.of(request.user), timezone.now()
        changed = services.change_user(user.pk, actor=actor, now=now, **values)
        return Response(self.get_serializer(changed).data)


class OwnUser(UserDetail):
    summaries = {
        "GET": "Show yourself",
        "PUT": "Change yourself",
        "PATCH": "Change some fields of yourself",
    }
    refusals = {}
    permission_classes = (PeopleOnly,)
    http_method_names: ClassVar[list[str]] = ["get", "put", "patch", "head"]

    def get_object(self) -> User:
        return own(self.request)


class PreferencesDetail(ApiView):
    summaries = {
        "GET": "Show a person's preferences",
        "PUT": "Change a person's preferences",
        "PATCH": "Change some of a person's preferences",
    }
    kind = "accounts.user"
    permission_classes = (OwnOrRoleAllows,)
    own_methods: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD", "PUT", "PATCH"})
    queryset = User.objects.all()
    serializer_class = PreferencesSerializer

    def get(self, request: Any, **_: Any) -> Response:  # noqa: ARG002
        return Response(self.get_serializer(Preferences.of(self.get_object())).data)

    def put(self, request: Any, **_: Any) -> Response:
        return self._change(request, partial=False)

    def patch(self, request: Any, **_: Any) -> Response:
        return self._change(request, partial=True)

    def _change(self, request: Any, *, partial: bool) -> Response:
        user, values = self.get_object(), self.body(request, partial=partial)
        actor, now = Actor.of(request.user), timezone.now()
        return Response(self.get_serializer(change_preferences(user.pk, actor=actor, now=now, **values)).data)


class OwnPreferences(PreferencesDetail):
    summaries = {
        "GET": "Show your own preferences",
        "PUT": "Change your own preferences",
        "PATCH": "Change some of your own preferences",
    }
    permission_classes = (PeopleOnly,)

    def get_object(self) -> User:
        return own(self.request)


def own(request: Any) -> User:
    """The person who asks."""
    if not isinstance(request.user, User):
        raise NotFound(_("This is for people; who asks here is another system."))
    return request.user


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """The service's names of what was given, with clinics for their ids."""
    values = dict(given)
    if "clinic_ids" in values:
        values["clinics"] = _clinics("clinic_ids", values.pop("clinic_ids"))
    if "stock_manager_of" in values:
        values["stock_manager_of"] = _clinics("stock_manager_of", values["stock_manager_of"])
    return values


def _clinics(field: str, ids: Iterable[UUID]) -> list[Clinic]:
    wanted = set(ids)
    found = list(Clinic.objects.filter(pk__in=wanted))
    if len(found) < len(wanted):
        raise ValidationFailed.on(field, _("There is no such clinic."))
    return found
