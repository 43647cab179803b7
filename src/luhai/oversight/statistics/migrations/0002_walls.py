"""What keeps the promises even if every line of Python above were wrong: facts are only ever added, by the system, and nobody sees one
but who oversees; reading goes forward only.
"""

from django.db import migrations

SQL = """
REVOKE UPDATE, DELETE, TRUNCATE ON statistics_fact, statistics_unread FROM luhai_app;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON statistics_reader FROM luhai_app;
GRANT UPDATE (position, gathered_at) ON statistics_reader TO luhai_app;
INSERT INTO statistics_reader (name, position) VALUES ('facts', 0);

-- A position that was read is not read again.
CREATE FUNCTION statistics_reads_on() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the journal was read to %, not only to %', OLD.position, NEW.position USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER reads_on BEFORE UPDATE ON statistics_reader FOR EACH ROW
    WHEN (NEW.position < OLD.position) EXECUTE FUNCTION statistics_reads_on();

-- A fact tells of one company: it is for those who oversee. Figures are added up as the system, and then released.
ALTER TABLE statistics_fact ENABLE ROW LEVEL SECURITY;
CREATE POLICY fact_read ON statistics_fact FOR SELECT USING (luhai_sees_all());
CREATE POLICY fact_add ON statistics_fact FOR INSERT WITH CHECK (luhai_role() IN ('system', 'operator'));
ALTER TABLE statistics_unread ENABLE ROW LEVEL SECURITY;
CREATE POLICY unread_read ON statistics_unread FOR SELECT USING (luhai_sees_all());
CREATE POLICY unread_add ON statistics_unread FOR INSERT WITH CHECK (luhai_role() IN ('system', 'operator'));
"""


class Migration(migrations.Migration):
    dependencies = [("statistics", "0001_initial"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
