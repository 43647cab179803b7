"""Adoptions of packages, what was examined, stated and done, and what is counted while they are live."""

import uuid

import django.db.models.deletion
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
            ],
        ),
        migrations.CreateModel(
            name="Adoption",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("package", models.CharField(max_length=40)),
                ("version", models.CharField(max_length=20)),
                ("digest", models.CharField(max_length=64)),
                ("scene", models.CharField(max_length=40)),
                ("measure", models.CharField(max_length=8)),
                ("territory", models.CharField(max_length=6)),
                ("state", models.CharField(max_length=12)),
                ("overrides", models.JSONField(default=dict)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(null=True)),
                ("drafted_by", models.UUIDField()),
                ("proposed_by", models.UUIDField(null=True)),
                ("approved_by", models.UUIDField(null=True)),
                ("granted_by", models.UUIDField(null=True)),
                ("instrument_no", models.CharField(default="", max_length=120)),
                ("approver", models.CharField(default="", max_length=200)),
                ("scope", models.CharField(default="", max_length=500)),
                ("granted_on", models.DateField(null=True)),
                ("live_from", models.DateField(null=True)),
                ("until", models.DateField(null=True)),
                ("back_asked_by", models.UUIDField(null=True)),
                ("back_from", models.DateField(null=True)),
                ("back_reason", models.CharField(default="", max_length=500)),
                ("back_by", models.UUIDField(null=True)),
                ("entered", models.BooleanField(default=False)),
                ("invented", models.BooleanField(default=False)),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["-changed_at", "-id"], name="replication_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "drafted",
                                    "examined",
                                    "proposed",
                                    "approved",
                                    "granted",
                                    "live",
                                    "stopped",
                                    "rolled_back",
                                    "ended",
                                    "refused",
                                    "dropped",
                                ],
                            )
                        ),
                        name="replication_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_on", None), ("ends_on__gte", models.F("starts_on")), _connector="OR"
                        ),
                        name="replication_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_by", None),
                            models.Q(("approved_by", models.F("proposed_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="replication_two_officials",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("granted_by", None),
                            models.Q(
                                models.Q(("granted_by", models.F("proposed_by")), _negated=True),
                                models.Q(("granted_by", models.F("approved_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="replication_granted_by_a_third",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("back_by", None),
                            models.Q(("back_by", models.F("back_asked_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="replication_back_by_two",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ["granted", "live", "stopped", "rolled_back", "ended"]),
                                _negated=True,
                            ),
                            ("entered", True),
                            models.Q(
                                ("approved_by__isnull", False),
                                ("granted_by__isnull", False),
                                ("proposed_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="replication_live_by_three",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ["live", "stopped", "rolled_back", "ended"]), _negated=True
                            ),
                            models.Q(
                                ("live_from__isnull", False),
                                models.Q(("instrument_no", ""), _negated=True),
                                models.Q(("approver", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="replication_live_names_its_instrument",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "rolled_back"), _negated=True),
                            models.Q(("back_by__isnull", False), ("until__isnull", False)),
                            _connector="OR",
                        ),
                        name="replication_back_has_a_day",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("state__in", ["drafted", "examined", "proposed", "approved", "granted"])
                        ),
                        fields=("package", "territory"),
                        name="replication_one_on_its_way",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["live", "stopped"])),
                        fields=("scene", "territory"),
                        name="replication_one_live",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("territory", models.CharField(max_length=6)),
                ("fact", models.CharField(max_length=40)),
                ("n", models.PositiveIntegerField()),
                ("value", models.JSONField()),
                ("document", models.CharField(max_length=200)),
                ("digest", models.CharField(default="", max_length=64)),
                ("stated_on", models.DateField()),
                ("until", models.DateField()),
                ("person", models.UUIDField()),
                ("role", models.CharField(max_length=24)),
                ("at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until__gte", models.F("stated_on"))),
                        name="replication_statement_lasts",
                    ),
                    models.UniqueConstraint(
                        fields=("territory", "fact", "n"), name="replication_statement_order"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Examination",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("n", models.PositiveIntegerField()),
                ("about", models.CharField(max_length=64)),
                ("conditions", models.JSONField()),
                ("vectors", models.JSONField()),
                ("impact", models.JSONField()),
                ("ready", models.CharField(max_length=8)),
                ("vectors_good", models.BooleanField()),
                ("digest", models.CharField(max_length=64)),
                ("person", models.UUIDField()),
                ("at", models.DateTimeField()),
                (
                    "adoption",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="examinations",
                        to="replication.adoption",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("adoption", "n"), name="replication_examination_order"),
                    models.CheckConstraint(
                        condition=models.Q(("ready__in", ["met", "failed", "unknown"])),
                        name="replication_ready_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("n", models.PositiveIntegerField()),
                ("act", models.CharField(max_length=16)),
                ("before", models.CharField(max_length=12, null=True)),
                ("after", models.CharField(max_length=12)),
                ("person", models.UUIDField()),
                ("role", models.CharField(max_length=24)),
                ("party", models.UUIDField(null=True)),
                ("data", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                (
                    "adoption",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="replication.adoption",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("adoption", "n"), name="replication_step_order"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "act__in",
                                [
                                    "draft",
                                    "examine",
                                    "propose",
                                    "approve",
                                    "grant",
                                    "refuse",
                                    "drop",
                                    "go_live",
                                    "stop",
                                    "ask_roll_back",
                                    "roll_back",
                                    "end",
                                    "enter",
                                ],
                            )
                        ),
                        name="replication_act_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField()),
                ("checked", models.PositiveIntegerField(default=0)),
                ("blocked", models.PositiveIntegerField(default=0)),
                ("credited", models.PositiveIntegerField(default=0)),
                ("credited_minor", models.BigIntegerField(default=0)),
                ("unconverted", models.PositiveIntegerField(default=0)),
                (
                    "adoption",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tallies",
                        to="replication.adoption",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("adoption", "month"), name="replication_tally_once"),
                    models.CheckConstraint(
                        condition=models.Q(("blocked__lte", models.F("checked"))),
                        name="replication_blocked_were_checked",
                    ),
                ],
            },
        ),
    ]
