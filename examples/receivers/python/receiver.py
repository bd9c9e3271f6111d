"""Receives webhooks: believes only what is signed, stores it before it answers, works afterwards.

WEBHOOK_SECRET=whsec_... STORE=webhooks PORT=8080 python3 receiver.py
"""

import base64
import hashlib
import hmac
import json
import os
import re
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

LIMIT = 1 << 20  # bytes of a body; a movie's is about one kilobyte
TOLERANCE = 300  # seconds, before or after now: what was overheard cannot be sent again later
STORE = Path(os.environ.get("STORE", "webhooks"))


def key(secret: str) -> bytes:
    text = secret.removeprefix("whsec_")
    # An empty key would let anybody sign.
    if text == secret or len(text) % 4 or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", text):
        raise SystemExit("WEBHOOK_SECRET must be whsec_ and base64")
    return base64.b64decode(text)


# Two secrets with a space between while one is changed.
KEYS = [key(secret) for secret in os.environ.get("WEBHOOK_SECRET", "").split(" ")]


def refusal(webhook_id: str, timestamp: str, signatures: str, body: bytes) -> str | None:
    """Says why not to believe a webhook; None when one of the signatures is one of the keys'."""
    if not (webhook_id and timestamp and signatures):
        return "webhook-id, webhook-timestamp and webhook-signature are needed"
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE:
        return "webhook-timestamp is not within five minutes"
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    for k in KEYS:
        want = b"v1," + base64.b64encode(hmac.digest(k, signed, "sha256"))
        if any(hmac.compare_digest(want, given.encode()) for given in signatures.split(" ")):
            return None
    return "no signature matches"


def store(webhook_id: str, body: bytes) -> bool:
    """Keeps the body on the disk and says whether the id is new."""
    with tempfile.NamedTemporaryFile(dir=STORE, prefix="new-") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
        # A link appears whole or not at all, and never over another: an id is stored once, even
        # when it comes twice at a time. The id is hashed since it need not be a file's name.
        try:
            os.link(file.name, STORE / hashlib.sha256(webhook_id.encode()).hexdigest())
            first = True
        except FileExistsError:
            first = False
    folder = os.open(STORE, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return first


class Receiver(BaseHTTPRequestHandler):
    timeout = 10  # seconds; nobody holds a thread for longer

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,12}", length):
            return self.answer(411, "Content-Length is needed")
        body = self.rfile.read(min(int(length), LIMIT + 1))  # as it came: parsed and written again it may differ
        if len(body) > LIMIT:
            return self.answer(413, "the body is too large")
        webhook_id, timestamp, signatures = (
            self.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
        )
        if reason := refusal(webhook_id, timestamp, signatures, body):
            return self.answer(401, reason)
        try:
            first = store(webhook_id, body)
        except OSError as err:
            self.log_error("%s", err)
            return self.answer(500, "not stored")  # Reelhook tries again later
        self.answer(200, "ok")

        if first:  # here your work begins; better in a worker that goes through STORE
            # Content-Type is not signed, so the body itself tells what it is.
            movie = json.loads(body) if body.startswith(b"{") else dict(parse_qsl(body.decode(errors="replace")))
            print(movie.get("url"), movie.get("project"), flush=True)

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


STORE.mkdir(mode=0o700, parents=True, exist_ok=True)
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
