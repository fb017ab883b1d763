"""One statement for many rows, each with its own value, where the ORM would write a case or a row a row."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

# Ids and values are one or two parameters, whatever their number.
_GIVEN = {
    "postgresql": "given AS (SELECT unnest(%s::uuid[]) AS id, unnest(%s::text[]) AS value)",
    "sqlite": "given AS (SELECT value ->> 0 AS id, value ->> 1 AS value FROM json_each(%s))",
}


def given(values: Mapping[UUID, str]) -> tuple[str, list[Any]]:
    """SQL of a common table `given` with the columns `id`, as keys are stored, and `value`, a text."""
    if connection.vendor == "postgresql":
        return _GIVEN["postgresql"], [list(values), list(values.values())]
    return _GIVEN["sqlite"], [json.dumps([[pk.hex, value] for pk, value in values.items()])]


def update_each(model: type[Model], field: str, values: Mapping[UUID, str | UUID], **same: Any) -> None:
    """Sets `field`, a text or a key, of each row to its own value, by the row's id; `same` in all of them."""
    if not values:
        return
    postgresql = connection.vendor == "postgresql"
    table = f'"{model._meta.db_table}"'
    columns, parameters = [], []
    for name, value in same.items():
        of_model: Any = model._meta.get_field(name)
        columns.append(f'"{of_model.column}" = %s')
        parameters.append(of_model.get_db_prep_save(value, connection))
    own: Any = model._meta.get_field(field)
    cast = "::uuid" if postgresql and own.db_type(connection) == "uuid" else ""
    columns.append(f'"{own.column}" = given.value{cast}')
    those, their_values = given(
        {
            pk: value.hex if isinstance(value, UUID) and not postgresql else str(value)
            for pk, value in values.items()
        }
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {those} UPDATE {table} SET {', '.join(columns)} "  # noqa: S608  our own models' names
            f"FROM given WHERE {table}.id = given.id",
            [*their_values, *parameters],
        )
