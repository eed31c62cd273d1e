"""Events may have subjects as long as the longest slug and more."""

from alembic import op

from chassis.database import exact

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("subject", type_=exact(255), existing_type=exact(80), existing_nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("subject", type_=exact(80), existing_type=exact(255), existing_nullable=False)
