"""What keeps the promises even if every line of Python above were wrong: terms that do not change, ends that are final and leave
nothing behind, steps that stay, and walls around whoever is not a party.
"""

from django.db import migrations

SQL = """
REVOKE UPDATE, DELETE, TRUNCATE ON escrow_escrow, escrow_leg, escrow_agreement, escrow_deposit, escrow_showing,
    escrow_confirmation, escrow_outcome, escrow_event FROM luhai_app;
-- The terms, the parties and the day stay as they were agreed.
GRANT UPDATE (state, acted_at, n) ON escrow_escrow TO luhai_app;

-- An end is final.
CREATE FUNCTION escrow_stays_ended() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'escrow % has ended as %', OLD.id, OLD.state USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER stays_ended BEFORE UPDATE ON escrow_escrow FOR EACH ROW
    WHEN (OLD.state IN ('EXECUTED', 'EXPIRED', 'RETURNED')) EXECUTE FUNCTION escrow_stays_ended();

-- At commit: an escrow has ended if and only if it has an outcome, which says how; and then it holds neither value nor title.
CREATE FUNCTION escrow_check_end(wanted uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_state text; v_outcome text; v_left bigint; v_kept bigint;
BEGIN
    SELECT state INTO v_state FROM escrow_escrow WHERE id = wanted;
    SELECT state INTO v_outcome FROM escrow_outcome WHERE escrow_id = wanted;
    IF v_state NOT IN ('EXECUTED', 'EXPIRED', 'RETURNED') THEN
        v_state := NULL;
    END IF;
    IF v_state IS DISTINCT FROM v_outcome THEN
        RAISE EXCEPTION 'escrow % ended as %, its outcome says %', wanted, v_state, v_outcome USING ERRCODE = 'check_violation';
    END IF;
    IF v_state IS NULL THEN
        RETURN;
    END IF;
    SELECT count(*) INTO v_left FROM escrow_leg l JOIN ledger_account a ON a.id = l.account
    WHERE l.escrow_id = wanted AND (a.credits_posted, a.credits_pending, a.debits_pending) <> (a.debits_posted, 0, 0);
    SELECT count(*) INTO v_kept FROM titles_title t WHERE t.keeper = wanted AND (
        t.id IN (SELECT title_id FROM escrow_deposit WHERE escrow_id = wanted)
        OR t.origin_title_id IN (SELECT title_id FROM escrow_deposit WHERE escrow_id = wanted));
    IF v_left + v_kept > 0 THEN
        RAISE EXCEPTION 'escrow % has ended and keeps % legs and % titles', wanted, v_left, v_kept
            USING ERRCODE = 'check_violation';
    END IF;
    -- Nothing arrives late, whoever sends it.
    PERFORM ledger_mark(l.account, 'closed') FROM escrow_leg l WHERE l.escrow_id = wanted;
END $$;
REVOKE EXECUTE ON FUNCTION escrow_check_end(uuid) FROM PUBLIC, luhai_app;
CREATE FUNCTION escrow_ends_once() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'escrow_escrow' THEN
        PERFORM escrow_check_end(NEW.id);
    ELSE
        PERFORM escrow_check_end(NEW.escrow_id);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ends_with_an_outcome AFTER INSERT OR UPDATE ON escrow_escrow
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state IN ('EXECUTED', 'EXPIRED', 'RETURNED'))
    EXECUTE FUNCTION escrow_ends_once();
CREATE CONSTRAINT TRIGGER ends_with_its_escrow AFTER INSERT ON escrow_outcome
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION escrow_ends_once();

-- The parties see it, and who oversees.
ALTER TABLE escrow_escrow ENABLE ROW LEVEL SECURITY;
CREATE POLICY escrow_seen ON escrow_escrow USING (luhai_party() = ANY (parties) OR luhai_sees_all());

-- What belongs to an escrow is seen with it; the inner query is itself under the policy above. Only the system, inside a command,
-- ends one; and nobody agrees, hands over, presents or consents for another.
ALTER TABLE escrow_leg ENABLE ROW LEVEL SECURITY;
CREATE POLICY leg_seen ON escrow_leg USING (EXISTS (SELECT FROM escrow_escrow e WHERE e.id = escrow_id));
ALTER TABLE escrow_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_read ON escrow_event FOR SELECT USING (EXISTS (SELECT FROM escrow_escrow e WHERE e.id = escrow_id));
CREATE POLICY event_add ON escrow_event FOR INSERT WITH CHECK (
    luhai_sees_all() OR actor_party = luhai_party() AND EXISTS (SELECT FROM escrow_escrow e WHERE e.id = escrow_id));
ALTER TABLE escrow_outcome ENABLE ROW LEVEL SECURITY;
CREATE POLICY outcome_read ON escrow_outcome FOR SELECT USING (EXISTS (SELECT FROM escrow_escrow e WHERE e.id = escrow_id));
CREATE POLICY outcome_add ON escrow_outcome FOR INSERT WITH CHECK (luhai_sees_all());
"""

#: Tables in which each row is a party's own word.
_OWN = """
ALTER TABLE escrow_{0} ENABLE ROW LEVEL SECURITY;
CREATE POLICY {0}_read ON escrow_{0} FOR SELECT USING (EXISTS (SELECT FROM escrow_escrow e WHERE e.id = escrow_id));
CREATE POLICY {0}_add ON escrow_{0} FOR INSERT WITH CHECK (
    luhai_role() = 'system' OR party_id = luhai_party() AND EXISTS (SELECT FROM escrow_escrow e WHERE e.id = escrow_id));
"""
OWN = "".join(_OWN.format(table) for table in ("agreement", "deposit", "showing", "confirmation"))


class Migration(migrations.Migration):
    dependencies = [
        ("escrow", "0001_initial"),
        ("ledger", "0002_functions"),
        ("titles", "0002_walls"),
        ("parties", "0002_rows"),
        ("shell", "0001_initial"),
    ]
    operations = [migrations.RunSQL(SQL + OWN, migrations.RunSQL.noop)]
