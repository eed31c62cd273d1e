"""A service's line to the accounts: keys are fetched once, and nobody is judged without them."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chassis import identity
from chassis.identity import RemoteAuthority, verify_token
from chassis.peers import Peer, PeerUnavailable
from tests.accounts import Accounts
from tests.services import PUBLIC_URL, SERVICE_TOKEN


class AccountsServer:
    """The accounts over real HTTP, as far as other services ask them."""

    def __init__(self, accounts: Accounts) -> None:
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                server.gate.wait(5)
                keys = [key.as_dict(private=False) for key in accounts.public_keys("").keys]
                self._answer(500 if server.broken else 200, {"keys": keys})

            def do_POST(self) -> None:
                server.asked.append(self.path)
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                known = accounts.identify(sent["api_key"])
                claims = accounts.claims(known.username) if known else {}
                self._answer(200 if known else 404, claims)

            def _answer(self, status: int, document: Any) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def remote(accounts: Accounts) -> Any:
    server = AccountsServer(accounts)
    yield server
    server.http.shutdown()
    server.thread.join()
    server.http.server_close()


@pytest.fixture
def authority(remote: AccountsServer) -> RemoteAuthority:
    return RemoteAuthority(Peer("accounts", remote.url, SERVICE_TOKEN))


def test_tokens_are_checked_offline_once_the_keys_are_known(
    accounts: Accounts, remote: AccountsServer, authority: RemoteAuthority
) -> None:
    for _ in range(50):
        assert verify_token(accounts.token(), PUBLIC_URL, authority)
    assert remote.asked == ["/.well-known/jwks.json"]


def test_a_flood_of_unknown_keys_asks_the_accounts_once(
    accounts: Accounts, remote: AccountsServer, authority: RemoteAuthority
) -> None:
    stranger = Accounts()
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: verify_token(stranger.token(), PUBLIC_URL, authority), range(100))
    assert not any(answers)
    assert len(remote.asked) == 1
    assert verify_token(accounts.token(), PUBLIC_URL, authority)


def test_a_new_key_is_found_once_the_interval_is_over(
    accounts: Accounts, authority: RemoteAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verify_token(accounts.token(), PUBLIC_URL, authority)
    accounts.signing_key = Accounts().signing_key
    assert not verify_token(accounts.token(), PUBLIC_URL, authority)
    monkeypatch.setattr(identity, "REFETCH_SECONDS", 0.0)
    assert verify_token(accounts.token(), PUBLIC_URL, authority)


def test_the_first_callers_all_wait_for_the_keys(
    accounts: Accounts, remote: AccountsServer, authority: RemoteAuthority
) -> None:
    remote.gate.clear()
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(verify_token, accounts.token(), PUBLIC_URL, authority) for _ in range(4)]
        while not remote.asked:
            threading.Event().wait(0.01)
        remote.gate.set()
        assert all(answer.result() for answer in answers)
    assert len(remote.asked) == 1


def test_known_keys_keep_working_while_the_accounts_are_away(
    accounts: Accounts, remote: AccountsServer, authority: RemoteAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verify_token(accounts.token(), PUBLIC_URL, authority)
    remote.broken = True
    monkeypatch.setattr(identity, "KEYS_FRESH_SECONDS", 0.0)
    monkeypatch.setattr(identity, "REFETCH_SECONDS", 0.0)
    assert verify_token(accounts.token(), PUBLIC_URL, authority)


def test_nobody_is_judged_before_the_keys_were_ever_seen(
    accounts: Accounts, remote: AccountsServer, authority: RemoteAuthority
) -> None:
    remote.broken = True
    with pytest.raises(PeerUnavailable):
        verify_token(accounts.token(), PUBLIC_URL, authority)
    remote.broken = False
    assert verify_token(accounts.token(), PUBLIC_URL, authority)


def test_an_opaque_key_is_remembered_for_a_moment_only(
    accounts: Accounts, remote: AccountsServer, authority: RemoteAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = accounts.key("ada")
    assert authority.identify(key)
    accounts.forget(key)
    assert authority.identify(key)
    assert len(remote.asked) == 1
    later = time.monotonic() + identity.REMEMBERED_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert authority.identify(key) is None


def test_keys_that_nobody_has_cannot_fill_the_memory(
    remote: AccountsServer, authority: RemoteAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "REMEMBERED_KEYS", 3)
    for number in range(10):
        assert authority.identify(f"nobodys-{number}") is None
    assert len(authority._remembered) <= 3
    before = dict(authority._remembered)
    assert authority.identify("x" * (identity.LONGEST_KEY + 1)) is None
    assert (len(remote.asked), authority._remembered) == (10, before)
