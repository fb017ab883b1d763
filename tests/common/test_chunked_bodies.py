import io

import pytest

from common.chunked_bodies import LONGEST, with_their_length


def seen(environ):
    """What the application is given: its Content-Length and its body."""
    found = []

    def application(given, _start_response):
        found.append((given.get("CONTENT_LENGTH"), given["wsgi.input"].read()))
        return [b""]

    with_their_length(application)(environ, None)
    return found[0]


def chunked(body, **environ):
    terminated = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    return {**terminated, "wsgi.input": io.BytesIO(body), **environ}


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_a_body_in_pieces_gets_its_length(size):
    assert seen(chunked(b"x" * size)) == (str(size), b"x" * size)


def test_a_body_in_pieces_without_an_end_is_read_until_it_is_too_long():
    length, body = seen(chunked(b"x" * (LONGEST + 10_000_000)))
    assert LONGEST < int(length) < LONGEST + 1_000_000
    assert len(body) == int(length)


@pytest.mark.parametrize(
    "environ", [{"CONTENT_LENGTH": "3"}, {"wsgi.input_terminated": False}, {"HTTP_TRANSFER_ENCODING": ""}]
)
def test_any_other_body_is_left_as_it_is(environ):
    assert seen(chunked(b"abc", **environ)) == (environ.get("CONTENT_LENGTH"), b"abc")
