"""Changes a shop's processes from outside: tests put this directory on their PYTHONPATH and name patches in PATCHES.

Python imports this module when it starts. Each patch waits for the module that it changes, and fails loudly when that
has no such thing any more, so that no test passes because a safety could not be taken out.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

DEFERRED_SECONDS = 1.0
MEETING_SECONDS = 20.0

Patch = Callable[[Any], None]


def failpoints(module: Any) -> None:
    """A file in FAILPOINTS that is called like a place has the first process that comes there die, once."""
    assert callable(module.reach)
    places = Path(os.environ["FAILPOINTS"])

    def reach(name: str) -> None:
        with suppress(FileNotFoundError):
            (places / name).unlink()
            os.killpg(os.getpgrp(), signal.SIGKILL)

    module.reach = reach


def impatient(module: Any) -> None:
    """A process that dies again and again is started again at once."""
    assert module.LONGEST_PAUSE
    module.LONGEST_PAUSE = 0.0


def without_idempotency(module: Any) -> None:
    """No key has ever been used before."""
    assert callable(module._claim)
    module._claim = lambda caller, key, fingerprint: None


def without_inbox(module: Any) -> None:
    """No event has had its effect before."""
    assert callable(module._have_effect)

    def have_effect(event: Any) -> None:
        if module.db.session.get(module.InboxEvent, event.id) is None:
            module.db.session.add(module.InboxEvent(event_id=event.id, type=event.type))
        module.current_app.extensions["listeners"][event.type](event)
        module.db.session.commit()

    module._have_effect = have_effect


def without_compare_and_set(module: Any) -> None:
    """An order is moved on from wherever it is by now; who is first to cancel it waits for the second to catch up."""
    assert callable(module._set)
    caught_up: dict[str, threading.Event] = {}

    def set_anyway(order: Any, values: dict[str, Any]) -> None:
        if values.get("status") == module.Status.CANCELLED:
            mine = threading.Event()
            first = caught_up.setdefault(order.id, mine)
            first.wait(MEETING_SECONDS) if first is mine else first.set()
        anywhere = module.sa.update(module.Order).where(module.Order.id == order.id)
        module.db.session.execute(anywhere.values(**values, updated_at=module.now()))
        if values.get("status", order.status) != order.status:
            module.db.session.add(module.HistoryEntry(order_id=order.id, status=values["status"], at=module.now()))
        for name, value in values.items():
            setattr(order, name, value)

    module._set = set_anyway


def without_outbox_transaction(module: Any) -> None:
    """An event is written after the change that it tells of, in a transaction of its own."""
    in_transaction = module.record
    assert callable(in_transaction)

    def record(kind: str, data: dict[str, Any], *, subject: str) -> None:
        app = module.current_app._get_current_object()

        def write() -> None:
            time.sleep(DEFERRED_SECONDS)
            with app.app_context():
                in_transaction(kind, data, subject=subject)
                module.db.session.commit()

        threading.Thread(target=write).start()

    module.record = record


def without_reaper(module: Any) -> None:
    """Reservations whose time is over are left as they are."""
    install = module.install

    def install_others(app: Any, jobs: Sequence[Any]) -> None:
        others = [job for job in jobs if job.name != "expire reservations"]
        assert app.name != "product_service" or len(others) < len(jobs)
        install(app, others)

    module.install = install_others


PATCHES: dict[str, tuple[str, Patch]] = {
    "failpoints": ("chassis.failpoints", failpoints),
    "impatient": ("supervisor", impatient),
    "idempotency": ("chassis.idempotency", without_idempotency),
    "inbox": ("chassis.inbox", without_inbox),
    "compare-and-set": ("order_service.domain.orders", without_compare_and_set),
    "outbox": ("chassis.outbox", without_outbox_transaction),
    "reaper": ("chassis.worker", without_reaper),
}


class Patcher(MetaPathFinder):
    """Finds modules as everybody does, and patches those that it is told to as soon as they are there."""

    def __init__(self, names: list[str]) -> None:
        self._patches = {PATCHES[name][0]: PATCHES[name][1] for name in names}

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in self._patches:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            spec.loader = Patching(spec.loader, self._patches[name])
        return spec


class Patching(Loader):
    """Loads a module and patches it."""

    def __init__(self, loader: Any, patch: Patch) -> None:
        self._loader, self._patch = loader, patch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._patch(module)


if os.environ.get("PATCHES"):
    sys.meta_path.insert(0, Patcher(os.environ["PATCHES"].split(",")))
