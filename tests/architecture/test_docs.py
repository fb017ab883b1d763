"""What a reader of the docs relies on: every setting, code and call that exists stands there."""

import ast
import re
from collections.abc import Iterator

from django.urls import get_resolver

from common.rest.errors import CODES
from tests.architecture import house

READERS = {"env", "given"}
CODE = re.compile(r"[A-Z]+(_[A-Z]+)+")
# Of a whole file, and names of our own.
NOT_A_ROWS = {"PAYLOAD_TOO_LARGE", "MAX_BYTES", "MAX_ROWS"}


def doc(name: str) -> str:
    return (house.ROOT / "docs" / name).read_text(encoding="utf-8")


def variables_read() -> set[str]:
    return {
        node.args[0].value
        for node in ast.walk(house.tree(house.ROOT / "clinic_reminders" / "settings.py"))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in READERS
        and isinstance(node.args[0], ast.Constant)
    }


def rejection_codes() -> Iterator[str]:
    files = [*(house.ROOT / "appointments" / "file_import").glob("*.py")]
    files += [house.ROOT / "appointments" / "errors.py", house.ROOT / "common" / "phones.py"]
    for file in files:
        for node in ast.walk(house.tree(file)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                yield node.value


def test_every_setting_is_in_the_docs_of_operations():
    read = variables_read()
    assert {"DATABASE_URL", "SMS_PROVIDERS", "SECRET_KEY"} <= read
    assert {name for name in read if f"`{name}`" not in doc("operations.md")} == set()


def test_every_reason_to_reject_a_row_is_in_the_docs_of_files():
    codes = set(rejection_codes()) - NOT_A_ROWS
    assert {"NOT_A_MOBILE", "IN_THE_PAST", "OPEN_QUOTE"} <= codes
    assert {code for code in codes if f"`{code}`" not in doc("appointment-files.md")} == set()


def test_every_error_of_the_api_is_in_its_docs_with_its_status():
    text = doc("api.md")
    assert {code for code, (status, _) in CODES.items() if f"| `{code}` | {status} |" not in text} == set()


def test_the_docs_of_the_api_name_no_call_that_does_not_exist():
    called = re.findall(r"127\.0\.0\.1:8000(/api/v1/[^\s?\"]+)", doc("api.md"))
    assert len(called) >= 5
    some_id = "0190a5b0-0000-7000-8000-000000000000"
    for path in called:
        get_resolver().resolve(re.sub(r"[A-Z]+_ID", some_id, path))
