"""Send one event to Clarion with nothing but Python's standard library.

CLARION_URL=http://127.0.0.1:8080 CLARION_API_KEY=clk_… python3 track.py user-1
"""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

TRIES = 4


def post(url: str, key: str, body: bytes) -> tuple[int, str, str]:
    """One try. Returns the HTTP status (0: no answer), the body or the error, and what Retry-After says."""
    headers = {"Api-Key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v1/events", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode(), ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers.get("Retry-After", "")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error), ""


def main() -> None:
    """Send the event, again where that makes sense."""
    url, key = os.environ.get("CLARION_URL"), os.environ.get("CLARION_API_KEY")
    if not url:
        sys.exit("Set CLARION_URL to where Clarion runs, for example http://127.0.0.1:8080")
    if not key:
        sys.exit("Set CLARION_API_KEY to an API key with the scope events")
    event = {
        "event_name": "add_to_cart",
        "profile_id": sys.argv[1] if len(sys.argv) > 1 else "user-1",
        # Chosen once, before the first try: however often the event is sent below, it stays one event.
        "event_id": str(uuid.uuid4()),
        "data": {"product_name": "Running Shoes", "price": 99.99},
    }
    body = json.dumps(event).encode()

    for attempt in range(1, TRIES + 1):
        status, answer, retry_after = post(url, key, body)
        if status == 200:
            print(answer)
            return
        # No answer, "too many requests" and "not now" pass; anything else would fail in the same way again.
        if attempt == TRIES or status not in {0, 429, 503}:
            sys.exit(f"Clarion answered {status}: {answer}" if status else f"Clarion cannot be reached: {answer}")
        time.sleep(min(int(retry_after) if retry_after.isdigit() else 2 ** (attempt - 1), 60))


if __name__ == "__main__":
    main()
