"""The texts that patients get: those for all clinics, and clinics' own in their place."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.scoping import ClinicFilters, chosen_clinic
from accounts.audit import Actor
from accounts.models import Language
from common.errors import NotPermitted, ValidationFailed
from common.rest.filtering import one_of
from common.rest.serializers import Body
from common.rest.views import ApiView, DetailView, ListView
from messaging.api.preview import WarningSerializer, warnings_of
from messaging.models import MessageTemplate, TemplateKey
from messaging.template_access import KIND, may_write, templates_visible_to
from messaging.template_saving import add_template, drop_template, save_template
from messaging.text_preview import Preview, preview_template


class TemplateSerializer(serializers.ModelSerializer):
    """Needs `clinic`."""

    clinic_id = serializers.UUIDField(read_only=True, allow_null=True, help_text="null: for all clinics.")
    segments = serializers.SerializerMethodField(help_text="Parts, with an invented patient.")
    encoding = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()

    class Meta:
        model = MessageTemplate
        fields = (
            *("id", "key", "language", "clinic_id", "body", "keep_diacritics", "segments", "encoding"),
            *("version", "warnings"),
        )
        read_only_fields = fields

    def to_representation(self, template: MessageTemplate) -> dict[str, Any]:
        self._preview: Preview = preview_template(
            template.body,
            language=template.language,
            clinic=template.clinic,
            keep_diacritics=template.keep_diacritics,
            now=timezone.now(),
        )
        return super().to_representation(template)

    def get_segments(self, _template: MessageTemplate) -> int:
        return self._preview.measure.segments

    def get_encoding(self, _template: MessageTemplate) -> str:
        return self._preview.measure.encoding

    @extend_schema_field(WarningSerializer(many=True))
    def get_warnings(self, _template: MessageTemplate) -> list[dict[str, Any]]:
        return warnings_of(self._preview)


class _Written(Body):
    body = serializers.CharField(help_text="With {name} {clinic} {clinic_phone} {date} {time} {weekday}.")
    keep_diacritics = serializers.BooleanField(required=False, help_text="ê, ô and š are sent as they are.")


class NewTemplateBody(_Written):
    clinic_id = serializers.UUIDField(required=False, allow_null=True)
    key = serializers.ChoiceField(TemplateKey.choices)
    language = serializers.ChoiceField(Language.choices)


class TemplateBody(_Written):
    """What can't be changed may be sent back with the rest, and is not looked at."""

    version = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="The one that was looked at."
    )
    id = serializers.UUIDField(read_only=True)
    key = serializers.CharField(read_only=True)
    language = serializers.CharField(read_only=True)
    clinic_id = serializers.UUIDField(read_only=True)
    segments = serializers.IntegerField(read_only=True)
    encoding = serializers.CharField(read_only=True)
    warnings = WarningSerializer(many=True, read_only=True)


class TemplateFilters(ClinicFilters):
    key = one_of("key", TemplateKey.choices)
    language = one_of("language", Language.choices)


class VisibleTemplates(ApiView):
    kind = KIND
    queryset = MessageTemplate.objects.select_related("clinic")
    serializer_class = TemplateSerializer

    def get_queryset(self) -> QuerySet[MessageTemplate]:
        return templates_visible_to(self.request.user, super().get_queryset())

    def answer(self, template: MessageTemplate, status: int = 200) -> Response:
        return Response(TemplateSerializer(template).data, status=status)

    def given(self, body: type[Body], *, partial: bool = False) -> dict[str, Any]:
        serializer = body(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class TemplateList(VisibleTemplates, ListView):
    summaries = {"GET": "List templates", "POST": "Give a clinic a text of its own"}
    filterset_class = TemplateFilters
    sort_fields: ClassVar[dict[str, str]] = {"key": "key", "language": "language"}
    default_sort = "key"

    @extend_schema(request=NewTemplateBody, responses={201: TemplateSerializer})
    def post(self, request: Any) -> Response:
        """It goes in place of the one for all clinics."""
        given = self.given(NewTemplateBody)
        clinic = chosen_clinic(request.user, given.pop("clinic_id", None))
        try:
            template = add_template(**given, clinic=clinic, actor=Actor.of(request.user), now=timezone.now())
        except ValidationFailed as refusal:
            # The field is named for the key here.
            details = {
                {"clinic": "clinic_id"}.get(name, name): said for name, said in refusal.details.items()
            }
            raise ValidationFailed(refusal.message, details=details) from None
        return self.answer(template, 201)


class TemplateDetail(VisibleTemplates, DetailView):
    summaries = {
        "GET": "Show a template",
        "PUT": "Change a template",
        "PATCH": "Change some fields of a template",
        "DELETE": "Bring back the text for all clinics",
    }
    refusals = {"DELETE": ("STATE_CONFLICT",)}

    @extend_schema(request=TemplateBody, responses={200: TemplateSerializer})
    def put(self, request: Any, pk: Any) -> Response:  # noqa: ARG002
        return self._change(partial=False)

    @extend_schema(request=TemplateBody, responses={200: TemplateSerializer})
    def patch(self, request: Any, pk: Any) -> Response:  # noqa: ARG002
        return self._change(partial=True)

    @extend_schema(responses={204: None})
    def delete(self, request: Any, pk: Any) -> Response:  # noqa: ARG002
        template = self._writable("delete")
        self.refuse_fields()
        drop_template(template.pk, actor=Actor.of(request.user), now=timezone.now())
        return Response(status=204)

    def _change(self, *, partial: bool) -> Response:
        template = self._writable("change")
        given = self.given(TemplateBody, partial=partial)
        version = given.pop("version", None)
        actor = Actor.of(self.request.user)
        save_template(template.pk, **given, version=version, actor=actor, now=timezone.now())
        return self.answer(self.get_object())

    def _writable(self, action: str) -> MessageTemplate:
        template: MessageTemplate = self.get_object()
        if not may_write(self.request.user, action, template):
            raise NotPermitted(_("The text for all clinics is the administrators'."))
        return template
