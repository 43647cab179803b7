"""What keeps the promises even if every line of Python above were wrong: nobody sees a figure before its release is out, nor who stands behind
one; what was frozen stays as it was.
"""

from django.db import migrations

SQL = """
REVOKE DELETE, TRUNCATE ON releases_release FROM luhai_app;
REVOKE UPDATE, DELETE, TRUNCATE ON releases_cell, releases_count FROM luhai_app;

-- What was computed is frozen; what was published was published then and by them.
CREATE FUNCTION releases_frozen() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (OLD.month, OLD.vintage, OLD.kind, OLD.due, OLD.planned_at, OLD.planned_by) IS DISTINCT FROM
       (NEW.month, NEW.vintage, NEW.kind, NEW.due, NEW.planned_at, NEW.planned_by)
    OR OLD.computed_at IS NOT NULL AND
       (OLD.embargo_until, OLD.position, OLD.engine, OLD.definitions, OLD.parameters, OLD.rules, OLD.digest, OLD.cells, OLD.withheld, OLD.same_id,
        OLD.before_id, OLD.computed_at, OLD.computed_by) IS DISTINCT FROM
       (NEW.embargo_until, NEW.position, NEW.engine, NEW.definitions, NEW.parameters, NEW.rules, NEW.digest, NEW.cells, NEW.withheld, NEW.same_id,
        NEW.before_id, NEW.computed_at, NEW.computed_by)
    OR OLD.published_at IS NOT NULL AND
       (OLD.reason, OLD.changed, OLD.published_at, OLD.published_by) IS DISTINCT FROM
       (NEW.reason, NEW.changed, NEW.published_at, NEW.published_by)
    THEN RAISE EXCEPTION 'release % is frozen', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER frozen BEFORE UPDATE ON releases_release FOR EACH ROW EXECUTE FUNCTION releases_frozen();

-- The calendar is everybody's. A row of it holds no figure.
ALTER TABLE releases_release ENABLE ROW LEVEL SECURITY;
CREATE POLICY release_read ON releases_release FOR SELECT USING (state <> 'DISCARDED' OR luhai_sees_all());
CREATE POLICY release_add ON releases_release FOR INSERT WITH CHECK (luhai_sees_all());
CREATE POLICY release_change ON releases_release FOR UPDATE USING (luhai_sees_all());

-- A printed figure is everybody's once its release is out, and until then of those who oversee.
ALTER TABLE releases_cell ENABLE ROW LEVEL SECURITY;
CREATE POLICY cell_read ON releases_cell FOR SELECT USING (luhai_sees_all() OR EXISTS (
    SELECT FROM releases_release r WHERE r.id = release_id AND r.state IN ('PUBLISHED', 'SUPERSEDED')));
CREATE POLICY cell_add ON releases_cell FOR INSERT WITH CHECK (luhai_sees_all() AND EXISTS (
    SELECT FROM releases_release r WHERE r.id = release_id AND r.state = 'PLANNED'));

-- What was counted, with who stands behind it, is for those who oversee, always.
ALTER TABLE releases_count ENABLE ROW LEVEL SECURITY;
CREATE POLICY count_read ON releases_count FOR SELECT USING (luhai_sees_all());
CREATE POLICY count_add ON releases_count FOR INSERT WITH CHECK (luhai_sees_all() AND EXISTS (
    SELECT FROM releases_release r WHERE r.id = release_id AND r.state = 'PLANNED'));
"""


class Migration(migrations.Migration):
    dependencies = [("releases", "0001_initial"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
