from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from tests.run import chromium

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live_server) -> Iterator[BrowserContext]:
    """A fresh Chromium; its pages know the site as `live_server.url`."""
    if not chromium().exists():
        pytest.skip("no Chromium on this machine")
    # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "browser", executable_path=chromium(), headless=True, args=ARGUMENTS
        )
        try:
            yield context
        finally:
            context.close()
