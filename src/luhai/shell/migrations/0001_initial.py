"""The journal, the cache of sign-in failures, and the SQL functions that row-level security asks."""

from django.db import migrations, models
from django.db.models.expressions import RawSQL

FUNCTIONS = """
CREATE FUNCTION luhai_person() RETURNS uuid LANGUAGE sql STABLE AS
  $$ SELECT nullif(current_setting('luhai.person', true), '')::uuid $$;
CREATE FUNCTION luhai_party() RETURNS uuid LANGUAGE sql STABLE AS
  $$ SELECT nullif(current_setting('luhai.party', true), '')::uuid $$;
CREATE FUNCTION luhai_role() RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT coalesce(nullif(current_setting('luhai.role', true), ''), 'public') $$;
CREATE FUNCTION luhai_territory() RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT nullif(current_setting('luhai.territory', true), '') $$;
CREATE FUNCTION luhai_sees_all() RETURNS boolean LANGUAGE sql STABLE AS
  $$ SELECT luhai_role() IN ('system', 'operator', 'supervisor') $$;
CREATE SEQUENCE journal_seq;
CREATE TABLE shell_cache (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL);
CREATE INDEX shell_cache_expires ON shell_cache (expires);
"""

JOURNAL = """
-- Append-only for the application: it may add and read, never change or take away.
REVOKE UPDATE, DELETE, TRUNCATE ON journal_entry, journal_batch FROM luhai_app;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON django_migrations FROM luhai_app;
ALTER TABLE journal_entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY journal_read ON journal_entry FOR SELECT USING (actor_id = luhai_person() OR luhai_sees_all());
CREATE POLICY journal_add ON journal_entry FOR INSERT WITH CHECK (
    position IS NULL AND actor_id = luhai_person());

-- Gives the next positions, in the order in which rows were written, and answers the last position given.
CREATE FUNCTION journal_assign(at_most integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_last bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(20251126);
    SELECT coalesce(max(position), 0) INTO v_last FROM journal_entry;
    WITH unsealed AS (
        SELECT id, row_number() OVER (ORDER BY seq) AS n
        FROM (SELECT id, seq FROM journal_entry WHERE position IS NULL ORDER BY seq LIMIT at_most) AS waiting
    )
    UPDATE journal_entry e SET position = v_last + u.n FROM unsealed u WHERE e.id = u.id;
    RETURN (SELECT coalesce(max(position), 0) FROM journal_entry);
END $$;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
        migrations.CreateModel(
            "Entry",
            [
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField(db_default=RawSQL("nextval('journal_seq')", []))),
                ("actor_id", models.UUIDField()),
                ("role", models.CharField(max_length=24)),
                ("party_id", models.UUIDField(null=True)),
                ("territory", models.CharField(max_length=6, null=True)),
                ("key", models.UUIDField()),
                ("command", models.CharField(max_length=100)),
                ("arguments_digest", models.CharField(max_length=64)),
                ("outcome", models.CharField(max_length=8)),
                ("code", models.CharField(max_length=100, default="")),
                ("facts", models.JSONField(default=dict)),
                ("result", models.JSONField(null=True)),
                ("events", models.JSONField(default=list)),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(db_default=RawSQL("clock_timestamp()", []))),
                ("position", models.BigIntegerField(null=True)),
            ],
            {
                "db_table": "journal_entry",
                "constraints": [
                    models.UniqueConstraint(fields=["actor_id", "key"], name="a_key_is_answered_once"),
                    models.UniqueConstraint(fields=["position"], name="journal_position_once"),
                    models.CheckConstraint(
                        condition=models.Q(outcome__in=["done", "refused"]), name="journal_outcome_known"
                    ),
                ],
                "indexes": [
                    models.Index(fields=["seq"], name="journal_unsealed", condition=models.Q(position=None))
                ],
            },
        ),
        migrations.CreateModel(
            "Batch",
            [
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("root", models.CharField(max_length=64)),
                ("chain", models.CharField(max_length=64)),
                ("signature", models.CharField(max_length=128)),
                ("public_key", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField()),
            ],
            {
                "db_table": "journal_batch",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(first__lte=models.F("last")), name="journal_batch_not_empty"
                    )
                ],
            },
        ),
        migrations.RunSQL(JOURNAL, migrations.RunSQL.noop),
    ]
