"""Calls of the stock API that several tests make."""

LEVELS = "/api/v1/stock"


def refused(answer, status, code="VALIDATION_ERROR"):
    assert answer.status_code == status, answer.content
    error = answer.json()["error"]
    assert error["code"] == code, error
    return error["details"]


def enter(caller, level, kind, quantity, **fields):
    """The answer to an entry."""
    body = {"kind": kind, "quantity": quantity, **fields}
    return caller.post(f"{LEVELS}/{level.pk}/movements", body, format="json")


def entered(caller, level, kind, quantity, **fields):
    answer = enter(caller, level, kind, quantity, **fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def seen(caller, level):
    answer = caller.get(f"{LEVELS}/{level.pk}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def codes(answer):
    assert answer.status_code == 200, answer.content
    return [row["item"]["code"] for row in answer.json()["results"]]
