"""POST /sms/preview: what a text would be and cost; nothing is stored or sent."""

from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.access import clinics_visible_to
from accounts.api.scoping import chosen_clinic
from accounts.models import Clinic, Language
from common.errors import ValidationFailed
from common.rest.views import ApiView
from messaging.api.sending import WordingFields
from messaging.models import Encoding
from messaging.rendering import PLACEHOLDERS, TemplateError, known_placeholders
from messaging.template_book import TemplateBook
from messaging.text_preview import Preview, preview_template, preview_text


class PreviewBody(WordingFields):
    body = serializers.CharField(required=False, help_text="A finished text, or one with placeholders.")
    keep_diacritics = serializers.BooleanField(required=False, help_text="Without it, as the template says.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("body" in attrs) == ("template" in attrs):
            said = [_("Give either a body or a template.")]
            raise serializers.ValidationError({"body": said, "template": said})
        unknown = sorted(set(attrs.get("context", {})) - set(PLACEHOLDERS))
        if unknown:
            said = [_("There is no such placeholder.")]
            raise serializers.ValidationError({f"context.{name[:40]}": said for name in unknown[:20]})
        return attrs


class WarningSerializer(serializers.Serializer[Any]):
    code = serializers.ChoiceField(["TELLING_WORD", "LINK", "PHONE_NUMBER", "SEVERAL_PARTS"])
    message = serializers.CharField()
    words = serializers.ListField(child=serializers.CharField(), help_text="Those of the text it means.")


class ReplacedSerializer(serializers.Serializer[Any]):
    character = serializers.CharField()
    sent_as = serializers.CharField(allow_blank=True)


class PriceSerializer(serializers.Serializer[Any]):
    provider = serializers.CharField()
    amount = serializers.CharField(help_text="A decimal number.")
    currency = serializers.CharField()


class TextPreviewSerializer(serializers.Serializer[Any]):
    language = serializers.ChoiceField(Language.choices)
    text = serializers.CharField(help_text="As it leaves.")
    encoding = serializers.ChoiceField(Encoding.choices)
    segments = serializers.IntegerField(help_text="The parts that are paid for.")
    units = serializers.IntegerField(help_text="Septets in GSM-7, UTF-16 code units in UCS-2.")
    costly = serializers.ListField(child=serializers.CharField(), help_text="Characters that force UCS-2.")
    double = serializers.ListField(child=serializers.CharField(), help_text="Characters that count two.")
    replaced = ReplacedSerializer(many=True)
    unsendable = serializers.ListField(child=serializers.CharField(), help_text="Such as U+0007.")
    problems = serializers.ListField(child=serializers.CharField(), help_text="Why it would be refused.")
    warnings = WarningSerializer(many=True)
    prices = PriceSerializer(many=True)


class PreviewSerializer(TextPreviewSerializer):
    """The text in the language asked for, else the clinic's; and in each language."""

    languages = serializers.DictField(child=TextPreviewSerializer())


class PreviewText(ApiView):
    """The text in the language asked for, and in each; what it costs, and what to mend. Nothing is sent."""

    summaries = {"POST": "See a text before it is sent"}
    kind = "messaging.message"
    # Whoever may read texts may see what one would be.
    actions: ClassVar[dict[str, str]] = {"POST": "view"}
    serializer_class = PreviewBody

    @extend_schema(request=PreviewBody, responses={200: PreviewSerializer})
    def post(self, request: Any) -> Response:
        given = self.body(request)
        clinic = self._clinic(given)
        default = clinic.default_language if clinic else Language.ENGLISH.value
        asked = given.get("language")
        languages = [asked] if asked else [language.value for language in Language]
        try:
            found = {language: shown(_preview(given, clinic, language)) for language in languages}
        except TemplateError as error:
            raise ValidationFailed.on("body", str(error)) from None
        return Response({**found[asked or default], "languages": found})

    def _clinic(self, given: dict[str, Any]) -> Clinic | None:
        """The one named, or the only one; who has several may leave it open."""
        if given.get("clinic_id") is not None:
            return chosen_clinic(self.request.user, given["clinic_id"])
        found = list(clinics_visible_to(self.request.user)[:2])
        return found[0] if len(found) == 1 else None


def _preview(given: dict[str, Any], clinic: Clinic | None, language: str) -> Preview:
    context, now = given.get("context", {}), timezone.now()
    keeps = given.get("keep_diacritics")
    if "template" in given:
        clinic_ids = [clinic.pk] if clinic else []
        book = TemplateBook(given["template"], clinic_ids)
        template = book.template(clinic.pk if clinic else None, language)
        return preview_template(
            template.body,
            language=language,
            clinic=clinic,
            keep_diacritics=template.keep_diacritics if keeps is None else keeps,
            context=context,
            now=now,
        )
    if context or known_placeholders(given["body"]):
        return preview_template(
            given["body"],
            language=language,
            clinic=clinic,
            keep_diacritics=bool(keeps),
            context=context,
            now=now,
        )
    return preview_text(given["body"], language=language, keep_diacritics=bool(keeps))


def shown(preview: Preview) -> dict[str, Any]:
    """As TextPreviewSerializer describes it."""
    measure = preview.measure
    return {
        "language": preview.language,
        "text": preview.text,
        "encoding": measure.encoding,
        "segments": measure.segments,
        "units": measure.units,
        "costly": measure.costly,
        "double": measure.double,
        "replaced": [{"character": c, "sent_as": plain} for c, plain in preview.replaced],
        "unsendable": preview.unsendable,
        "problems": preview.problems,
        "warnings": warnings_of(preview),
        "prices": [
            {"provider": price.provider, "amount": str(price.amount), "currency": price.currency}
            for price in preview.prices
        ],
    }


def warnings_of(preview: Preview) -> list[dict[str, Any]]:
    return [{"code": c.code, "message": c.message, "words": c.words} for c in preview.cautions]
