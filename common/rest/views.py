from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.response import Response

from common.rest import pagination
from common.rest.idempotency import AnsweredOnceMixin
from common.rest.limits import LimitedMixin
from common.rest.parameters import refuse_empty, refuse_unknown
from common.rest.serializers import Body

# The first page, and a search box in which nothing was typed.
MAY_BE_EMPTY = {"cursor", "search"}


class ApiView(AnsweredOnceMixin, LimitedMixin, GenericAPIView):
    """A call of the API. `query_parameters` are those it takes.

    `summaries` says in a few words what a method does. `refusals` are the codes that it can answer besides
    those that its kind of call always can: {"POST": ["APPOINTMENT_CONFLICT"]}.
    """

    summaries: ClassVar[Mapping[str, str]] = {}
    refusals: ClassVar[Mapping[str, Sequence[str]]] = {}
    # Methods that say all by their address: they call `refuse_fields` once they know whose it is.
    without_body: ClassVar[frozenset[str]] = frozenset({"DELETE"})
    query_parameters: ClassVar[frozenset[str]] = frozenset()
    http_method_names: ClassVar[list[str]] = ["get", "post", "put", "patch", "delete", "head"]

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        known = set(self.known_parameters())
        refuse_unknown(request.query_params, known)
        refuse_empty(request.query_params, known - MAY_BE_EMPTY)
        self.begin_once(request)

    def known_parameters(self) -> Iterable[str]:
        return self.query_parameters

    def refuse_fields(self) -> None:
        """ValidationFailed where a body that can only be empty says something, or can't be read."""
        Body(data=self.request.data).is_valid(raise_exception=True)

    def body(self, request: Any, *, partial: bool = False) -> dict[str, Any]:
        """The checked body of the request; with `partial` no field is required."""
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class ListView(ListModelMixin, ApiView):
    """GET lists what `filterset_class` lets through, in pages. `sort_fields` maps names to paths."""

    sort_fields: ClassVar[dict[str, str]]
    default_sort: ClassVar[str]
    filterset_class: ClassVar[Any]

    def known_parameters(self) -> Iterable[str]:
        return {*pagination.PARAMETERS, *self.filterset_class.base_filters, *self.query_parameters}

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class DetailView(ApiView):
    """GET gives one object."""

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002
        return Response(self.get_serializer(self.get_object()).data)
