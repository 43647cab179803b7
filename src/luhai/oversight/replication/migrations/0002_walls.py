"""What keeps the promises even if every line of Python above were wrong: agencies see each other's way to an adoption, others only what is or
was live; a territory writes its own and never grants; what was examined, stated and done stays; what ended stays as it is.
"""

from django.db import migrations

SQL = """
REVOKE UPDATE, DELETE, TRUNCATE ON replication_examination, replication_statement, replication_step FROM luhai_app;
REVOKE DELETE, TRUNCATE ON replication_adoption, replication_tally FROM luhai_app;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON replication_reader FROM luhai_app;
GRANT UPDATE (position) ON replication_reader TO luhai_app;
INSERT INTO replication_reader (name, position) VALUES ('tally', 0);

-- What is final stays; what an authority granted, and what was adopted where, is never another's.
CREATE FUNCTION replication_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'adoption % stays as it is', OLD.id USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON replication_adoption FOR EACH ROW
    WHEN (OLD.state IN ('rolled_back', 'ended', 'refused', 'dropped')
          OR NEW.package <> OLD.package OR NEW.territory <> OLD.territory
          OR OLD.granted_by IS NOT NULL AND (NEW.granted_by, NEW.instrument_no, NEW.overrides, NEW.version)
             IS DISTINCT FROM (OLD.granted_by, OLD.instrument_no, OLD.overrides, OLD.version)
          OR OLD.live_from IS NOT NULL AND NEW.live_from IS DISTINCT FROM OLD.live_from)
    EXECUTE FUNCTION replication_stays();

-- Whoever signs for the authority is a supervisor, and is so of another territory.
CREATE FUNCTION replication_granted() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF luhai_role() <> 'supervisor' OR luhai_territory() = NEW.territory THEN
        RAISE EXCEPTION 'adoption % is granted by a supervisor of another territory', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER granted BEFORE UPDATE ON replication_adoption FOR EACH ROW
    WHEN (OLD.granted_by IS NULL AND NEW.granted_by IS NOT NULL) EXECUTE FUNCTION replication_granted();

-- A position that was read is not read again.
CREATE FUNCTION replication_reads_on() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the journal was read to %, not only to %', OLD.position, NEW.position USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER reads_on BEFORE UPDATE ON replication_reader FOR EACH ROW
    WHEN (NEW.position < OLD.position) EXECUTE FUNCTION replication_reads_on();

ALTER TABLE replication_adoption ENABLE ROW LEVEL SECURITY;
CREATE POLICY adoption_read ON replication_adoption FOR SELECT USING (
    luhai_sees_all() OR luhai_role() = 'provincial_official' OR state IN ('live', 'stopped', 'rolled_back', 'ended'));
CREATE POLICY adoption_add ON replication_adoption FOR INSERT WITH CHECK (
    luhai_role() IN ('operator', 'system') AND entered
    OR luhai_role() = 'provincial_official' AND territory = luhai_territory() AND NOT entered AND granted_by IS NULL);
CREATE POLICY adoption_change ON replication_adoption FOR UPDATE USING (
    luhai_role() IN ('supervisor', 'system') OR luhai_role() = 'provincial_official' AND territory = luhai_territory());

ALTER TABLE replication_examination ENABLE ROW LEVEL SECURITY;
CREATE POLICY examination_read ON replication_examination FOR SELECT USING (luhai_sees_all() OR luhai_role() = 'provincial_official');
CREATE POLICY examination_add ON replication_examination FOR INSERT WITH CHECK (
    person = luhai_person() AND EXISTS (SELECT FROM replication_adoption a WHERE a.id = adoption_id
        AND (luhai_role() = 'system' OR luhai_role() = 'provincial_official' AND a.territory = luhai_territory())));

-- A territory speaks for itself; what supervisors rate, no territory says of itself.
ALTER TABLE replication_statement ENABLE ROW LEVEL SECURITY;
CREATE POLICY statement_read ON replication_statement FOR SELECT USING (luhai_sees_all() OR luhai_role() = 'provincial_official');
CREATE POLICY statement_add ON replication_statement FOR INSERT WITH CHECK (
    person = luhai_person() AND role = luhai_role() AND (
        luhai_role() = 'supervisor' AND fact IN ('supervision_grade', 'debt_colour', 'red_warnings')
        OR luhai_role() = 'provincial_official' AND territory = luhai_territory()
           AND fact IN ('controls_complete', 'responsible_unit', 'data')));

ALTER TABLE replication_step ENABLE ROW LEVEL SECURITY;
CREATE POLICY step_read ON replication_step FOR SELECT USING (luhai_sees_all() OR luhai_role() = 'provincial_official');
CREATE POLICY step_add ON replication_step FOR INSERT WITH CHECK (person = luhai_person() AND role = luhai_role());

ALTER TABLE replication_tally ENABLE ROW LEVEL SECURITY;
CREATE POLICY tally_read ON replication_tally FOR SELECT USING (luhai_sees_all() OR luhai_role() = 'provincial_official');
CREATE POLICY tally_add ON replication_tally FOR INSERT WITH CHECK (luhai_role() IN ('system', 'operator'));
CREATE POLICY tally_change ON replication_tally FOR UPDATE USING (luhai_role() IN ('system', 'operator'));
"""


class Migration(migrations.Migration):
    dependencies = [("replication", "0001_initial"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
