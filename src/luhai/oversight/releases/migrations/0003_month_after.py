"""A release knows the newest release of the month after it, where that was out before: its stock can be taken from that one's opening."""

import django.db.models.deletion
from django.db import migrations, models

SQL = """
CREATE OR REPLACE FUNCTION releases_frozen() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (OLD.month, OLD.vintage, OLD.kind, OLD.due, OLD.planned_at, OLD.planned_by) IS DISTINCT FROM
       (NEW.month, NEW.vintage, NEW.kind, NEW.due, NEW.planned_at, NEW.planned_by)
    OR OLD.computed_at IS NOT NULL AND
       (OLD.embargo_until, OLD.position, OLD.engine, OLD.definitions, OLD.parameters, OLD.rules, OLD.digest, OLD.cells, OLD.withheld, OLD.same_id,
        OLD.before_id, OLD.after_id, OLD.computed_at, OLD.computed_by) IS DISTINCT FROM
       (NEW.embargo_until, NEW.position, NEW.engine, NEW.definitions, NEW.parameters, NEW.rules, NEW.digest, NEW.cells, NEW.withheld, NEW.same_id,
        NEW.before_id, NEW.after_id, NEW.computed_at, NEW.computed_by)
    OR OLD.published_at IS NOT NULL AND
       (OLD.reason, OLD.changed, OLD.published_at, OLD.published_by) IS DISTINCT FROM
       (NEW.reason, NEW.changed, NEW.published_at, NEW.published_by)
    THEN RAISE EXCEPTION 'release % is frozen', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("releases", "0002_walls")]
    operations = [
        migrations.AddField(
            "release", "after", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="releases.release")
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
