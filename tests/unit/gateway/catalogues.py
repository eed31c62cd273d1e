"""A catalogue behind the gateway, which says how its answers may be kept."""

from tests.unit.gateway.upstreams import Received, Reply, raw, reply

ASKED_EACH_TIME = "public, max-age=0, stale-if-error=60"
FOR_A_MINUTE = "public, max-age=60"


class Catalogue:
    """A service whose product has versions: it knows them by their tags, and says how they may be kept."""

    def __init__(self, cache_control: str = ASKED_EACH_TIME, **headers: str) -> None:
        self.version = 1
        self.headers = {"cache_control": cache_control, **headers}

    def __call__(self, request: Received) -> Reply:
        tag = f'"{self.version}"'
        if request.header("If-None-Match") == tag:
            return raw(f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode())
        return reply(b"version %d" % self.version, etag=tag, hang_up=False, **self.headers)
