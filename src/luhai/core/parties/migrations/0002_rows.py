"""Row-level security: what a company tells about itself is for itself and for those who see everything."""

from django.db import migrations

SQL = """
ALTER TABLE parties_profile ENABLE ROW LEVEL SECURITY;
CREATE POLICY profile_read ON parties_profile FOR SELECT USING (party_id = luhai_party() OR luhai_sees_all());
CREATE POLICY profile_change ON parties_profile FOR UPDATE
  USING (party_id = luhai_party() OR luhai_role() IN ('system', 'operator'));
-- A person who registers a company is not yet its member; what they enter then is empty.
CREATE POLICY profile_add ON parties_profile FOR INSERT WITH CHECK (
  luhai_role() IN ('system', 'operator') OR (luhai_person() IS NOT NULL AND facts = '{}'::jsonb));
REVOKE DELETE ON parties_party, parties_person, parties_identifier, parties_membership, parties_profile,
  parties_accesstoken FROM luhai_app;
REVOKE UPDATE ON parties_identifier FROM luhai_app;
"""


class Migration(migrations.Migration):
    dependencies = [("parties", "0001_initial"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
