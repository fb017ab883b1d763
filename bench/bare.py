"""The bare Django view that lists are held against: the same statements, and nothing else."""

from typing import Any

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

Statement = tuple[str, Any]

# What the next calls run.
statements: list[Statement] = []


def run_them(_request: HttpRequest) -> JsonResponse:
    """The rows of each statement, as they come from the database."""
    found: list[dict[str, Any]] = []
    with connection.cursor() as cursor:
        for sql, params in statements:
            cursor.execute(sql, params)
            names = [column.name for column in cursor.description or ()]
            found += [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return JsonResponse({"results": found})


urlpatterns = [path("", run_them)]
