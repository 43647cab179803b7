"""What keeps the promises even if every line of Python above were wrong: walls between parties, keys that are taken once,
quantities that add up, events that stay.

A title is seen by those whom its row names (`seen_by`), and what belongs to it by whoever sees the title.
"""

from django.db import migrations

SQL = """
REVOKE DELETE, TRUNCATE ON titles_title, titles_pledge, titles_claim, titles_event, titles_version, titles_custody,
    titles_key, titles_review, titles_order, titles_lot FROM luhai_app;
REVOKE UPDATE ON titles_event, titles_version, titles_custody, titles_claim FROM luhai_app;

-- Checked at once, so that an unknown party is the caller's mistake and not a failed commit.
ALTER TABLE titles_title
    ADD CONSTRAINT title_issuer_is_registered FOREIGN KEY (issuer_id) REFERENCES parties_party,
    ADD CONSTRAINT title_holder_is_registered FOREIGN KEY (holder_id) REFERENCES parties_party,
    ADD CONSTRAINT title_beneficiary_is_registered FOREIGN KEY (beneficiary_id) REFERENCES parties_party,
    ADD CONSTRAINT title_nominee_is_registered FOREIGN KEY (nominee_id) REFERENCES parties_party,
    ADD CONSTRAINT title_prev_holder_is_registered FOREIGN KEY (prev_holder_id) REFERENCES parties_party,
    ADD CONSTRAINT title_prev_beneficiary_is_registered FOREIGN KEY (prev_beneficiary_id) REFERENCES parties_party;

-- Two live claims never overlap: fen of a pack, days of a container.
ALTER TABLE titles_claim ADD CONSTRAINT live_claims_are_disjoint EXCLUDE USING gist (line WITH &&) WHERE (live);

-- A claim ends with the last live title that stands on it; nothing else ends it.
CREATE FUNCTION titles_release_claims() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM titles_claim WHERE root_id = NEW.root_id AND live FOR UPDATE;
    IF NOT EXISTS (SELECT FROM titles_title WHERE root_id = NEW.root_id
                   AND state NOT IN ('DELIVERED', 'SPLIT', 'MERGED', 'VOID')) THEN
        UPDATE titles_claim SET live = false WHERE root_id = NEW.root_id AND live;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER release_claims AFTER UPDATE OF state ON titles_title FOR EACH ROW
    WHEN (NEW.state IN ('DELIVERED', 'SPLIT', 'MERGED', 'VOID') AND OLD.state <> NEW.state)
    EXECUTE FUNCTION titles_release_claims();

-- At commit: what a title says is pledged is what its live pledges say.
CREATE FUNCTION titles_check_pledged(wanted uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_said bigint; v_sum bigint;
BEGIN
    SELECT pledged INTO v_said FROM titles_title WHERE id = wanted;
    SELECT coalesce(sum(quantity), 0) INTO v_sum FROM titles_pledge WHERE title_id = wanted AND ended_at IS NULL;
    IF v_said <> v_sum THEN
        RAISE EXCEPTION 'title % says % is pledged, its pledges say %', wanted, v_said, v_sum
            USING ERRCODE = 'check_violation';
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION titles_check_pledged(uuid) FROM PUBLIC;
CREATE FUNCTION titles_pledge_adds_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM titles_check_pledged(NEW.title_id);
    IF TG_OP = 'UPDATE' AND OLD.title_id <> NEW.title_id THEN
        PERFORM titles_check_pledged(OLD.title_id);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER pledge_adds_up AFTER INSERT OR UPDATE ON titles_pledge
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION titles_pledge_adds_up();
CREATE FUNCTION titles_pledged_adds_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM titles_check_pledged(NEW.id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER pledged_adds_up AFTER UPDATE ON titles_title
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.pledged <> NEW.pledged)
    EXECUTE FUNCTION titles_pledged_adds_up();
CREATE CONSTRAINT TRIGGER pledged_from_the_start AFTER INSERT ON titles_title
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.pledged <> 0)
    EXECUTE FUNCTION titles_pledged_adds_up();

-- At commit: the parts of a split title add up to it, and parts that were merged to the whole.
CREATE FUNCTION titles_quantity_adds_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_parts numeric;
BEGIN
    SELECT coalesce(sum(quantity_begun), 0) INTO v_parts FROM titles_title WHERE origin_title_id = NEW.id;
    IF v_parts <> NEW.quantity THEN
        RAISE EXCEPTION 'title % of % was split into %', NEW.id, NEW.quantity, v_parts USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER parts_add_up AFTER UPDATE ON titles_title
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'SPLIT' AND OLD.state <> 'SPLIT')
    EXECUTE FUNCTION titles_quantity_adds_up();

ALTER TABLE titles_title ENABLE ROW LEVEL SECURITY;
CREATE POLICY title_seen ON titles_title USING (luhai_party() = ANY (seen_by) OR luhai_sees_all());

-- What belongs to a title is seen with it; the inner query is itself under the policy above.
ALTER TABLE titles_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_read ON titles_event FOR SELECT USING (
    EXISTS (SELECT FROM titles_title t WHERE t.id = title_id));
CREATE POLICY event_add ON titles_event FOR INSERT WITH CHECK (actor_party = luhai_party() OR luhai_sees_all());
ALTER TABLE titles_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY version_seen ON titles_version USING (EXISTS (SELECT FROM titles_title t WHERE t.id = title_id));
ALTER TABLE titles_custody ENABLE ROW LEVEL SECURITY;
CREATE POLICY custody_seen ON titles_custody USING (EXISTS (SELECT FROM titles_title t WHERE t.id = title_id));
ALTER TABLE titles_pledge ENABLE ROW LEVEL SECURITY;
CREATE POLICY pledge_seen ON titles_pledge USING (EXISTS (SELECT FROM titles_title t WHERE t.id = title_id));
ALTER TABLE titles_claim ENABLE ROW LEVEL SECURITY;
CREATE POLICY claim_seen ON titles_claim USING (EXISTS (SELECT FROM titles_title t WHERE t.id = root_id));
ALTER TABLE titles_order ENABLE ROW LEVEL SECURITY;
CREATE POLICY order_read ON titles_order FOR SELECT USING (EXISTS (SELECT FROM titles_title t WHERE t.id = title_id));
CREATE POLICY order_enter ON titles_order FOR INSERT WITH CHECK (luhai_sees_all());
CREATE POLICY order_confirm ON titles_order FOR UPDATE USING (luhai_sees_all());

ALTER TABLE titles_lot ENABLE ROW LEVEL SECURITY;
CREATE POLICY lot_seen ON titles_lot USING (warehouse_id = luhai_party() OR luhai_sees_all());
ALTER TABLE titles_review ENABLE ROW LEVEL SECURITY;
CREATE POLICY review_read ON titles_review FOR SELECT USING (asked_by = luhai_party() OR luhai_sees_all());
CREATE POLICY review_open ON titles_review FOR INSERT WITH CHECK (
    (asked_by = luhai_party() OR luhai_role() = 'system') AND cleared_at IS NULL);
CREATE POLICY review_clear ON titles_review FOR UPDATE USING (luhai_sees_all());
-- Public keys are public; each party adds and revokes its own.
ALTER TABLE titles_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY key_read ON titles_key FOR SELECT USING (true);
CREATE POLICY key_add ON titles_key FOR INSERT WITH CHECK (party_id = luhai_party() OR luhai_role() = 'system');
CREATE POLICY key_revoke ON titles_key FOR UPDATE USING (party_id = luhai_party() OR luhai_role() = 'system');
"""


class Migration(migrations.Migration):
    dependencies = [("titles", "0001_initial"), ("parties", "0002_rows"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
