"""A real Chromium before the gateway of the whole shop, with an eye on what no page may do."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, sync_playwright

from tests.browser.visitor import Visitor
from tests.shop import Shop

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 15_000
Arrive = Callable[..., Visitor]
Product = Callable[..., dict[str, Any]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium, or the one that CHROMIUM names."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail("There is no Chromium on this machine: install it (apt install chromium), or name one in CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def arrive(chromium: Browser, suite: Shop) -> Iterator[Arrive]:
    """Somebody arrives at the shop with a browser of their own: `ada = arrive()`, `arrive(java_script_enabled=False)`.

    In the end no page may have shown a dialog or broken the content policy.
    """
    contexts = []
    misdeeds: list[str] = []

    def note_dialog(dialog: Dialog) -> None:
        misdeeds.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def note_console(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            misdeeds.append(message.text)

    def come(**options: Any) -> Visitor:
        context = chromium.new_context(base_url=suite.gateway, **options)
        context.set_default_timeout(PATIENCE_MS)
        context.on("dialog", note_dialog)
        context.on("console", note_console)
        contexts.append(context)
        return Visitor(context.new_page())

    yield come
    for context in contexts:
        context.close()
    assert misdeeds == []
