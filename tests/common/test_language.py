from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.translation import gettext

from common.language import LanguageMiddleware, reread


def asked(path="/admin/", **headers):
    return RequestFactory().get(path, headers=headers)


def says_which(_request):
    return HttpResponse(translation.get_language())


def test_a_page_is_in_the_browsers_language():
    response = LanguageMiddleware(says_which)(asked(accept_language="tn-BW, en;q=0.5"))
    assert (response.content, response["Content-Language"]) == (b"tn", "tn")


@pytest.mark.parametrize("accepted", ["", "fr", "xx\0yy", "t" * 2000, "*", ";;q=,"])
def test_a_browser_that_asks_for_nothing_we_have_gets_english(accepted):
    response = LanguageMiddleware(says_which)(asked(accept_language=accepted))
    assert response.content == b"en"


def test_the_cookie_comes_before_the_browser():
    request = asked(accept_language="en")
    request.COOKIES["django_language"] = "tn"
    assert LanguageMiddleware(says_which)(request).content == b"tn"


@pytest.mark.parametrize("cookie", ["fr", "", "x" * 5000, "../../etc"])
def test_a_cookie_that_makes_no_sense_is_passed_over(cookie):
    request = asked()
    request.COOKIES["django_language"] = cookie
    assert LanguageMiddleware(says_which)(request).content == b"en"


@pytest.mark.parametrize("path", ["/api/v1/appointments", "/api", "/api/v1/webhooks/twilio"])
def test_the_api_speaks_english_whatever_is_asked(path):
    request = asked(path, accept_language="tn")
    request.COOKIES["django_language"] = "tn"
    assert LanguageMiddleware(says_which)(request).content == b"en"


@pytest.mark.django_db
def test_an_error_of_the_api_is_english_for_a_setswana_browser():
    plain = Client().get("/api/v1/appointments").json()["error"]
    setswana = Client(headers={"accept-language": "tn"}).get("/api/v1/appointments").json()["error"]
    assert (setswana["code"], setswana["message"]) == (plain["code"], plain["message"])


def test_what_a_page_has_activated_is_gone_with_its_request():
    def switches(_request):
        translation.activate("tn")
        return HttpResponse()

    assert LanguageMiddleware(switches)(asked())["Content-Language"] == "tn"
    assert translation.get_language() == "en"


def test_a_crash_leaves_no_language_behind():
    def crashes(_request):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        LanguageMiddleware(crashes)(asked(accept_language="tn"))
    assert translation.get_language() == "en"


def test_requests_at_once_keep_to_their_own_languages():
    both = Barrier(2, timeout=20)

    def waits(_request):
        both.wait()
        return HttpResponse(gettext("Save"))

    answer = LanguageMiddleware(waits)
    with ThreadPoolExecutor(2) as threads:
        said = [
            threads.submit(lambda language=language: answer(asked(accept_language=language)).content)
            for language in ("tn", "en")
        ]
        assert [one.result() for one in said] == [b"Boloka", b"Save"]
        assert set(threads.map(lambda _n: translation.get_language(), range(4))) == {"en"}


def test_a_long_answer_is_written_to_its_end_in_its_language():
    def streams(_request):
        return StreamingHttpResponse(gettext("Save").encode() for _n in range(3))

    response = LanguageMiddleware(streams)(asked(accept_language="tn"))
    assert b"".join(response) == b"Boloka" * 3
    assert translation.get_language() == "en"


def test_a_kept_reason_is_read_in_the_readers_language_and_a_strangers_as_it_is():
    with translation.override("tn"):
        assert reread("The visit is confirmed.") == "Ketelo e tlhomamisitswe."
        assert reread("Unreachable destination handset") == "Unreachable destination handset"
        assert reread("") == ""
