"""Alembic's entry: runs the migrations on the connection that `migrating.py` hands in, inside its transaction."""

from alembic import context

from bot.adapters.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite's too: we begin transactions ourselves, so its DDL can be rolled back
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
