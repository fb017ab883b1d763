"""/api/v1/docs: the API's description as a page. Plain HTML: no script, nothing from elsewhere."""

from collections import defaultdict
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator

from clinic_reminders.schema_reading import Reader, marked


@method_decorator(csrf_exempt, name="dispatch")
class Docs(View):
    """Open to all, as the description is."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        response = render(request, "api_docs.html", _page(translation.get_language()))
        response["Cache-Control"] = "public, max-age=300"
        return response


@cache
def _page(_language: str) -> dict[str, Any]:
    """Made once for each language: it changes only with the code."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    reader = Reader(schema)
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, calls in schema["paths"].items():
        for method, said in calls.items():
            groups[said["tags"][0]].append(reader.call(method.upper(), path, said))
    return {
        "about": [marked(part) for part in schema["info"]["description"].split("\n\n")],
        "groups": [
            {"name": tag["name"], "about": tag["description"], "calls": groups[tag["name"]]}
            for tag in schema["tags"]
        ],
        "errors": reader.errors(),
    }
