from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from accounts.access import clinics_visible_to
from accounts.models import Clinic
from appointments.file_import import uploads
from appointments.file_import.reading import MAX_BYTES
from appointments.models import FileImport, RejectedRow
from common.errors import StateConflict, ValidationFailed
from common.rest.reading import FileParser
from common.rest.serializers import Body
from common.rest.views import ApiView, DetailView

ERRORS_SHOWN = 1_000
State = FileImport.State


class UploadForm(Body):
    file = serializers.FileField(allow_empty_file=True, help_text="CSV or XLSX, at most 20 MB.")
    clinic = serializers.CharField(
        required=False, allow_blank=True, max_length=20, help_text="The code, for rows without one."
    )
    dry_run = serializers.BooleanField(required=False, default=False)


class RowErrorSerializer(serializers.ModelSerializer):
    message = serializers.CharField(source="reason")

    class Meta:
        model = RejectedRow
        fields = ("row", "line", "column", "code", "message")
        read_only_fields = fields


class UploadSerializer(serializers.ModelSerializer):
    upload_id = serializers.UUIDField(source="id")
    status = serializers.ChoiceField(source="state", choices=State.choices)
    progress = serializers.SerializerMethodField(help_text="Per cent.")
    errors = serializers.SerializerMethodField(help_text="The first 1,000; errors.csv has all.")

    class Meta:
        model = FileImport
        fields = (
            *("upload_id", "status", "progress", "dry_run", "created", "updated", "unchanged", "rejected"),
            *("ignored_columns", "errors"),
        )
        read_only_fields = fields

    def get_progress(self, waiting: FileImport) -> int:
        if waiting.state not in (State.WAITING, State.RUNNING):
            return 100
        return waiting.rows_done * 100 // max(waiting.rows_total, 1)

    @extend_schema_field(RowErrorSerializer(many=True))
    def get_errors(self, waiting: FileImport) -> Any:
        return RowErrorSerializer(waiting.rejected_rows.all()[:ERRORS_SHOWN], many=True).data


class UploadAccepted(serializers.Serializer[Any]):
    upload_id = serializers.UUIDField()


class Upload(ApiView):
    """Up to 1,000 rows, 200 with the report; more run in the background, 202."""

    summaries = {"POST": "Upload a file of appointments"}
    kind = "appointments.fileimport"
    parser_classes = (FileParser,)
    serializer_class = UploadForm
    largest_file: ClassVar[int] = MAX_BYTES
    wanted_media_type = gettext_lazy("Send a form with the file: Content-Type: multipart/form-data.")

    def file_too_large(self) -> str:
        return _("This file is larger than 20 MB. Split it into smaller files.")

    @extend_schema(
        request={"multipart/form-data": UploadForm}, responses={200: UploadSerializer, 202: UploadAccepted}
    )
    def post(self, request: Any) -> Response:
        given = self.body(request)
        done = uploads.accept(
            filename=given["file"].name,
            content=given["file"],
            clinic=self._clinic(given.get("clinic", "")),
            user=request.user,
            now=timezone.now(),
            dry_run=given["dry_run"],
        )
        if done.state == State.WAITING:
            return Response({"upload_id": done.pk}, status=202)
        return Response(UploadSerializer(done).data)

    def _clinic(self, code: str) -> Clinic | None:
        if not code.strip():
            return None
        clinic = clinics_visible_to(self.request.user).filter(code=code.strip().upper()).first()
        if clinic is None:
            raise ValidationFailed.on("clinic", _("There is no such clinic among yours."))
        return clinic


class UploadSeen(ApiView):
    kind = "appointments.fileimport"
    queryset = FileImport.objects.defer("content")

    def get_queryset(self) -> QuerySet[FileImport]:
        return uploads.seen_by(self.request.user, super().get_queryset())


class UploadDetail(UploadSeen, DetailView):
    summaries = {"GET": "Show how far an upload is"}
    serializer_class = UploadSerializer


class UploadErrors(UploadSeen):
    """As they came, with a column that says why."""

    summaries = {"GET": "Download the rejected rows of an upload"}
    refusals = {"GET": ("STATE_CONFLICT",)}

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Any, pk: Any) -> HttpResponse:  # noqa: ARG002
        waiting = self.get_object()
        if waiting.state in (State.WAITING, State.RUNNING):
            raise StateConflict(_("This file is not imported yet. Ask again when it is."))
        response = HttpResponse(uploads.rejected_rows_of(waiting), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="rejected-rows.csv"'
        return response
