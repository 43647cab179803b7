"""What was done under each measure of the policy is counted, from the first entry of the journal on."""

from django.db import migrations, models

WALLS = """
INSERT INTO statistics_reader (name, position) VALUES ('acts', 0);

REVOKE DELETE, TRUNCATE ON statistics_acts FROM luhai_app;
ALTER TABLE statistics_acts ENABLE ROW LEVEL SECURITY;
CREATE POLICY acts_read ON statistics_acts FOR SELECT USING (true);
CREATE POLICY acts_add ON statistics_acts FOR INSERT WITH CHECK (luhai_role() IN ('system', 'operator'));
CREATE POLICY acts_change ON statistics_acts FOR UPDATE USING (luhai_role() IN ('system', 'operator'));
"""


class Migration(migrations.Migration):
    dependencies = [("statistics", "0003_dimensions")]
    operations = [
        migrations.CreateModel(
            name="Acts",
            fields=[
                ("measure", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("count", models.BigIntegerField()),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("count__gt", 0), ("last_day__gte", models.F("first_day"))), name="acts_were_done"
                    )
                ]
            },
        ),
        migrations.RunSQL(WALLS, migrations.RunSQL.noop),
    ]
