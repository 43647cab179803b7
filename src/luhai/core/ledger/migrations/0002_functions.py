"""The functions that alone write the ledger, and who may read it. Their text is in sql/, as it is to be read."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent / "sql"


def _text(name: str) -> migrations.RunSQL:
    # Not as a format string: the text is sent as it is.
    return migrations.RunSQL((_SQL / name).read_text(encoding="utf-8"), migrations.RunSQL.noop)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("shell", "0001_initial")]
    operations = [_text("ledger_post_in_turn.sql"), _text("ledger_post.sql"), _text("ledger_accounts.sql")]
