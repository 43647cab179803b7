"""What keeps the promises even if every line of Python above were wrong: grades are the bank's, reasons are hidden from the company,
two people stand behind a better grade, and what has ended stays.
"""

from django.db import migrations

SQL = """
REVOKE UPDATE, DELETE, TRUNCATE ON checks_grade, checks_basis FROM luhai_app;
GRANT UPDATE (state, valid_from, until, changed_at) ON checks_grade TO luhai_app;
GRANT UPDATE (approved_by) ON checks_basis TO luhai_app;

-- What was in force is never in force again, and what was approved was approved by whoever did.
CREATE FUNCTION checks_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% % stays as it is', TG_TABLE_NAME, to_jsonb(OLD) ->> TG_ARGV[0] USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER stays_ended BEFORE UPDATE ON checks_grade FOR EACH ROW
    WHEN (OLD.state IN ('ENDED', 'REPLACED') OR OLD.valid_from IS NOT NULL AND NEW.valid_from IS DISTINCT FROM OLD.valid_from)
    EXECUTE FUNCTION checks_stays('id');
CREATE TRIGGER stays_approved BEFORE UPDATE ON checks_basis FOR EACH ROW
    WHEN (OLD.approved_by IS NOT NULL) EXECUTE FUNCTION checks_stays('grade_id');

-- A grade that is in force by approval has somebody who approved it. Looked at when all is written.
CREATE FUNCTION checks_two_people() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM checks_basis b WHERE b.grade_id = NEW.id AND b.approved_by IS NOT NULL) THEN
        RAISE EXCEPTION 'grade % was approved by nobody', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER two_people AFTER INSERT OR UPDATE ON checks_grade DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state = 'APPROVED') EXECUTE FUNCTION checks_two_people();

ALTER TABLE checks_grade ENABLE ROW LEVEL SECURITY;
CREATE POLICY grade_read ON checks_grade FOR SELECT USING (
    luhai_party() = bank_id OR luhai_sees_all()
    OR luhai_party() = company_id AND state IN ('APPROVED', 'SUSPENDED', 'ENDED'));
CREATE POLICY grade_add ON checks_grade FOR INSERT WITH CHECK (
    luhai_party() = bank_id AND luhai_role() = 'bank_officer' OR luhai_role() = 'system');
CREATE POLICY grade_change ON checks_grade FOR UPDATE USING (
    luhai_party() = bank_id AND luhai_role() = 'bank_officer' OR luhai_role() = 'system');

ALTER TABLE checks_basis ENABLE ROW LEVEL SECURITY;
CREATE POLICY basis_read ON checks_basis FOR SELECT USING (luhai_party() = bank_id OR luhai_sees_all());
CREATE POLICY basis_add ON checks_basis FOR INSERT WITH CHECK (
    luhai_party() = bank_id AND luhai_role() = 'bank_officer' OR luhai_role() = 'system');
CREATE POLICY basis_change ON checks_basis FOR UPDATE USING (
    luhai_party() = bank_id AND luhai_role() = 'bank_officer' OR luhai_role() = 'system');
"""


class Migration(migrations.Migration):
    dependencies = [("checks", "0001_initial"), ("parties", "0002_rows"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
