"""Runs the migrations in the transaction of whoever called `stores.db.upgrade`.

A migration that running code cannot live with is written as two: `..._pre_...` only adds and
ships first, `..._post_...` removes, one release later, so that old code works on the new schema.
"""

from alembic import context

from geminid.stores.db import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
