"""The request log: one row per request, and one for its tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create `requests` and `usage`."""
    op.create_table(
        "requests",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("ended", sa.Double, nullable=False),
        sa.Column("first_byte", sa.Double, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("dialect", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("upstream_model", sa.Text, nullable=False),
        sa.Column("stream", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("finish", sa.Text, nullable=False),
        sa.Column("hold_nusd", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_requests_recent", "requests", ["started", "request_id"])
    op.create_table(
        "usage",
        sa.Column(
            "request_id",
            sa.Text,
            sa.ForeignKey("requests.request_id", ondelete="CASCADE", name="fk_usage_request"),
            primary_key=True,
        ),
        sa.Column("prompt", sa.BigInteger, nullable=False),
        sa.Column("output", sa.BigInteger, nullable=False),
        sa.Column("thoughts", sa.BigInteger, nullable=False),
        sa.Column("cached", sa.BigInteger, nullable=False),
        sa.Column("tool_use", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("service_tier", sa.Text, nullable=False),
        sa.Column("cost_nusd", sa.BigInteger, nullable=True),
    )
