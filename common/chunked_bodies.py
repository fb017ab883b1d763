"""Bodies that come in pieces without a length: `curl -T -`, and clients that stream a file."""

from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import Any

# Above what any call takes: a file of 20 MB in its form.
LONGEST = 21 * 1024 * 1024
IN_MEMORY = 1024 * 1024
PIECE = 64 * 1024

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def with_their_length(application: Application) -> Application:
    """Django takes a body without Content-Length for empty, and the caller would be told that it is.

    Such a body is read first, to its end or to just above LONGEST: then it is refused as too large.
    """

    def measured(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        in_pieces = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked"
        # The server itself says that its input ends where the body does.
        if in_pieces and not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
            with SpooledTemporaryFile(max_size=IN_MEMORY) as body:
                environ["CONTENT_LENGTH"] = str(_read(environ["wsgi.input"], body))
                environ["wsgi.input"] = body
                return application(environ, start_response)
        return application(environ, start_response)

    return measured


def _read(stream: Any, body: Any) -> int:
    """The length of what was read."""
    length = 0
    while length <= LONGEST and (piece := stream.read(PIECE)):
        body.write(piece)
        length += len(piece)
    body.seek(0)
    return length
