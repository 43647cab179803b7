"""What the database itself keeps: history is only added to, and who may write what.

The library is public, so every row may be read. Writing is for those whom `commands` admits; here once more.
"""

from django.db import migrations

SQL = """
REVOKE UPDATE, DELETE, TRUNCATE ON policies_adoptionevent FROM luhai_app;
REVOKE DELETE, TRUNCATE ON policies_document, policies_article, policies_measure, policies_proposedmeasure,
  policies_adoption FROM luhai_app;

ALTER TABLE policies_document ENABLE ROW LEVEL SECURITY;
CREATE POLICY document_read ON policies_document FOR SELECT USING (true);
CREATE POLICY document_add ON policies_document FOR INSERT WITH CHECK (luhai_role() IN ('system', 'operator'));

ALTER TABLE policies_measure ENABLE ROW LEVEL SECURITY;
CREATE POLICY measure_read ON policies_measure FOR SELECT USING (true);
CREATE POLICY measure_add ON policies_measure FOR INSERT
  WITH CHECK (luhai_role() IN ('system', 'operator', 'supervisor'));

ALTER TABLE policies_adoption ENABLE ROW LEVEL SECURITY;
CREATE POLICY adoption_read ON policies_adoption FOR SELECT USING (true);
CREATE POLICY adoption_add ON policies_adoption FOR INSERT WITH CHECK (
  luhai_role() IN ('system', 'operator', 'supervisor')
  OR (luhai_role() = 'provincial_official' AND territory = luhai_territory()));
CREATE POLICY adoption_change ON policies_adoption FOR UPDATE USING (
  luhai_role() IN ('system', 'supervisor')
  OR (luhai_role() = 'provincial_official' AND territory = luhai_territory()));

ALTER TABLE policies_adoptionevent ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_read ON policies_adoptionevent FOR SELECT USING (true);
CREATE POLICY event_add ON policies_adoptionevent FOR INSERT WITH CHECK (
  person_id = luhai_person() AND EXISTS (
    SELECT 1 FROM policies_adoption a WHERE a.id = adoption_id AND (
      luhai_role() IN ('system', 'operator', 'supervisor')
      OR (luhai_role() = 'provincial_official' AND a.territory = luhai_territory()))));
"""


class Migration(migrations.Migration):
    dependencies = [("policies", "0001_initial"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
