"""Requests that fail: a server of the standard library plays what a real one does only in trouble."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from support import RunningServer

from medinfer_spark.errors import MedinferError, RowError
from medinfer_spark.server import Server, split_url

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: list[Answer]
    seen: list[dict[str, str]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(dict(self.headers.items()))
        self.answers.pop(0)(self)

    def do_GET(self) -> None:
        say(200, {})(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def say(status: int, body: Any, **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        content = json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"content-length": str(len(content)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def problem(status: int, code: str, param: str | None = None, **headers: str) -> Answer:
    return say(status, {"error": {"message": "what to do", "param": param, "code": code}}, **headers)


def half(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("content-length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"a":')
    handler.close_connection = True


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


@pytest.fixture()
def play() -> Iterator[Callable[..., Server]]:
    stops: list[Callable[[], None]] = []

    def start(*answers: Answer, timeout: float = 5, retries: int = 3, key: str | None = None) -> Server:
        handler = type("Played", (Handler,), {"answers": list(answers), "seen": []})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = Server(f"http://127.0.0.1:{server.server_address[1]}", key, timeout, retries)
        client.handler = handler  # type: ignore[attr-defined]
        stops.extend([client.close, server.shutdown, server.server_close])
        return client

    yield start
    for stop in stops:
        stop()


def ask(server: Server) -> Any:
    return server.ask("/v1/chat/completions", b"{}", {"idempotency-key": "k"})


def test_asks_again_until_there_is_an_answer(play: Callable[..., Server]) -> None:
    answers = [problem(503, "model_loading", retry_after="0"), half, hang_up, say(200, {"a": 1})]
    server = play(*answers, key="secret")
    assert ask(server) == {"a": 1}
    seen = server.handler.seen  # type: ignore[attr-defined]
    assert len(seen) == 4
    assert {each["idempotency-key"] for each in seen} == {"k"}
    assert {each["authorization"] for each in seen} == {"Bearer secret"}


def test_does_not_ask_again_where_it_is_told_not_to(play: Callable[..., Server]) -> None:
    server = play(problem(500, "internal_error", x_should_retry="false"))
    with pytest.raises(RowError) as caught:
        ask(server)
    assert (caught.value.code, caught.value.status) == ("internal_error", 500)


def test_waits_as_long_as_it_is_told(play: Callable[..., Server]) -> None:
    begun = time.monotonic()
    ask(play(problem(429, "queue_full", retry_after="1"), say(200, {})))
    assert time.monotonic() - begun >= 1


def test_a_full_queue_is_no_failure(play: Callable[..., Server]) -> None:
    server = play(*[problem(429, "queue_full", retry_after="0")] * 9, say(200, {"a": 1}), retries=0)
    assert ask(server) == {"a": 1}


@pytest.mark.parametrize(
    ("status", "code", "param", "error"),
    [
        (400, "invalid_image", "messages[1].content[0]", RowError),
        (400, "context_length_exceeded", None, RowError),
        (400, "invalid_value", "messages[1].content[0].type", RowError),
        (413, "body_too_large", None, RowError),
        (503, "out_of_memory", None, RowError),
        (400, "invalid_value", "sampling.topK", MedinferError),
        (400, "model_reads_no_images", "messages[1]", MedinferError),
        (401, "invalid_api_key", None, MedinferError),
        (404, "model_not_found", "model", MedinferError),
        (500, "model_load_failed", None, MedinferError),
        (503, "model_loading", None, MedinferError),
        (302, "moved", None, MedinferError),
    ],
)
def test_what_is_one_rows_and_what_is_all_rows(play: Callable[..., Server], status: int, code: str, param: str, error: Any) -> None:
    with pytest.raises(error, match=code):
        ask(play(problem(status, code, param, x_should_retry="false")))


def test_a_body_that_is_no_error_is_not_told(play: Callable[..., Server]) -> None:
    with pytest.raises(MedinferError) as caught:
        ask(play(say(502, "Doe, John", x_should_retry="false")))
    assert "Doe" not in str(caught.value)


def test_a_row_whose_answers_break_is_the_rows_error(play: Callable[..., Server]) -> None:
    with pytest.raises(RowError, match="connection_broken"):
        ask(play(half, half, retries=1))


def test_a_silent_server(play: Callable[..., Server]) -> None:
    with pytest.raises(RowError, match="TimeoutError"):
        ask(play(lambda handler: time.sleep(2), timeout=0.2, retries=0))


def test_no_server() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Server(f"http://127.0.0.1:{free.getsockname()[1]}", None, 1, 1)
        with pytest.raises(MedinferError, match="no server answers"):
            ask(server)


def test_a_connection_that_was_closed_while_idle_is_no_failure(play: Callable[..., Server]) -> None:
    def last(handler: Handler) -> None:
        say(200, {})(handler)
        handler.close_connection = True

    server = play(last, say(200, {"a": 2}), retries=0)
    ask(server)
    time.sleep(0.2)
    assert ask(server) == {"a": 2}


def test_closing_breaks_off_what_runs(play: Callable[..., Server]) -> None:
    server = play(lambda handler: time.sleep(3), timeout=30)
    threading.Timer(0.3, server.close).start()
    begun = time.monotonic()
    with pytest.raises(MedinferError, match="the task has ended"):
        ask(server)
    assert time.monotonic() - begun < 2


def test_a_body_that_is_too_large_is_refused_by_name(server: RunningServer) -> None:
    client = Server(server.url, None, 30, 0)
    with pytest.raises(RowError) as caught:
        client.ask("/v1/chat/completions", b'{"model":"' + b"x" * (40 << 20) + b'"}')
    assert caught.value.code == "body_too_large"


def test_addresses() -> None:
    assert split_url("http://gpu-1:8080") == ("http", "gpu-1:8080", "")
    assert split_url("https://models.example/medinfer/v1/") == ("https", "models.example", "/medinfer")
    for wrong in ("gpu-1:8080", "ftp://gpu-1", "http://", "http://user:pw@gpu-1", "http://gpu-1/?key=1"):
        with pytest.raises(ValueError, match="url must"):
            split_url(wrong)
