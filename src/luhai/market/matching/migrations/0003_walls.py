"""The second wall: rows of matching are seen by the company, the institution they were sent to, and the province.

A company sees its own; an institution what was sent to it; a provincial official what is published in the territory;
those who watch everything, everything. The policies ask only the row itself, except a demand's, which asks its matches.
Events are only ever added.
"""

from django.db import migrations

SQL = """
REVOKE UPDATE, DELETE, TRUNCATE ON matching_demandevent FROM luhai_app;
REVOKE UPDATE, DELETE, TRUNCATE ON matching_batch FROM luhai_app;
REVOKE DELETE, TRUNCATE ON matching_demand, matching_match, matching_offer, matching_ask, matching_promise,
    matching_capacity FROM luhai_app;

ALTER TABLE matching_match ENABLE ROW LEVEL SECURITY;
CREATE POLICY match_read ON matching_match FOR SELECT USING (
    company_id = luhai_party()
    OR (sent_at IS NOT NULL AND institution_id = luhai_party())
    OR (luhai_role() = 'provincial_official' AND territory = luhai_territory())
    OR luhai_sees_all());
CREATE POLICY match_add ON matching_match FOR INSERT WITH CHECK (company_id = luhai_party() OR luhai_sees_all());
CREATE POLICY match_change ON matching_match FOR UPDATE USING (
    company_id = luhai_party()
    OR (sent_at IS NOT NULL AND institution_id = luhai_party())
    OR luhai_sees_all());

ALTER TABLE matching_demand ENABLE ROW LEVEL SECURITY;
CREATE POLICY demand_read ON matching_demand FOR SELECT USING (
    company_id = luhai_party()
    OR EXISTS (SELECT FROM matching_match m WHERE m.demand_id = matching_demand.id
               AND m.sent_at IS NOT NULL AND m.institution_id = luhai_party())
    OR (luhai_role() = 'provincial_official' AND territory = luhai_territory() AND published_at IS NOT NULL)
    OR (luhai_sees_all() AND (published_at IS NOT NULL OR luhai_role() = 'system')));
CREATE POLICY demand_add ON matching_demand FOR INSERT WITH CHECK (
    company_id = luhai_party() OR luhai_role() = 'system');
CREATE POLICY demand_change ON matching_demand FOR UPDATE USING (
    company_id = luhai_party()
    OR EXISTS (SELECT FROM matching_match m WHERE m.demand_id = matching_demand.id
               AND m.sent_at IS NOT NULL AND m.institution_id = luhai_party())
    OR luhai_sees_all());

ALTER TABLE matching_offer ENABLE ROW LEVEL SECURITY;
CREATE POLICY offer_read ON matching_offer FOR SELECT USING (
    company_id = luhai_party() OR institution_id = luhai_party() OR luhai_sees_all()
    OR EXISTS (SELECT FROM matching_match m WHERE m.id = match_id AND luhai_role() = 'provincial_official'
               AND m.territory = luhai_territory()));
CREATE POLICY offer_add ON matching_offer FOR INSERT WITH CHECK (
    institution_id = luhai_party() OR luhai_role() = 'system');

ALTER TABLE matching_ask ENABLE ROW LEVEL SECURITY;
CREATE POLICY ask_read ON matching_ask FOR SELECT USING (
    company_id = luhai_party() OR institution_id = luhai_party() OR luhai_sees_all());
CREATE POLICY ask_add ON matching_ask FOR INSERT WITH CHECK (
    institution_id = luhai_party() OR luhai_role() = 'system');
CREATE POLICY ask_change ON matching_ask FOR UPDATE USING (
    company_id = luhai_party() OR luhai_role() = 'system');

ALTER TABLE matching_promise ENABLE ROW LEVEL SECURITY;
CREATE POLICY promise_read ON matching_promise FOR SELECT USING (
    company_id = luhai_party() OR institution_id = luhai_party() OR luhai_sees_all());
CREATE POLICY promise_add ON matching_promise FOR INSERT WITH CHECK (
    company_id = luhai_party() OR institution_id = luhai_party() OR luhai_sees_all());
CREATE POLICY promise_change ON matching_promise FOR UPDATE USING (
    company_id = luhai_party() OR institution_id = luhai_party() OR luhai_sees_all());

ALTER TABLE matching_capacity ENABLE ROW LEVEL SECURITY;
CREATE POLICY capacity_own ON matching_capacity USING (institution_id = luhai_party() OR luhai_sees_all());

ALTER TABLE matching_demandevent ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_read ON matching_demandevent FOR SELECT USING (
    company_id = luhai_party() OR institution_id = luhai_party()
    OR (luhai_role() = 'provincial_official' AND territory = luhai_territory())
    OR luhai_sees_all());
CREATE POLICY event_add ON matching_demandevent FOR INSERT WITH CHECK (
    company_id = luhai_party() OR institution_id = luhai_party() OR luhai_sees_all());

ALTER TABLE matching_batch ENABLE ROW LEVEL SECURITY;
CREATE POLICY batch_watch ON matching_batch USING (luhai_sees_all());

-- An offer can never be for more than is held of the institution's capacity.
CREATE FUNCTION matching_offer_is_held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_held bigint; v_state text;
BEGIN
    SELECT reserved_minor, state INTO v_held, v_state FROM matching_match WHERE id = NEW.match_id;
    IF v_held IS NULL OR NEW.amount_minor > v_held THEN
        RAISE EXCEPTION 'offer of % on a match that holds %', NEW.amount_minor, v_held USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER offer_is_held BEFORE INSERT OR UPDATE ON matching_offer
    FOR EACH ROW EXECUTE FUNCTION matching_offer_is_held();
"""


class Migration(migrations.Migration):
    dependencies = [("matching", "0002_initial"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
