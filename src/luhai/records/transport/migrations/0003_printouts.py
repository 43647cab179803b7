"""Copies on paper, and the wall around them.

A printout is seen by whoever sees the title that was printed, and added by who prints it. The public page asks for one exact code,
and a query answers as the system: there is no list that a stranger could read.
"""

import django.db.models.deletion
from django.db import migrations, models

WALLS = """
REVOKE UPDATE, DELETE, TRUNCATE ON transport_printout FROM luhai_app;
ALTER TABLE transport_printout ENABLE ROW LEVEL SECURITY;
CREATE POLICY printout_read ON transport_printout FOR SELECT USING (EXISTS (SELECT FROM titles_title t WHERE t.id = title_id));
CREATE POLICY printout_add ON transport_printout FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM titles_title t WHERE t.id = title_id) AND person_id = luhai_person() AND party_id = luhai_party());
"""


class Migration(migrations.Migration):
    dependencies = [("transport", "0002_walls")]
    operations = [
        migrations.CreateModel(
            name="Printout",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=16, unique=True)),
                ("title_id", models.UUIDField()),
                ("version", models.PositiveIntegerField()),
                ("content_digest", models.CharField(max_length=64)),
                ("n", models.PositiveIntegerField()),
                ("head", models.CharField(max_length=64)),
                ("state", models.CharField(max_length=16)),
                ("printed_at", models.DateTimeField()),
                ("party_id", models.UUIDField()),
                ("person_id", models.UUIDField()),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="transport.document"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["title_id", "-printed_at"], name="printout_of_title")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("code__regex", "^[0-9A-HJKMNP-TV-Z]{16}$")),
                        name="printout_code_is_whole",
                    )
                ],
            },
        ),
        migrations.RunSQL(WALLS, migrations.RunSQL.noop),
    ]
