"""The upper floor: nginx, which answers with the same bytes and stores nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.child import Child, free_port, wait_until_listening
from bench.event import ACCEPTED

# Every choice is the one that makes nginx faster: a worker for each core, no access log, connections that never end.
_CONFIGURATION: Final = """
daemon off;
worker_processes auto;
pid @DIR@/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path @DIR@/body;
  proxy_temp_path @DIR@/proxy;
  fastcgi_temp_path @DIR@/fastcgi;
  uwsgi_temp_path @DIR@/uwsgi;
  scgi_temp_path @DIR@/scgi;
  keepalive_requests 1000000000;
  default_type application/json;
  server {
    listen 127.0.0.1:@PORT@;
    location / { return 200 '@BODY@'; }
  }
}
"""


@contextmanager
def nginx(directory: Path) -> Iterator[int]:
    """A running nginx; gives its port. Raises FileNotFoundError where it is not installed, ChildFailed."""
    port = free_port()
    file = directory / "nginx.conf"
    text = _CONFIGURATION.replace("@DIR@", str(directory)).replace("@PORT@", str(port)).replace("@BODY@", ACCEPTED.decode())
    file.write_text(text)
    command = ["nginx", "-p", str(directory), "-e", "stderr", "-c", str(file)]
    with Child(command, directory / "nginx.err"):
        wait_until_listening(port)
        yield port
