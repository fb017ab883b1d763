"""`among("pk", keys)`: rows of many keys, at the price of one parameter where the database can."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field, ForeignKey, Lookup, Q


@ForeignKey.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    """`field = ANY(array)`; the array comes as PostgreSQL writes one: `{a,b}`."""

    lookup_name = "any_of"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, tuple[str, ...]]:
        # Texts of any length: a cast to the column's own would cut them.
        kind = "uuid" if self.lhs.output_field.db_type(connection) == "uuid" else "text"
        return f"ANY(%s::{kind}[])", (value,)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, parameters = self.process_lhs(compiler, connection)
        rhs, value = self.process_rhs(compiler, connection)
        return f"{lhs} = {rhs}", (*parameters, *value)


def among(field: str, keys: Iterable[UUID | str]) -> Q:
    """Whose `field` is one of `keys`. For hundreds of keys `in` costs more than the query itself."""
    if connection.vendor != "postgresql":
        return Q((f"{field}__in", list(keys)))
    return Q((f"{field}__any_of", "{" + ",".join(map(_element, keys)) + "}"))


def _element(key: UUID | str) -> str:
    if isinstance(key, UUID):
        return str(key)
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'
