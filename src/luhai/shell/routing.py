"""One database, two doors: the application uses `default`, migrations use `owner`."""

from __future__ import annotations


class OneDatabase:
    """Migrations run through the owner's door only; everything else through the application's."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == "owner"

    def allow_relation(self, *_: object, **__: object) -> bool:
        return True
