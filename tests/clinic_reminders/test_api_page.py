from django.urls import reverse


def test_the_page_of_the_api_is_open_and_holds_nothing_that_the_policy_forbids(client):
    answer = client.get(reverse("api-docs"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    for forbidden in ("<script", "<style", " style=", "onclick", "http://", "https://", "//cdn"):
        assert forbidden not in page


def test_the_page_of_the_api_answers_with_a_slash_and_by_its_short_address(client):
    assert client.get("/api/docs/").status_code == 200


def test_the_page_of_the_api_tells_choices_lists_and_bounds_in_words(client):
    page = client.get(reverse("api-docs")).content.decode()
    assert "whole number, 1 to 1440" in page
    assert "“booked” | “confirmed”" in page
    assert "list of " in page
