"""Refresh tokens by session and use: what a session used long ago is found without reading all that it has used."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(op.f("ix_refresh_tokens_session_id_used_at"), "refresh_tokens", ["session_id", "used_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_refresh_tokens_session_id_used_at"), table_name="refresh_tokens")
