"""A batch of one, without arrays. Its text is in sql/, as it is to be read."""

from pathlib import Path

from django.db import migrations

_SQL = (Path(__file__).parent / "sql" / "ledger_post_one.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_functions")]
    operations = [migrations.RunSQL(_SQL, migrations.RunSQL.noop)]
