"""Walls between parties, and rows that stay as they were written.

Agreements are seen by their parties. Documents, and what belongs to them, are seen by whoever sees their title; those who only keep
the goods report through commands and read nothing here.
"""

from django.db import migrations

SQL = """
REVOKE DELETE, TRUNCATE ON transport_agreement, transport_signatory, transport_document, transport_movement, transport_signal,
    transport_release, transport_platform, transport_envelope FROM luhai_app;
REVOKE UPDATE ON transport_movement, transport_signal, transport_agreement, transport_signatory FROM luhai_app;
-- An agreement's words never change, only what became of it; a signature is given once.
GRANT UPDATE (state, reason, changed_at) ON transport_agreement TO luhai_app;
GRANT UPDATE (signed_at, signed_by, signature) ON transport_signatory TO luhai_app;

-- At commit: an agreement in force has been signed by all.
CREATE FUNCTION transport_signed_by_all() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM transport_signatory WHERE agreement_id = NEW.id AND signed_at IS NULL) THEN
        RAISE EXCEPTION 'agreement % is in force unsigned', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER signed_by_all AFTER INSERT OR UPDATE ON transport_agreement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'in_force')
    EXECUTE FUNCTION transport_signed_by_all();

ALTER TABLE transport_agreement ENABLE ROW LEVEL SECURITY;
CREATE POLICY agreement_seen ON transport_agreement USING (luhai_party() = ANY (seen_by) OR luhai_sees_all());
ALTER TABLE transport_signatory ENABLE ROW LEVEL SECURITY;
CREATE POLICY signatory_seen ON transport_signatory FOR SELECT USING (
    EXISTS (SELECT FROM transport_agreement a WHERE a.id = agreement_id));
CREATE POLICY signatory_named ON transport_signatory FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM transport_agreement a WHERE a.id = agreement_id AND a.proposed_by_id = luhai_party())
    OR luhai_role() = 'system');
CREATE POLICY signatory_signs ON transport_signatory FOR UPDATE USING (party_id = luhai_party() OR luhai_role() = 'system');

-- What belongs to a document is seen with its title; the inner query is itself under the policy of titles.
ALTER TABLE transport_document ENABLE ROW LEVEL SECURITY;
CREATE POLICY document_seen ON transport_document USING (EXISTS (SELECT FROM titles_title t WHERE t.id = title_id));
ALTER TABLE transport_movement ENABLE ROW LEVEL SECURITY;
CREATE POLICY movement_seen ON transport_movement USING (EXISTS (SELECT FROM titles_title t WHERE t.id = document_id));
ALTER TABLE transport_signal ENABLE ROW LEVEL SECURITY;
CREATE POLICY signal_seen ON transport_signal USING (EXISTS (SELECT FROM titles_title t WHERE t.id = document_id));
ALTER TABLE transport_release ENABLE ROW LEVEL SECURITY;
CREATE POLICY release_seen ON transport_release USING (EXISTS (SELECT FROM titles_title t WHERE t.id = title_id));

-- Platforms are public; the operator names them. Envelopes are seen by who sent them or to whom they come, and by the platform's party.
ALTER TABLE transport_platform ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform_read ON transport_platform FOR SELECT USING (true);
CREATE POLICY platform_name ON transport_platform FOR INSERT WITH CHECK (luhai_role() IN ('operator', 'system'));
CREATE POLICY platform_change ON transport_platform FOR UPDATE USING (luhai_role() IN ('operator', 'system'));
ALTER TABLE transport_envelope ENABLE ROW LEVEL SECURITY;
CREATE POLICY envelope_seen ON transport_envelope USING (
    party_id = luhai_party() OR luhai_sees_all()
    OR EXISTS (SELECT FROM transport_platform p WHERE p.code = platform_id AND p.party_id = luhai_party()));
"""


class Migration(migrations.Migration):
    dependencies = [("transport", "0001_initial"), ("titles", "0002_walls"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
