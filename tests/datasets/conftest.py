"""A cache of the test's own, and a small web server on 127.0.0.1 that can misbehave on purpose."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hsrnn.datasets import storage


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, with neither HSRNN_DATA nor HSRNN_OFFLINE set."""
    folder = tmp_path / "cache"
    monkeypatch.delenv("HSRNN_DATA", raising=False)
    monkeypatch.delenv("HSRNN_OFFLINE", raising=False)
    monkeypatch.setattr(storage.pooch, "os_cache", lambda project: folder)
    return folder


@dataclass
class LocalServer:
    """`pages` maps a path to the bytes served; `cut` maps a path to how many bytes are missing at the end."""

    address: str
    pages: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            local.requests.append(self.path)
            body = local.pages.get(self.path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - local.cut.get(self.path, 0)])

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    local = LocalServer(f"http://127.0.0.1:{web.server_address[1]}")
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield local
    web.shutdown()
    web.server_close()
    thread.join()
