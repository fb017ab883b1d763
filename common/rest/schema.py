"""How calls describe themselves. What they have in common is found here; a view says only what is its own."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, force_instance
from drf_spectacular.utils import OpenApiParameter
from rest_framework.mixins import ListModelMixin

from common.rest import schema_answers
from common.rest.idempotency import HEADER, LONGEST, AnsweredOnceMixin
from common.rest.limits import LimitedMixin
from common.rest.serializers import Body

_KEY = "A value of your own for each new request. A repeat with the same gets the first answer, for 24 hours."
_BODY = ("PARSE_ERROR", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
_SHARED = "common.rest"


class ApiSchema(AutoSchema):
    """Adds each error that a call can answer, the headers, who may call it, and plain words."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if self.method == "DELETE" and not self._is_without_body():
            operation["requestBody"] = self._body_of_delete()
        shared = self._shared_headers()
        for answer in operation["responses"].values():
            answer["description"] = answer.get("description") or "Done."
            answer["headers"] = schema_answers.header_refs(shared)
            if self._takes_key:
                answer["headers"] |= schema_answers.header_refs(["Idempotency-Replayed"])
        self._component(schema_answers.ENVELOPE, ResolvedComponent.SCHEMA, schema_answers.envelope_schema())
        for name in schema_answers.HEADERS:
            self._component(name, "headers", schema_answers.header(name))
        codes = self._codes(reads_body="requestBody" in operation or self._is_without_body())
        for status, of_status in schema_answers.by_status(codes).items():
            name = schema_answers.error_name(of_status)
            self._component(name, "responses", schema_answers.error_answer(status, of_status))
            operation["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}
        return operation

    def get_override_parameters(self) -> list[Any]:
        described = [*super().get_override_parameters()]
        if self._takes_key:
            key = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"}
            described.append(OpenApiParameter(HEADER, key, OpenApiParameter.HEADER, description=_KEY))
        return described

    def get_operation_id(self) -> str:
        """A collection's `appointments_create`; what only does something is named so: `sms_send`."""
        name = super().get_operation_id().replace(".", "_")
        if self.method == "POST" and not isinstance(self.view, ListModelMixin):
            return name.removesuffix("_create")
        return name.removesuffix("_list") if name.endswith("_list_list") else name

    def get_summary(self) -> str | None:
        return getattr(self.view, "summaries", {}).get(self.method)

    def get_description(self) -> str:
        audiences = [p.audience(self.view, self.method) for p in self._permissions()]
        return "\n\n".join(filter(None, [self._words(), *map(str, audiences)]))

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        described = super()._map_basic_serializer(serializer, direction)
        if direction == "request" and isinstance(serializer, Body):
            described["additionalProperties"] = False
        return described

    def _words(self) -> str:
        """Of the handler, else of the view itself: what is inherited is meant for who reads the code."""
        handler = getattr(self.view, self.method.lower(), None)
        if handler is not None and not handler.__module__.startswith(_SHARED) and handler.__doc__:
            said = handler.__doc__
        else:
            said = vars(type(self.view)).get("__doc__") or ""
        return "\n".join(line.strip() for line in said.strip().splitlines())

    def _body_of_delete(self) -> Any:
        # The framework describes the body of no DELETE.
        self.method = "POST"
        try:
            return self._get_request_body()
        finally:
            self.method = "DELETE"

    @property
    def _takes_key(self) -> bool:
        takes = isinstance(self.view, AnsweredOnceMixin) and self.view.takes_idempotency_key
        return self.method == "POST" and takes

    def _shared_headers(self) -> list[str]:
        return ["X-Request-ID", *(schema_answers.LIMITS if isinstance(self.view, LimitedMixin) else ())]

    def _permissions(self) -> list[Any]:
        return [each for each in self.view.get_permissions() if hasattr(each, "audience")]

    def _is_without_body(self) -> bool:
        return self.method in getattr(self.view, "without_body", ())

    def _codes(self, *, reads_body: bool) -> set[str]:
        found = {"VALIDATION_ERROR", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"}
        found.update(getattr(self.view, "refusals", {}).get(self.method, ()))
        if isinstance(self.view, LimitedMixin):
            found.add("RATE_LIMITED")
        if self.view.get_authenticators():
            found |= {"NOT_AUTHENTICATED", "TOKEN_INVALID"}
        if any(each.audience(self.view, self.method).leaves_out_somebody for each in self._permissions()):
            found.add("PERMISSION_DENIED")
        if "{" in self.path or (self.method == "GET" and isinstance(self.view, ListModelMixin)):
            found.add("NOT_FOUND")
        if self._takes_key:
            found.add("IDEMPOTENCY_KEY_REUSED")
        if reads_body or self._takes_key:
            found.update(_BODY)
        if self.method in {"PUT", "PATCH"} and self._takes_version():
            found.add("VERSION_CONFLICT")
        return found

    def _takes_version(self) -> bool:
        fields = getattr(force_instance(self.get_request_serializer()), "fields", {})
        return "version" in fields and not fields["version"].read_only

    def _component(self, name: str, kind: str, described: dict[str, Any]) -> None:
        self.registry.register_on_missing(ResolvedComponent(name, kind, described, ApiSchema))
