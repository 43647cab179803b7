"""Bring the database to the form that this version of the code expects."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from . import postgres


def waiting() -> int:
    """How many migrations are still to be done."""
    executor = MigrationExecutor(connections["owner"])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def bring_up_to_date() -> int:
    """Start the server if it is ours, make roles and database, run the migrations; return how many were run."""
    postgres.ensure()
    count = waiting()
    if count:
        call_command("migrate", database="owner", interactive=False, verbosity=0, stdout=StringIO())
    connections["owner"].close()
    return count
