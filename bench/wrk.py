"""wrk, a closed-loop load generator in C: so lean that the server on the same machine keeps most of it."""

import re
import subprocess
from pathlib import Path
from typing import Final

import msgspec

from bench.event import PROFILES, encode, example

CONNECTIONS: Final = 64
_WARM_UP_SECONDS: Final = 1

# Requests are built once and sent in turn, so that wrk itself costs next to nothing.
_SCRIPT: Final = """
local path = "/api/v1/events"
local headers = {["Api-Key"] = "@KEY@", ["Content-Type"] = "application/json"}
local body = [[@BODY@]]
local requests, next_one = {}, 0

function init()
  for number = 1, @PROFILES@ do
    requests[number] = wrk.format("POST", path, headers, (body:gsub("PROFILE_ID", "PROFILE_ID_" .. number)))
  end
end

function request()
  next_one = next_one % @PROFILES@ + 1
  return requests[next_one]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests":%d,"microseconds":%d,"p50":%.1f,"p99":%.1f,"not_2xx":%d,"socket_errors":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""


class Load(msgspec.Struct, frozen=True):
    """One run of wrk. Latencies in microseconds."""

    requests: int
    microseconds: int
    p50: float
    p99: float
    not_2xx: int
    socket_errors: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.microseconds * 1e6


def write_script(directory: Path, key: str) -> Path:
    """Write the script that posts the example event with an API key."""
    script = directory / "events.lua"
    body = encode(example("PROFILE_ID")).decode()
    script.write_text(_SCRIPT.replace("@KEY@", key).replace("@BODY@", body).replace("@PROFILES@", str(PROFILES)))
    return script


def drive(port: int, script: Path, seconds: float) -> tuple[Load, Load]:
    """Warm a server up, then measure it: both loads. Raises subprocess.CalledProcessError, subprocess.TimeoutExpired."""
    return _run(port, script, _WARM_UP_SECONDS), _run(port, script, round(seconds))


def _run(port: int, script: Path, seconds: int) -> Load:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}/api/v1/events"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    found = re.search(r"^RESULT (.+)$", said, re.MULTILINE)
    if found is None:
        raise ValueError(f"wrk gave no result: {said[-500:]}")
    return msgspec.json.decode(found[1], type=Load)
