"""A server's HTTP API, asked from several threads.

The standard library alone: on a cluster the module is then one zip file that `spark.sparkContext.addPyFile` hands to executors.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import ssl
import threading
import urllib.parse
from typing import Any

from medinfer_spark.errors import MedinferError, RowError

_LONGEST_WAIT_S = 60.0
"""Before a request is sent again, whatever `Retry-After` says."""

_PATIENCE_S = 3600.0
"""For a server that says "not yet" (429): that is no failure, but its limits at work."""

_OF_EVERY_ROW = ("model_reads_no_images", "wrong_task")
"""Codes of 400 that no other row would escape."""

_OF_A_ROW = ("internal_error", "out_of_memory")
"""Codes of 500 and 503 that another row may escape."""


def split_url(url: str) -> tuple[str, str, str]:
    """Scheme, host with port, and the path in front of `/v1`.

    :raises ValueError: it is none, or has what a server's address has not
    """
    parts = urllib.parse.urlsplit(url)
    path = parts.path.rstrip("/").removesuffix("/v1")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("url must be a server's address, such as http://gpu-1:8080")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("url must have no user, query or fragment: a key is api_key")
    return parts.scheme, parts.netloc, path


class Server:
    """Requests to one server. Each thread has a connection of its own, which is kept for its next request."""

    def __init__(self, url: str, api_key: str | None, timeout: float, retries: int) -> None:
        """
        :param timeout: seconds without a byte from the server, after which a request counts as lost
        :param retries: how often a request is sent again that failed
        """
        self._scheme, self._host, self._path = split_url(url)
        self._key = api_key
        self._timeout = timeout
        self._retries = retries
        self._tls = ssl.create_default_context() if self._scheme == "https" else None
        self._own = threading.local()
        self._lock = threading.Lock()
        self._connections: set[http.client.HTTPConnection] = set()
        self._closed = threading.Event()

    def ask(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        """What the server answers, read as JSON. Sent again where that may help, as OpenAI's clients do it.

        :param body: JSON of a POST; None: a GET
        :raises RowError: this request cannot be answered
        :raises MedinferError: nor can any other
        """
        failures, waited = 0, 0.0
        give_up: RowError | MedinferError
        while True:
            wait = min(8.0, 0.5 * 2**failures) * random.uniform(0.5, 1)
            try:
                status, answered, content = self._send(path, body, headers or {})
                if status == 200:
                    return json.loads(content)
                give_up, lost = _error_of(status, answered, content), False
                if not _may_help(status, answered):
                    raise give_up
                wait = _asked_wait(answered) or wait
            except ssl.SSLCertVerificationError as error:
                raise MedinferError(f"the certificate of {self._host} is not trusted: {error.verify_message}") from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                give_up, lost = RowError("connection_broken", f"no whole answer came: {type(error).__name__}"), True
                status = 0
            if self._closed.is_set():
                raise MedinferError("the task has ended")
            if status == 429:
                if waited >= _PATIENCE_S:
                    raise give_up
                waited += wait
            else:
                failures += 1
            if failures > self._retries:
                # A row that breaks its connection each time must not end the job; a server that is gone must.
                if lost and not self._is_there():
                    raise MedinferError(f"no server answers at {self._scheme}://{self._host} ({give_up})")
                raise give_up
            self._closed.wait(wait)

    def close(self) -> None:
        """Breaks off what still runs, so that the server stops computing it."""
        self._closed.set()
        with self._lock:
            connections = list(self._connections)
        for each in connections:
            # Wakes the thread that reads from it, which close() alone does not.
            if each.sock is not None:
                try:
                    each.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            each.close()

    def _send(self, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, http.client.HTTPMessage, bytes]:
        """
        :raises OSError: there is no connection, or it broke
        :raises HTTPException: the answer is not whole
        """
        connection = self._connection()
        kept = connection.sock is not None
        try:
            return self._exchange(connection, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError):
            if not kept or self._closed.is_set():
                raise
            # The server had closed it while it was idle.
            return self._exchange(connection, path, body, headers)
        finally:
            if self._closed.is_set():
                connection.close()

    def _exchange(
        self, connection: http.client.HTTPConnection, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        sent = {"content-type": "application/json", **headers}
        if self._key:
            sent["authorization"] = f"Bearer {self._key}"
        try:
            try:
                connection.request("GET" if body is None else "POST", self._path + path, body, sent)
            except (BrokenPipeError, ConnectionResetError):
                # A body that is too large is refused before all of it was sent: the refusal may be here.
                pass
            response = connection.getresponse()
            content = response.read()
            if response.will_close:
                connection.close()
            return response.status, response.headers, content
        except BaseException:
            connection.close()
            raise

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            if self._tls is None:
                connection = http.client.HTTPConnection(self._host, timeout=self._timeout)
            else:
                connection = http.client.HTTPSConnection(self._host, timeout=self._timeout, context=self._tls)
            self._own.connection = connection
            with self._lock:
                self._connections.add(connection)
        return connection

    def _is_there(self) -> bool:
        """Whether anything answers, whatever it says."""
        try:
            self._send("/health/live", None, {})
        except (OSError, http.client.HTTPException):
            return False
        return True


def _may_help(status: int, headers: http.client.HTTPMessage) -> bool:
    """Whether to ask again, by the rules of OpenAI's clients."""
    said = headers.get("x-should-retry")
    if said in ("true", "false"):
        return said == "true"
    return status in (408, 409, 429) or status >= 500


def _asked_wait(headers: http.client.HTTPMessage) -> float | None:
    """Seconds that the server asks to wait; a date is not read."""
    try:
        return min(_LONGEST_WAIT_S, max(0.0, float(headers.get("retry-after", ""))))
    except ValueError:
        return None


def _error_of(status: int, headers: http.client.HTTPMessage, content: bytes) -> RowError | MedinferError:
    """What an answer without an answer is: the row's alone, or that of all rows."""
    code, message, param = _read_problem(content)
    if status == 400:
        # A wrong option is wrong in every row; what is wrong with messages is the row's.
        of_row = code not in _OF_EVERY_ROW and (code != "invalid_value" or not param or param.startswith("messages"))
    else:
        of_row = status == 413 or code in _OF_A_ROW
    if of_row:
        return RowError(code or f"http_{status}", message, status, headers.get("x-request-id"))
    return MedinferError(f"the server refuses what every row asks: {status} {code}: {message}")


def _read_problem(content: bytes) -> tuple[str, str, str]:
    """Code, message and place of OpenAI's error object. Of another body nothing is told: it may quote the request."""
    try:
        error = json.loads(content)["error"]
        return str(error.get("code") or ""), str(error["message"]), str(error.get("param") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", "not an answer of a medinfer server", ""
