"""What a service needs before it serves: its database migrated, an administrator, something on the shelves."""

import os
import sys
from dataclasses import dataclass

from processes import DATABASES, environment, several
from project import DATA, SAMPLE, say
from several import FIRST_FAILED
from supervisor import Supervisor


@dataclass(frozen=True)
class Step:
    """One of a service's own commands, and what to say when it fails."""

    command: list[str]
    fault: str
    remedy: str


class Preparation:
    """The steps of one service, done in one process."""

    def __init__(self, supervisor: Supervisor, package: str, steps: list[Step], told: dict[str, str]) -> None:
        self.package = package
        self._steps = steps
        command = several(package, *(step.command for step in steps))
        self._task = supervisor.task(package, command, environment(package) | told)

    @property
    def ended(self) -> bool:
        """Has it come to an end, good or bad?"""
        return self._task.process.poll() is not None

    @property
    def succeeded(self) -> bool:
        """Is everything in place?"""
        return self.ended and not self._task.failed

    def insist(self) -> None:
        """End the start, with what is at fault and what helps, when a step has failed."""
        if self.succeeded:
            return
        failed = self._task.process.returncode - FIRST_FAILED
        unknown = Step([], "it could not be prepared", "Its own words are above.")
        step = self._steps[failed] if 0 <= failed < len(self._steps) else unknown
        words = [line for line in self.output.splitlines() if line and not line.startswith("{")]
        last = "\n".join(f"  {line}" for line in words[-8:])
        sys.exit(f"{last}\n{self.package}: {step.fault}.\n  {step.remedy}")

    @property
    def output(self) -> str:
        """What the steps have said."""
        return self._task.output


def prepare(supervisor: Supervisor, username: str, password: str, empty: bool) -> dict[str, Preparation]:
    """Start every service's preparation."""
    steps = {package: [migration(package)] for package in DATABASES}
    steps["auth_service"].append(administrator(username))
    if not empty:
        steps["product_service"].append(sample())
    told = {"ADMIN_PASSWORD": password}
    return {package: Preparation(supervisor, package, steps[package], told) for package in DATABASES}


def migration(package: str) -> Step:
    """Bring the database to this release."""
    variable = f"{DATABASES[package]}_DATABASE_URL"
    if os.environ.get(variable):
        remedy = f"{variable} names it: does that server run, are user and password right, is the database there?"
    else:
        remedy = f"It lies in {DATA}; ./scripts/server --fresh starts anew with an empty one."
    return Step(["db", "upgrade"], "the database could not be migrated", remedy)


def administrator(username: str) -> Step:
    """Make an account with all roles when there is none."""
    options = ["--username", username, "--email", f"{username}@example.com", "--if-none"]
    remedy = "ADMIN_USERNAME and ADMIN_PASSWORD choose name and password (12 characters or more, not a common one)."
    return Step(["users", "create-admin", *options], "the administrator's account could not be made", remedy)


def sample() -> Step:
    """Fill the shelves of a shop that has never sold anything."""
    command = ["catalog", "import", "--if-empty", SAMPLE]
    return Step(command, "the sample catalogue could not be imported", "./scripts/server --empty does without it.")


def introduce(username: str, password: str, output: str) -> None:
    """Tell the administrator's password, this once, when the account was made just now."""
    if "created" in output.splitlines():
        say(f"admin account: {username} / {password}")
