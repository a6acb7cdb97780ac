"""Receive requests of Clarion's `http` steps and check that they are Clarion's, with Python's standard library only.

CLARION_WEBHOOK_SECRET=whsec_… python3 verify.py 8000

`clarion sites show` prints the secret. Signatures follow Standard Webhooks (https://www.standardwebhooks.com).
"""

import base64
import hashlib
import hmac
import os
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60
"""Seconds that a request may be old, or that clocks may differ: what was recorded cannot be played back later."""
LARGEST = 1024 * 1024


class NotClarions(Exception):
    """The request cannot be trusted."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Check a request. Returns its `webhook-id`; raises NotClarions. Names of `headers` are in lower case.

    `body` must be the bytes as they came: JSON that was parsed and written again has another signature.
    """
    message = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not (message and signatures and timestamp.isascii() and timestamp.isdigit()):
        raise NotClarions("the request is not signed")
    if abs(now - int(timestamp[:15])) > TOLERANCE:
        raise NotClarions("the request is too old or from the future")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    # There can be several signatures while a secret is being replaced. compare_digest takes the same time however much of it is right.
    if not any(hmac.compare_digest(expected.encode(), given.encode()) for given in signatures.split()):
        raise NotClarions("the signature is wrong")
    return message


class Receiver(BaseHTTPRequestHandler):
    """Takes POST requests."""

    secret = ""
    seen: set[str] = set()  # noqa: RUF012  # shared by all requests on purpose; in a real shop, a table with a unique index

    def do_POST(self) -> None:
        """Answer 204 as soon as the request is safe with you; anything but 2xx makes Clarion send it again."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            self.answer(413)
            return
        body = self.rfile.read(int(length))
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            message = verify(self.secret, headers, body, time.time())
        except NotClarions as problem:
            print(f"refused: {problem}", flush=True)
            self.answer(401)
            return
        # The same id is the same message: it comes again when an answer was lost on the way.
        if message in self.seen:
            print(f"again: {message}", flush=True)
        else:
            self.seen.add(message)
            print(f"received: {message} {body.decode()}", flush=True)
        self.answer(204)

    def answer(self, status: int) -> None:
        """Answer without a body."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: what matters is printed above."""


def main() -> None:
    """Listen on this machine only; put a TLS proxy in front for the outside."""
    Receiver.secret = os.environ.get("CLARION_WEBHOOK_SECRET") or sys.exit("Set CLARION_WEBHOOK_SECRET; clarion sites show prints it")
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    with ThreadingHTTPServer(("127.0.0.1", port), Receiver) as server:
        print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
