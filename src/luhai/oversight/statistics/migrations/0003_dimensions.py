"""Facts are told apart by more, and lie in files; the manifest says in which.

What was gathered before keeps "_Z" for what its events do not say. The rate they do say, so it is read from them once.
"""

from django.db import migrations, models

RATES = """
UPDATE statistics_fact f SET rate_bp = (e.events -> f.index -> 'data' ->> 'rate_bp')::int
FROM journal_entry e
WHERE f.kind IN ('drawn', 'repaid') AND f.rate_bp IS NULL AND e.position = f.position
    AND jsonb_typeof(e.events -> f.index -> 'data' -> 'rate_bp') = 'number';
"""
WALLS = """
INSERT INTO statistics_reader (name, position) VALUES ('export', 0);

-- No position of a day lies in two parts that count.
ALTER TABLE statistics_part ADD CONSTRAINT a_fact_lies_in_one_part
    EXCLUDE USING gist (daterange(day, day, '[]') WITH &&, int8range(first, last, '[]') WITH &&) WHERE (replaced_at IS NULL);

-- What was written stays: a part is replaced once, and its row goes only with its file, after that.
REVOKE UPDATE, DELETE, TRUNCATE ON statistics_part FROM luhai_app;
GRANT UPDATE (digest, replaced_at), DELETE ON statistics_part TO luhai_app;
CREATE FUNCTION statistics_part_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'part % counts, or was replaced already', OLD.path USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER stays BEFORE DELETE ON statistics_part FOR EACH ROW WHEN (OLD.replaced_at IS NULL) EXECUTE FUNCTION statistics_part_stays();
CREATE TRIGGER replaced_once BEFORE UPDATE ON statistics_part FOR EACH ROW WHEN (OLD.replaced_at IS NOT NULL)
    EXECUTE FUNCTION statistics_part_stays();

ALTER TABLE statistics_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY part_read ON statistics_part FOR SELECT USING (luhai_sees_all());
CREATE POLICY part_add ON statistics_part FOR INSERT WITH CHECK (luhai_role() IN ('system', 'operator'));
CREATE POLICY part_change ON statistics_part FOR UPDATE USING (luhai_role() IN ('system', 'operator'));
CREATE POLICY part_end ON statistics_part FOR DELETE USING (luhai_role() IN ('system', 'operator'));
"""


def _code(name: str, length: int) -> migrations.AddField:
    return migrations.AddField("fact", name, models.CharField(db_default="_Z", default="_Z", max_length=length))


class Migration(migrations.Migration):
    dependencies = [("statistics", "0002_walls"), ("shell", "0001_initial")]
    operations = [
        _code("size", 7),
        _code("industry", 2),
        _code("term", 4),
        _code("route", 3),
        _code("guarantee", 3),
        _code("green", 2),
        migrations.AddField("fact", "rate_bp", models.IntegerField(null=True)),
        migrations.CreateModel(
            name="Part",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.CharField(max_length=80, unique=True)),
                ("day", models.DateField()),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("rows", models.BigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("written_at", models.DateTimeField()),
                ("replaced_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("replaced_at", None)), fields=["day", "first"], name="statistics_part_of_day")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("first__gt", 0), ("last__gte", models.F("first")), ("rows__gt", 0)),
                        name="a_part_holds_facts",
                    ),
                ],
            },
        ),
        migrations.RunSQL(RATES + WALLS, migrations.RunSQL.noop),
    ]
