"""The vault: thought signatures that left, and the places where they are found."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create `vault` and `vault_places`.  Only adds: code of 0001 that runs goes on."""
    op.create_table(
        "vault",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("made", sa.Double, nullable=False),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.Column("places", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "vault_places",
        sa.Column("place", sa.LargeBinary, primary_key=True),
        sa.Column("id", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
