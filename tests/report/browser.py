"""Headless Chromium for tests: pages are opened, read, and used by keyboard, over the pipe of its DevTools protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
LAUNCHER = """
import fcntl, os, sys
ours = [fcntl.fcntl(int(pipe), fcntl.F_DUPFD, 10) for pipe in sys.argv[1:3]]
os.dup2(ours[0], 3), os.dup2(ours[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
TIMEOUT_MS = 20_000  # of `until`
KEYS = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowRight": 39, "Tab": 9, "/": 191}


class Page:
    """A tab.

    Attributes:
        errors: what it wrote to the console as an error, what its scripts threw, what its policy has forbidden.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        target = browser.ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = browser.ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self.errors: list[str] = []
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._browser.ask(method, params or {}, self.session)

    def note_errors(self, event: dict[str, Any]) -> None:
        params = event["params"]
        if event["method"] == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"]))
        elif event["method"] == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.errors.append(json.dumps(params["args"]))
        elif event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        elif event["method"] == "Page.javascriptDialogOpening":
            self.errors.append(f"dialog: {params['message']}")

    def goto(self, url: str) -> None:
        self.ask("Page.navigate", {"url": url})
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True})
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait, in the page, until an expression is true."""
        waits = f"""new Promise((done) => {{
            const from = performance.now();
            const look = () => {{
                if ({expression}) done(true);
                else if (performance.now() - from > {TIMEOUT_MS}) done(false);
                else setTimeout(look, 20);
            }};
            look();
        }})"""
        assert self.js(waits), f"never came true: {expression}\n{self.js('document.body.innerText')}\n{self.errors}"

    def text(self, selector: str) -> str:
        return str(self.js(f"document.querySelector({json.dumps(selector)}).innerText"))

    def texts(self, selector: str) -> list[str]:
        return list(self.js(f"[...document.querySelectorAll({json.dumps(selector)})].map((each) => each.innerText)"))

    def press(self, key: str) -> None:
        code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        written = {"Enter": "\r", "/": "/"}.get(key)
        self.ask("Input.dispatchKeyEvent", {"type": "keyDown", **code, **({"text": written} if written else {})})
        self.ask("Input.dispatchKeyEvent", {"type": "keyUp", **code})

    def type(self, text: str) -> None:
        self.ask("Input.insertText", {"text": text})

    def screenshot(self, path: Path, *, width: int = 1280, height: int = 1000, dark: bool = False) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", size)
        colours = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", {"features": colours})
        path.write_bytes(b64decode(self.ask("Page.captureScreenshot")["data"]))


class Browser:
    """A browser in a process of its own, spoken to in JSON with a zero byte behind each message."""

    def __init__(self, writes_to: int, reads_from: int) -> None:
        self._out, self._in = os.fdopen(writes_to, "wb", 0), os.fdopen(reads_from, "rb", 0)
        self._rest = b""
        self._last_id = 0
        self.pages: dict[str, Page] = {}

    def page(self) -> Page:
        return Page(self)

    def ask(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params}
        self._out.write(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            answer = self._read_message()
            if answer.get("id") == self._last_id:
                assert "error" not in answer, (method, answer["error"])
                return dict(answer["result"])
            if answer.get("sessionId") in self.pages and "method" in answer:
                self.pages[answer["sessionId"]].note_errors(answer)

    def close(self) -> None:
        self._out.close()
        self._in.close()

    def _read_message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = self._in.read(1 << 16)
            assert more, "the browser has ended"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))


@contextmanager
def browsing(profile: Path) -> Iterator[Browser]:
    """A browser; where there is none, the test is skipped."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None or os.name != "posix":
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    (browser_in, to_browser), (from_browser, browser_out) = os.pipe(), os.pipe()
    # LAUNCHER: the browser reads its file descriptor 3 and writes to 4, wherever the pipes are here
    pipes = (browser_in, browser_out)
    command = [sys.executable, "-c", LAUNCHER, *map(str, pipes), program, *FLAGS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(command, pass_fds=pipes, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(browser_in)
    os.close(browser_out)
    browser = Browser(to_browser, from_browser)
    try:
        yield browser
    finally:
        browser.close()
        process.terminate()
        process.wait()
