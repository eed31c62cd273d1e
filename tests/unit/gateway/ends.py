"""Ends of connections that do nothing by themselves."""

from gateway.streams import Stream


class End(Stream):
    """Leaves all that comes to the test."""

    def on_data(self, data: bytes) -> None: ...

    def on_end(self) -> None: ...

    def on_drained(self) -> None: ...

    def on_broken(self) -> None: ...

    def on_due(self) -> None: ...
