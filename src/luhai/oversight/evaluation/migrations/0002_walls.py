"""What keeps the promises even if every line of Python above were wrong: a unit sees only what is its own, and its card only once it is told;
what a run was scored from stays; what came of it stays; nothing is taken away.
"""

from django.db import migrations

SQL = """
REVOKE UPDATE, DELETE, TRUNCATE ON evaluation_cycle, evaluation_unit, evaluation_submission, evaluation_run, evaluation_value,
    evaluation_veto, evaluation_card, evaluation_total, evaluation_objection, evaluation_rectification, evaluation_event,
    evaluation_feed, evaluation_study FROM luhai_app;
GRANT UPDATE (state, run, objections_until, acted_at) ON evaluation_cycle TO luhai_app;
GRANT UPDATE (state, decided_by, decided_at, reason) ON evaluation_submission TO luhai_app;
GRANT UPDATE (collected_at, frozen_at, inputs_digest, scored_by, scored_at, result_digest, final_at) ON evaluation_run TO luhai_app;
GRANT DELETE ON evaluation_value TO luhai_app;  -- counted again, while the run is open
GRANT UPDATE (confirmed_by, confirmed_at) ON evaluation_veto TO luhai_app;
GRANT UPDATE (state, decided_by, decided_at, decision) ON evaluation_objection TO luhai_app;
GRANT UPDATE (state, reported, reported_by, reported_at, confirmed_by, confirmed_at) ON evaluation_rectification TO luhai_app;

CREATE FUNCTION evaluation_frozen(the_cycle uuid, the_run integer) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM evaluation_run WHERE cycle_id = the_cycle AND number = the_run AND frozen_at IS NOT NULL) $$;

CREATE FUNCTION evaluation_inputs_stay() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE r record;
BEGIN
    IF TG_OP = 'DELETE' THEN r := OLD; ELSE r := NEW; END IF;
    IF evaluation_frozen(r.cycle_id, r.run) THEN
        RAISE EXCEPTION 'run % of cycle % is frozen', r.run, r.cycle_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN r;
END $$;
CREATE TRIGGER inputs_stay BEFORE INSERT OR UPDATE OR DELETE ON evaluation_value FOR EACH ROW EXECUTE FUNCTION evaluation_inputs_stay();
CREATE TRIGGER inputs_stay BEFORE INSERT OR UPDATE OR DELETE ON evaluation_veto FOR EACH ROW EXECUTE FUNCTION evaluation_inputs_stay();

CREATE FUNCTION evaluation_run_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.frozen_at IS NOT NULL AND (NEW.frozen_at, NEW.inputs_digest, NEW.collected_at) IS DISTINCT FROM
            (OLD.frozen_at, OLD.inputs_digest, OLD.collected_at)
        OR OLD.scored_at IS NOT NULL AND (NEW.scored_at, NEW.scored_by, NEW.result_digest) IS DISTINCT FROM
            (OLD.scored_at, OLD.scored_by, OLD.result_digest)
        OR OLD.final_at IS NOT NULL AND NEW.final_at IS DISTINCT FROM OLD.final_at THEN
        RAISE EXCEPTION 'run % of cycle % stays as it is', OLD.number, OLD.cycle_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER run_stays BEFORE UPDATE ON evaluation_run FOR EACH ROW EXECUTE FUNCTION evaluation_run_stays();

-- What was decided is not decided again; an accepted report may only be replaced by a later one.
CREATE FUNCTION evaluation_decided_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% % was decided as %', TG_TABLE_NAME, OLD.id, OLD.state USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER decided_stays BEFORE UPDATE ON evaluation_submission FOR EACH ROW
    WHEN (OLD.state IN ('returned', 'revised') OR OLD.state = 'accepted' AND NEW.state <> 'revised')
    EXECUTE FUNCTION evaluation_decided_stays();
CREATE TRIGGER decided_stays BEFORE UPDATE ON evaluation_objection FOR EACH ROW
    WHEN (OLD.state <> 'open') EXECUTE FUNCTION evaluation_decided_stays();
CREATE TRIGGER decided_stays BEFORE UPDATE ON evaluation_rectification FOR EACH ROW
    WHEN (OLD.state IN ('confirmed', 'lapsed')) EXECUTE FUNCTION evaluation_decided_stays();

CREATE FUNCTION evaluation_mine(the_territory text, the_party uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(luhai_role() = 'provincial_official' AND the_territory = luhai_territory()
        OR luhai_role() = 'bank_officer' AND the_party = luhai_party(), false) $$;
CREATE FUNCTION evaluation_told(the_cycle uuid, the_run integer) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM evaluation_run r JOIN evaluation_cycle c ON c.id = r.cycle_id WHERE c.id = the_cycle AND r.number = the_run
        AND (r.final_at IS NOT NULL OR c.run = r.number AND c.state IN ('draft_published', 'objection'))) $$;

ALTER TABLE evaluation_card ENABLE ROW LEVEL SECURITY;
CREATE POLICY card_seen ON evaluation_card USING (luhai_sees_all() OR evaluation_mine(territory, party) AND evaluation_told(cycle_id, run));
ALTER TABLE evaluation_total ENABLE ROW LEVEL SECURITY;
CREATE POLICY total_seen ON evaluation_total FOR SELECT
    USING (luhai_sees_all() OR evaluation_mine(territory, party) OR open AND luhai_role() <> 'public');
CREATE POLICY total_add ON evaluation_total FOR INSERT WITH CHECK (luhai_sees_all());
ALTER TABLE evaluation_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_seen ON evaluation_event FOR SELECT USING (luhai_sees_all() OR unit = '' OR EXISTS (
    SELECT FROM evaluation_unit u WHERE u.cycle_id = evaluation_event.cycle_id AND u.unit = evaluation_event.unit
        AND evaluation_mine(u.territory, u.party)));
CREATE POLICY event_add ON evaluation_event FOR INSERT WITH CHECK (person = luhai_person());
ALTER TABLE evaluation_value ENABLE ROW LEVEL SECURITY;
CREATE POLICY value_seen ON evaluation_value FOR SELECT USING (luhai_sees_all() OR evaluation_mine(territory, party));
CREATE POLICY value_add ON evaluation_value FOR INSERT WITH CHECK (luhai_sees_all());
CREATE POLICY value_away ON evaluation_value FOR DELETE USING (luhai_sees_all());
ALTER TABLE evaluation_veto ENABLE ROW LEVEL SECURITY;
CREATE POLICY veto_seen ON evaluation_veto FOR SELECT
    USING (luhai_sees_all() OR evaluation_mine(territory, party) AND evaluation_told(cycle_id, run));
CREATE POLICY veto_add ON evaluation_veto FOR INSERT WITH CHECK (luhai_sees_all());
CREATE POLICY veto_change ON evaluation_veto FOR UPDATE USING (luhai_sees_all());
"""

#: What a unit has said, or is asked: its own, and those who oversee.
_OWN = """
ALTER TABLE evaluation_{0} ENABLE ROW LEVEL SECURITY;
CREATE POLICY {0}_seen ON evaluation_{0} USING (luhai_sees_all() OR evaluation_mine(territory, party));
"""
OWN = "".join(_OWN.format(table) for table in ("submission", "objection", "rectification"))


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0001_initial"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL + OWN, migrations.RunSQL.noop)]
