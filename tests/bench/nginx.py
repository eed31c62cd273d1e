"""nginx in its two parts: the fast service behind the gateways, and the proxy that ours is measured against."""

import getpass
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import cores
from tests.bench.processes import Running, running
from tests.ports import free_ports

ANSWER = json.dumps({"slug": "lamp", "name": "Lamp", "description": "x" * 961}).ljust(1024)
FAST, CACHED, LARGE = "/api/v2/products/fast", "/api/v2/products/cached", "/api/v2/products/large"
UPLOAD = "/pictures"
TAG = '"as-it-is"'
CONFIGURATION = """
daemon off; worker_processes 1; pid {place}/{name}.pid; error_log stderr error; user {user};
events {{ worker_connections 8192; }}
http {{
  client_body_temp_path {place}/{name}-bodies; proxy_temp_path {place}/{name}-answers;
  fastcgi_temp_path {place}/{name}-1; uwsgi_temp_path {place}/{name}-2; scgi_temp_path {place}/{name}-3;
  access_log {log}; client_max_body_size 0; keepalive_requests 1000000000; default_type application/json;
  keepalive_timeout 3600;
  {rest}
}}
"""
SERVICE = """
  server {{
    listen 127.0.0.1:{port};
    location / {{ add_header Cache-Control no-store; add_header X-Instance $server_port; return 200 '{answer}'; }}
    location = {cached} {{
      add_header Cache-Control "public, max-age=300"; add_header ETag '{tag}'; return 200 '{answer}';
    }}
    location = {upload} {{
      client_body_buffer_size 11m; proxy_pass http://127.0.0.1:{port}/; proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }}
    location = {large} {{ add_header Cache-Control no-store; alias {place}/large; }}
  }}
"""
PROXY = """
  upstream service {{ server {upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
    }}
  }}
"""


def missing() -> str | None:
    """What to do when there is no nginx, or None."""
    return None if shutil.which("nginx") else "nginx is missing: apt-get install nginx-light"


@contextmanager
def service(directory: Path, port: int | None = None) -> Iterator[Running]:
    """A service that answers 1 KiB of JSON as fast as can be, on the cores of the load, and tells its port."""
    port = port or free_ports(1)[0]
    places = {"cached": CACHED, "large": LARGE, "upload": UPLOAD, "place": directory}
    rest = SERVICE.format(port=port, answer=ANSWER, tag=TAG.replace('"', '\\"'), **places)
    with _running(f"fast-service-{port}", directory, port, rest, log="off", on=cores.LOAD) as found:
        yield found


@contextmanager
def proxy(name: str, directory: Path, upstream: Running) -> Iterator[Running]:
    """nginx as a proxy in front of a service, with keep-alive and its access log on."""
    [port] = free_ports(1)
    rest = PROXY.format(port=port, upstream=upstream.url.removeprefix("http://"))
    with _running(name, directory, port, rest, log=f"{directory}/{name}-access.log", on=cores.SERVER) as found:
        yield found


@contextmanager
def _running(name: str, directory: Path, port: int, rest: str, log: str, on: set[int]) -> Iterator[Running]:
    written = CONFIGURATION.format(place=directory, name=name, user=getpass.getuser(), log=log, rest=rest)
    configuration = directory / f"{name}.conf"
    configuration.write_text(written)
    command = [str(shutil.which("nginx")), "-p", str(directory), "-c", str(configuration)]
    with running(name, command, directory, on=on, port=port, ready=FAST) as found:
        yield found
