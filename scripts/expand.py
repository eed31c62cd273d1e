"""Refuses a migration that takes from the release before what that still uses, unless it says `CONTRACT = True`.

While a release rolls, and after the way back, the code before runs on the tables of this one: they may only grow.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from project import ROOT, SERVICES, say

TAKES = re.compile(r"(drop|rename)_\w+|alter_column")
TAKES_IN_SQL = re.compile(r"\b(DROP|RENAME|MODIFY|CHANGE|TRUNCATE|DELETE)\b", re.IGNORECASE)
LENGTH = re.compile(r"(exact|sa\.String)\((\d+)\)")
NUMBERED = re.compile(r"\d{4}_\w+\.py")


def faults(path: Path) -> Iterator[str]:
    """What a migration does that only a contract step may, as `line: what`."""
    tree = ast.parse(path.read_text("utf-8"))
    if not NUMBERED.fullmatch(path.name):
        yield f"1: {path.name} is not numbered, as 0005_what_it_does.py: a release knows a later one's tables by that"
    if any(isinstance(node, ast.Assign) and ast.unparse(node) == "CONTRACT = True" for node in tree.body):
        return
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == "upgrade":
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and (fault := takes(call)):
                    yield f"{call.lineno}: {fault}"


def takes(call: ast.Call) -> str | None:
    """What a call of a migration takes away, if anything."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name == "alter_column" and widens(call):
        return None
    if TAKES.fullmatch(name):
        return name
    if name == "execute" and TAKES_IN_SQL.search(ast.unparse(call)):
        return ast.unparse(call)
    if name == "add_column" and refuses_old_rows(call):
        return "a new column that is neither nullable nor has a server_default"
    return None


def widens(call: ast.Call) -> bool:
    """Does it only let a text be longer than before, as from `exact(80)` to `exact(255)`?"""
    told = {word.arg: ast.unparse(word.value) for word in call.keywords}
    if {name for name in told if name and not name.startswith("existing_")} != {"type_"}:
        return False
    now, before = (LENGTH.fullmatch(told.get(name, "")) for name in ("type_", "existing_type"))
    return bool(now and before and now[1] == before[1] and int(now[2]) >= int(before[2]))


def refuses_old_rows(call: ast.Call) -> bool:
    """Does an added column want a value of code that has never heard of it?"""
    columns = [given for given in call.args if isinstance(given, ast.Call)]
    told = {word.arg: ast.unparse(word.value) for column in columns for word in column.keywords}
    return told.get("nullable") == "False" and "server_default" not in told


def main() -> int:
    every = [path for service in SERVICES for path in sorted((ROOT / service / "migrations/versions").glob("*.py"))]
    paths = [Path(name) for name in sys.argv[1:]] or every
    found = [f"{path}:{fault}" for path in paths for fault in faults(path)]
    for fault in found:
        say(fault)
    if found:
        say("The release before still uses that: take it away one release later, in a migration with CONTRACT = True.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
