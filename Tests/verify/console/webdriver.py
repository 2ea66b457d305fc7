# SPDX-License-Identifier: Apache-2.0
"""A browser, driven as people would, by W3C WebDriver (https://www.w3.org/TR/webdriver2/) over Debian's chromedriver."""

import base64
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Failure(Exception):
    """What was expected did not come."""


class Browser:
    def __init__(self, width=1280, height=900):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.base = f"http://127.0.0.1:{port}"
        self.session = ""
        end = time.monotonic() + 30
        while True:
            try:
                self.call("GET", "/status")
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        options = {
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                f"--window-size={width},{height}",
            ]
        }
        capabilities = {"browserName": "chrome", "acceptInsecureCerts": True, "goog:chromeOptions": options}
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self.session = f"/session/{answer['sessionId']}"

    def close(self):
        try:
            if self.session:
                self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + self.session + path, data=data, method=method)
        request.add_header("content-type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {path}: {error.read().decode()[:400]}") from None

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def url(self):
        return self.call("GET", "/url")

    def find(self, css):
        return self.call("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]

    def click(self, css):
        self.call("POST", f"/element/{self.find(css)}/click", {})

    def type(self, css, text):
        self.call("POST", f"/element/{self.find(css)}/value", {"text": text})

    def press(self, key):
        """Presses a key wherever the focus is."""
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def run(self, script, *values):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(values)})

    def text(self, css="main"):
        return self.run("const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", css)

    def until(self, words, css="main", seconds=60):
        """Waits until a part of the page says this, without touching the page."""
        end = time.monotonic() + seconds
        while words not in self.text(css):
            if time.monotonic() > end:
                raise Failure(f"“{words}” did not appear at {self.url()}:\n{self.text(css)[:1500]}")
            time.sleep(0.2)

    def at(self, url, seconds=20):
        """Waits until the browser is at this address: a click says nothing of when its page has come."""
        end = time.monotonic() + seconds
        while self.url() != url or self.run("return document.readyState") != "complete":
            if time.monotonic() > end:
                raise Failure(f"the browser is at {self.url()} and not at {url}")
            time.sleep(0.1)

    def protocol(self, command, **values):
        """What WebDriver has no words for, by Chromium's own protocol."""
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": values})

    def scheme(self, name):
        """Light or dark."""
        self.protocol("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def size(self, width, height):
        self.protocol(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def screenshot(self, path, width=1280):
        """The whole page."""
        self.size(width, 800)
        height = self.run("return document.documentElement.scrollHeight")
        self.size(width, max(500, min(height, 4000)))
        picture = self.protocol("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture))
