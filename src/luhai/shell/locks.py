"""Locks on words, for what has no row yet to lock: a number that is about to be given, an amount that two papers may share."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection


def hold_words(words: Iterable[str], *, space: int) -> None:
    """Hold these words until the end of the transaction, in one order for all, so that two who want the same one wait.

    `space` keeps the words of one subject apart from those of another.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(h) FROM (SELECT DISTINCT hashtextextended(w, %s) AS h"
            " FROM unnest(%s::text[]) AS w ORDER BY h OFFSET 0) AS words",
            [space, [word for word in words if word]],
        )
