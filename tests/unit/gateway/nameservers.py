"""A name server of the tests' own: it listens on TCP and answers from a zone that a test may change as it goes."""

import socketserver
import struct
import threading
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from dns.message import Message


class NameServer(socketserver.ThreadingTCPServer):
    """Knows what its `zone` says, by name and type: `zone["shop.test.", "A"] = ["192.0.2.1"]`.

    The addresses of an SRV record's targets come along if it `tells_addresses`; `garbage` is sent instead of answers.
    About the names that are `broken` it says that it cannot tell.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.broken: set[str] = set()
        self.tells_addresses = True
        self.garbage: bytes | None = None
        self.asked: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", 0), Conversation)
        self.place = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, asked: Message) -> Message:
        """What it has to say."""
        question = asked.question[0]
        name, kind = str(question.name), question.rdtype.name
        self.asked.append((name, kind))
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.RA
        answer.answer = self._records(name, kind)
        if not answer.answer and name not in {known for known, _ in self.zone}:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        if kind == "SRV" and self.tells_addresses:
            targets = dict.fromkeys(record.split()[-1] for record in self.zone.get((name, kind), ()))
            answer.additional = [found for target in targets for found in self._records(target, "A")]
        return answer

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def _records(self, name: str, kind: str) -> list[dns.rrset.RRset]:
        records = self.zone.get((name, kind))
        return [dns.rrset.from_text_list(name, 0, "IN", kind, records)] if records else []


class Conversation(socketserver.StreamRequestHandler):
    """What one client asks (RFC 1035, 4.2.2: every message after its length)."""

    server: NameServer

    def handle(self) -> Any:
        while length := self.rfile.read(2):
            asked = dns.message.from_wire(self.rfile.read(*struct.unpack("!H", length)))
            said = self.server.garbage or self.server.answer(asked).to_wire()
            self.wfile.write(struct.pack("!H", len(said)) + said)
