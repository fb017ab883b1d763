"""What import-linter can't say: it sees no parts of packages from outside."""

from django.apps import apps

from tests.architecture import house

KNOWS_NO_REQUEST = {"services", "models", "tasks"}
REQUESTS = {"rest_framework", "django.http", "django.shortcuts", "django.views"}
HTTP_CLIENTS = {"urllib.request", "http.client", "requests", "httpx", "aiohttp", "twilio", "urllib3"}


def test_services_models_and_tasks_know_nothing_of_http_requests():
    offenders = {
        house.name(path): found
        for path in house.product_files()
        if KNOWS_NO_REQUEST & {path.stem, *path.relative_to(house.ROOT).parent.parts}
        and (found := house.imports_any(path, REQUESTS))
    }
    assert not offenders


def test_only_providers_import_an_http_client():
    # `make run` asks its own web server whether it is up.
    allowed = {house.ROOT / "messaging" / "providers", house.ROOT / "clinic_reminders" / "local"}
    offenders = {
        house.name(path): found
        for path in house.product_files()
        if not allowed & set(path.parents) and (found := house.imports_any(path, HTTP_CLIENTS))
    }
    assert not offenders


def test_every_app_of_the_house_is_under_the_import_rules():
    ours = {config.name for config in apps.get_app_configs() if (house.ROOT / config.name).is_dir()}
    assert ours == set(house.PACKAGES)


def test_every_package_has_its_place_among_the_layers():
    layers, inside = house.PROJECT["tool"]["importlinter"]["contracts"][:2]
    places = {layer.strip("()") for layer in layers["layers"]}
    assert set(house.PACKAGES) <= places
    assert set(inside["containers"]) == set(house.PACKAGES) - {"clinic_reminders", "common"}
