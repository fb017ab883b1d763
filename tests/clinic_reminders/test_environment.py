from decimal import Decimal

import pytest

from clinic_reminders.environment import Environment


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize(
    ("word", "means"),
    [*((w, True) for w in ("on", "TRUE", "Yes", "1")), *((w, False) for w in ("off", "False", "NO", " 0 "))],
)
def test_the_words_for_on_and_off_in_any_case(word, means, default):
    given = Environment({"DEBUG": word})
    assert given.switch("DEBUG", default=default) is means
    assert given.problems == []


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize("variables", [{}, {"DEBUG": ""}, {"DEBUG": " "}])
def test_an_empty_switch_is_one_that_is_left_out(variables, default):
    given = Environment(variables)
    assert given.switch("DEBUG", default=default) is default
    assert given.problems == []


@pytest.mark.parametrize("text", ["abc", "1.5", "-1", "1e9", "٣", "9" * 5000])
def test_what_is_no_whole_number_is_noted_and_its_default_holds(text):
    given = Environment({"LIMIT": text})
    assert given.whole_number("LIMIT", 3, at_least=0) == 3
    assert len(given.problems) == 1


def test_a_whole_number_may_be_the_least_and_not_less():
    given = Environment({"LEAST": "1", "LESS": "0"})
    assert given.whole_number("LEAST", 3, at_least=1) == 1
    assert given.problems == []
    assert given.whole_number("LESS", 3, at_least=1) == 3
    assert len(given.problems) == 1


def test_prices_name_their_provider_and_currency():
    given = Environment({"PRICES": "twilio=0.0532 USD, smsgate = 0.25 BWP"})
    assert given.prices("PRICES") == {
        "twilio": (Decimal("0.0532"), "USD"),
        "smsgate": (Decimal("0.25"), "BWP"),
    }
    assert (given.prices("MISSING"), given.problems) == ({}, [])


@pytest.mark.parametrize(
    "text",
    ["0.05", "twilio=0.05", "twilio=x USD", "twilio=-1 USD", "twilio=1 usd", "twilio=1 USD,twilio=2 USD"],
)
def test_what_is_no_price_is_noted(text):
    given = Environment({"PRICES": text})
    assert given.prices("PRICES") == {}
    assert len(given.problems) == 1


def test_the_address_of_a_mail_server_becomes_djangos_settings():
    mail = Environment({"EMAIL_URL": "smtp+tls://me%40clinic.example:pass@mail.example:587"}).mail(
        "EMAIL_URL"
    )
    assert (mail["EMAIL_HOST"], mail["EMAIL_PORT"], mail["EMAIL_USE_TLS"]) == ("mail.example", 587, True)
    assert mail["EMAIL_HOST_USER"] == "me@clinic.example"


@pytest.mark.parametrize("url", ["filemail:///srv/mails", "filemail:////srv/mails"])
def test_mail_may_go_into_files(url):
    assert Environment({"EMAIL_URL": url}).mail("EMAIL_URL")["EMAIL_FILE_PATH"] == "/srv/mails"


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://mail.example:x"])
def test_an_address_that_names_no_mail_server_is_noted_without_its_password(url):
    given = Environment({"EMAIL_URL": url})
    assert given.mail("EMAIL_URL") == {}
    assert "EMAIL_URL" in given.problems[0][0]


@pytest.mark.parametrize("variables", [{}, {"EMAIL_URL": " "}])
def test_no_mail_server_is_no_problem(variables):
    given = Environment(variables)
    assert (given.mail("EMAIL_URL"), given.problems) == ({}, [])


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("", "100/m"),
        ("100/m", "100/m"),
        ("10/s", "10/s"),
        ("5000/h", "5000/h"),
        ("5/10m", "5/10m"),
        ("100/minute", "100/m"),
        ("7 / Day", "7/d"),
        ("0", None),
        ("0/m", None),
    ],
)
def test_a_rate_is_so_many_in_a_time(text, rate):
    given = Environment({"RATE": text})
    assert given.rate("RATE", "100/m") == rate
    assert given.problems == []


@pytest.mark.parametrize(
    "text", ["100", "m", "-5/m", "1.5/m", "5/0m", "5/w", "5/month", "٣/m", "9" * 50 + "/m"]
)
def test_what_is_no_rate_is_noted_and_the_default_holds(text):
    given = Environment({"RATE": text})
    assert given.rate("RATE", "100/m") == "100/m"
    assert len(given.problems) == 1


def test_proxies_are_addresses_and_networks():
    given = Environment({"PROXIES": "10.0.0.5, 10.1.0.7/16 ,2001:db8::1,"})
    assert list(map(str, given.networks("PROXIES"))) == ["10.0.0.5/32", "10.1.0.0/16", "2001:db8::1/128"]
    assert given.problems == []


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.256", "10.0.0.0/33", "*", "10.0.0.5:80"])
def test_what_is_no_network_is_noted(text):
    given = Environment({"PROXIES": f"10.0.0.5,{text}"})
    given.networks("PROXIES")
    assert len(given.problems) == 1


@pytest.mark.parametrize(
    "url", ["", "redis://localhost", "rediss://user:word@host:6380/1", "unix:///run/redis.sock"]
)
def test_a_redis_is_named_by_its_address(url):
    given = Environment({"REDIS": url})
    assert given.redis("REDIS") == url
    assert given.problems == []


@pytest.mark.parametrize(
    "url", ["localhost:6379", "http://host", "redis://", "redis://host:port", "redis://[x"]
)
def test_what_names_no_redis_is_noted_and_there_is_none(url):
    given = Environment({"REDIS": url})
    assert given.redis("REDIS") == ""
    assert len(given.problems) == 1


def test_numbers_are_given_by_name():
    given = Environment({"RATES": " twilio = 10, smsgate=0.5 ,"})
    assert given.rates("RATES") == {"twilio": 10.0, "smsgate": 0.5}
    assert (given.rates("MISSING"), given.problems) == ({}, [])


@pytest.mark.parametrize(
    "text", ["10", "=10", "twilio=", "twilio=-1", "twilio=1e3", "twilio=٣", "twilio=1,twilio=2", "a=1,b"]
)
def test_what_is_no_number_by_name_is_noted_and_none_of_them_holds(text):
    given = Environment({"RATES": text})
    assert given.rates("RATES") == {}
    assert len(given.problems) == 1


def database(tmp_path, url=None):
    variables = {} if url is None else {"DATABASE_URL": url}
    given = Environment(variables)
    found = given.database("DATABASE_URL", default=tmp_path / "var/db.sqlite3", home=tmp_path)
    return found["NAME"], given.problems


def test_without_a_database_url_the_data_lie_in_the_homes_own_folder(tmp_path):
    name, problems = database(tmp_path)
    assert (name, problems) == (str(tmp_path / "var/db.sqlite3"), [])
    assert (tmp_path / "var").is_dir()


def test_a_database_server_is_named_by_its_url(tmp_path):
    name, problems = database(tmp_path, "postgres://u:word@host:5432/clinic")
    assert (name, problems) == ("clinic", [])


def test_a_database_in_memory_makes_no_folder(tmp_path):
    assert database(tmp_path, "sqlite://") == (":memory:", [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "is empty"),
        ("garbage", "names no database"),
        ("mysql://u:hidden@host/name", "names no database"),
        ("postgres://u:hidden@host:port/name", "names no database"),
        ("postgres://u:hidden@host", "names no database"),
    ],
)
def test_what_names_no_database_is_noted_without_its_password(tmp_path, url, problem):
    name, [(told, mend)] = database(tmp_path, url)
    assert (name, problem in told) == (":memory:", True)
    assert "hidden" not in told + mend


def test_a_database_in_a_folder_that_can_not_be_made_is_noted(tmp_path):
    (tmp_path / "file").write_text("")
    name, [(told, _mend)] = database(tmp_path, f"sqlite:///{tmp_path}/file/db.sqlite3")
    assert (name, "can't be made" in told) == (":memory:", True)


def test_errors_are_reported_to_the_dsn_that_is_given():
    dsn = "https://key@sentry.example/7"
    given = Environment({"DSN": f" {dsn} "})
    assert (given.sentry("DSN"), given.sentry("MISSING"), given.problems) == (dsn, "", [])


@pytest.mark.parametrize("dsn", ["sentry.example", "https://sentry.example/7", "https://key@sentry.example/"])
def test_what_is_no_dsn_is_noted_and_errors_go_nowhere(dsn):
    given = Environment({"DSN": dsn})
    assert given.sentry("DSN") == ""
    assert len(given.problems) == 1


def test_blanks_around_the_words_of_a_list_are_no_part_of_them():
    given = Environment({"HOSTS": "a.test, b.test ,", "NONE": ""})
    assert given.words("HOSTS", []) == ["a.test", "b.test"]
    assert (given.words("NONE", ["x"]), given.words("LEFT_OUT", ["x"])) == ([], ["x"])


@pytest.mark.parametrize(
    "text", ["https://a.test", "http://localhost:8000, https://*.a.test", "https://[::1]"]
)
def test_origins_are_scheme_and_host(text):
    given = Environment({"ORIGINS": text})
    assert ", ".join(given.origins("ORIGINS")) == text
    assert given.problems == []


@pytest.mark.parametrize(
    "text", ["a.test", "https://a.test/", "ftp://a.test", "https://", "https://a.test,x"]
)
def test_what_is_no_origin_is_noted(text):
    given = Environment({"ORIGINS": text})
    assert given.origins("ORIGINS") == []
    assert len(given.problems) == 1


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", ""),
        ("https://a.test/", "https://a.test"),
        ("http://1.2.3.4:80/clinic", "http://1.2.3.4:80/clinic"),
    ],
)
def test_a_web_address_ends_without_a_slash(text, address):
    given = Environment({"ADDRESS": text})
    assert (given.web_address("ADDRESS"), given.problems) == (address, [])


@pytest.mark.parametrize(
    "text",
    ["nope", "ftp://x", "http://", "localhost:8000", "http://a.test/?x", "https://*.a.test", "http://a b"],
)
def test_what_is_no_web_address_is_noted(text):
    given = Environment({"ADDRESS": text})
    assert given.web_address("ADDRESS") == ""
    assert len(given.problems) == 1
