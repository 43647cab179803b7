"""Facts, what could not be read, and how far the journal was read."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="Reader",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(default=0)),
                ("gathered_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Fact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.BigIntegerField()),
                ("index", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=12)),
                ("event_kind", models.CharField(max_length=60)),
                ("subject", models.CharField(max_length=200)),
                ("month", models.DateField()),
                ("day", models.DateField()),
                ("territory", models.CharField(max_length=6)),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.BigIntegerField()),
                ("country", models.CharField(default="", max_length=2)),
                ("documented", models.BooleanField()),
                ("bank_id", models.UUIDField()),
                ("company_id", models.UUIDField()),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "month", "territory", "currency"], name="statistics_cell")],
                "constraints": [
                    models.UniqueConstraint(fields=("position", "index", "kind"), name="a_fact_is_written_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["drawn", "repaid", "received", "returned"])),
                        name="statistics_kind_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="statistics_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("day__gte", models.F("month")), ("month__day", 1)),
                        name="statistics_month_begins",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Unread",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.BigIntegerField()),
                ("index", models.PositiveIntegerField()),
                ("event_kind", models.CharField(max_length=60)),
                ("problem", models.CharField(max_length=100)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("position", "index"), name="an_event_is_set_aside_once")
                ],
            },
        ),
    ]
