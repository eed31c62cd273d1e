"""The payment sandbox as a process of a test's own, to be asked and to be killed."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
import stripe

from tests.builders import eventually
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
WEBHOOK_SECRET = "whsec_a-webhook-secret-for-tests"
AUTHORIZED = {"Authorization": "Bearer sk_test_anything"}


class Sandbox:
    """A sandbox with its ledger in `data`, always at the same address however often it is killed."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = stripe.StripeClient("sk_test_anything", base_addresses={"api": self.url}, max_network_retries=0)
        self._ledger = data / "sandbox" / "ledger.sqlite3"
        self._environment = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(data),
            "PORT": str(self.port),
            "PAYMENT_WEBHOOK_SECRET": WEBHOOK_SECRET,
            **{name.upper(): str(value) for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "order_service.sandbox"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        eventually(self._answers, within=100)

    def kill(self) -> None:
        """End it as a crash would: nothing is written any more."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def post(self, path: str, key: str | None = None, **form: Any) -> requests.Response:
        """A form-encoded call, as any HTTP client would make it."""
        headers = AUTHORIZED | ({"Idempotency-Key": key} if key else {})
        return requests.post(self.url + path, data=form, headers=headers, timeout=60)

    def pay(self, key: str | None = None, **form: Any) -> requests.Response:
        """Create a payment intent and confirm it: $19.99 by a card that pays, unless the form says otherwise."""
        asked = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
        return self.post("/v1/payment_intents", key, **(asked | form))

    def date_back(self, object_id: str, moment: datetime) -> None:
        """Have an object made at another time."""
        seconds = int(moment.timestamp())
        with closing(sqlite3.connect(self._ledger)) as ledger, ledger:
            changed = "created = :at, document = json_set(document, '$.created', :at)"
            ledger.execute(f"UPDATE objects SET {changed} WHERE id = :id", {"at": seconds, "id": object_id})

    def get(self, path: str, **query: Any) -> requests.Response:
        """What the sandbox shows."""
        return requests.get(self.url + path, params=query, headers=AUTHORIZED, timeout=10)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/livez", timeout=2).status_code == 200
        except requests.RequestException:
            return False
