"""A real browser for tests: Debian's Chromium, driven by Playwright."""
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import need
from playwright.sync_api import Browser, sync_playwright

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync", "--disable-background-networking",
         "--disable-component-update"]  # no sandbox: in containers Chromium is root, and the pages are our own


@contextmanager
def chromium(program: str | None = None) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program or need("chromium"), args=QUIET)
        yield browser
        browser.close()


@contextmanager
def chromium_without_network(folder: Path) -> Iterator[Browser]:
    """Chromium in a network namespace of its own, in which there is nothing. `folder` is for the script that starts it."""
    program = folder / "chromium-without-network"
    program.write_text(f'#!/bin/sh\nexec {need("bwrap")} --dev-bind / / --unshare-net {need("chromium")} "$@"\n',
                       encoding="utf-8")
    program.chmod(0o755)
    with chromium(str(program)) as browser:
        yield browser
