"""Invented requests, right and wrong, to every call that the API describes, as each role.

No crash, no answer that is not described, nothing taken that should be refused. `make fuzz` tries many more.
"""

import os
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from common.rest.door import BASE
from tests.described import description
from tests.fuzz.conftest import PEOPLE, World

THOROUGH = "FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))
ROLES = os.environ.get("FUZZ_ROLES", ",".join(PEOPLE)).split(",")
# Words that a schema can't say (whether a phone is one, whose an id is) are refused too.
EXPECTED = ["2xx", "400", "401", "403", "404", "409", "429"]
CONFIG = {
    "checks": {"positive_data_acceptance": {"expected-statuses": EXPECTED}},
    # Every boundary of every field: some hundred requests a call.
    "phases": {"coverage": {"enabled": THOROUGH}},
}

schema = schemathesis.openapi.from_dict(description(), config=SchemathesisConfig.from_dict(CONFIG))
schema.app = get_wsgi_application()


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not THOROUGH,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_invented_request_gets_an_answer_that_is_not_described(case, role, world, tried):
    tried.append(case)
    aim(case, world)
    case.call_and_validate(headers=world.headers)


def aim(case: Any, world: World) -> None:
    """Half of the ids, those that are even, become ids of what is there."""
    path = case.path.removeprefix(f"{BASE}/")
    kinds = sorted((kind for kind in world.ids if path.startswith(kind)), key=len, reverse=True)
    names = {
        "clinic_id": "clinics",
        "to_clinic_id": "clinics",
        "patient_id": "patients",
        "appointment_id": "appointments",
        "level_id": "stock",
        "stock_id": "stock",
        "item_id": "items",
        "order_id": "stock/orders",
    }
    if "closures/" in path:
        names["id"] = "closures"
    elif kinds:
        names["id"] = kinds[0]
    for values in (case.path_parameters, case.query, case.body):
        if isinstance(values, dict):
            for name in names.keys() & values.keys():
                values[name] = aimed(values[name], world.ids[names[name]])


def aimed(value: Any, known: list[UUID]) -> Any:
    try:
        number = UUID(value).int
    except (ValueError, TypeError, AttributeError):
        return value
    return value if number % 2 else str(known[number // 2 % len(known)])
