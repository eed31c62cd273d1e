"""See chassis/migrations.py."""

from chassis.migrations import run

run()
