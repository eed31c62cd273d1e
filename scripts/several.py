"""Runs several commands of one service in one process: importing a service takes longer than most of them.

usage: python -m scripts.several PACKAGE COMMAND [ARGUMENT...] [-- COMMAND [ARGUMENT...]]...
When a command fails, the exit status says which: 10 for the first, 11 for the second.
"""

import sys
from importlib import import_module
from itertools import groupby

FIRST_FAILED = 10
BORDER = "--"


def main(package: str, words: list[str]) -> None:
    # Not at the top: whoever starts this learns FIRST_FAILED by a Python that has no Flask.
    import click
    from flask.cli import ScriptInfo

    app = import_module(package).create_app()
    commands = [list(group) for is_border, group in groupby(words, BORDER.__eq__) if not is_border]
    for position, command in enumerate(commands):
        try:
            app.cli.main(command, prog_name="flask", obj=ScriptInfo(create_app=lambda: app), standalone_mode=False)
        except click.ClickException as error:
            error.show()
            sys.exit(FIRST_FAILED + position)
        except Exception as error:  # noqa: BLE001  (whatever it is, the status tells where)
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            sys.exit(FIRST_FAILED + position)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
