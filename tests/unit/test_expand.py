"""A migration only adds, so that the release before finds its way on the new tables."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ADDS = """
def upgrade():
    op.create_table("shelves", sa.Column("id", sa.Integer(), nullable=False))
    op.add_column("products", sa.Column("shelf", sa.Integer(), nullable=True))
    op.add_column("products", sa.Column("row", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("products", "slug", type_=exact(255), existing_type=exact(80), existing_nullable=False)

def downgrade():
    op.drop_column("products", "shelf")
"""


def judged(directory: Path, text: str, name: str = "0009_shelves.py") -> subprocess.CompletedProcess[str]:
    (directory / name).write_text(text)
    line = [sys.executable, "scripts/expand.py", str(directory / name)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_adds_is_welcome(tmp_path: Path) -> None:
    assert judged(tmp_path, ADDS).returncode == 0


@pytest.mark.parametrize(
    "step",
    [
        'op.drop_column("products", "price")',
        'op.drop_table("products")',
        'op.rename_table("products", "goods")',
        'op.alter_column("products", "price", new_column_name="cost")',
        'op.alter_column("products", "slug", type_=exact(80), existing_type=exact(255))',
        'op.alter_column("products", "slug", type_=exact(255), existing_type=exact(80), nullable=False)',
        'op.execute("ALTER TABLE products DROP COLUMN price")',
        'op.add_column("products", sa.Column("shelf", sa.Integer(), nullable=False))',
        'with op.batch_alter_table("products") as table: table.drop_column("price")',
    ],
)
def test_what_takes_away_is_refused_unless_it_says_so(tmp_path: Path, step: str) -> None:
    taking = f"def upgrade():\n    {step}\n"
    refused = judged(tmp_path, taking)
    assert refused.returncode == 1
    assert "0009_shelves.py:2: " in refused.stderr
    assert judged(tmp_path, f"CONTRACT = True\n\n{taking}").returncode == 0


def test_a_revision_without_a_number_is_refused(tmp_path: Path) -> None:
    assert judged(tmp_path, ADDS, "a1b2c3_shelves.py").returncode == 1
