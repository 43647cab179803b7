"""What keeps the promises even if every line of Python above were wrong: walls between parties, consent that has ended, rows that stay.

Evidence is seen by its source and by those whom it is about. Somebody else sees it while a receipt of a granted reading rests on a
consent that is in force by the clock of the database: withdrawal and expiry end the sight of what was read before.
"""

from django.db import migrations

SQL = """
REVOKE DELETE, TRUNCATE ON evidence_lot, evidence_evidence, evidence_piece, evidence_mention, evidence_use, evidence_review,
    evidence_consent, evidence_receipt FROM luhai_app;
REVOKE UPDATE ON evidence_piece, evidence_mention, evidence_receipt FROM luhai_app;

-- Checked at once, so that an unknown party is the caller's mistake and not a failed commit.
ALTER TABLE evidence_lot ADD CONSTRAINT lot_subject_is_registered FOREIGN KEY (subject_id) REFERENCES parties_party;
ALTER TABLE evidence_evidence
    ADD CONSTRAINT evidence_source_is_registered FOREIGN KEY (source_id) REFERENCES parties_party,
    ADD CONSTRAINT evidence_subject_is_registered FOREIGN KEY (subject_id) REFERENCES parties_party;
ALTER TABLE evidence_use ADD CONSTRAINT use_user_is_registered FOREIGN KEY (user_id) REFERENCES parties_party;
ALTER TABLE evidence_consent
    ADD CONSTRAINT consent_grantor_is_registered FOREIGN KEY (grantor_id) REFERENCES parties_party,
    ADD CONSTRAINT consent_grantee_is_registered FOREIGN KEY (grantee_id) REFERENCES parties_party;

-- What a consent says is said once: only its end may be added.
CREATE FUNCTION evidence_consent_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.grantor_id, OLD.grantee_id, OLD.purpose, OLD.since, OLD.one_off, OLD.abroad, OLD.asked_by, OLD.asked_at)
        IS DISTINCT FROM
        (NEW.grantor_id, NEW.grantee_id, NEW.purpose, NEW.since, NEW.one_off, NEW.abroad, NEW.asked_by, NEW.asked_at)
        OR OLD.given_at IS NOT NULL
            AND (OLD.given_at, OLD.given_by, OLD.kinds, OLD.pieces, OLD.until, OLD.terms_digest) IS DISTINCT FROM
                (NEW.given_at, NEW.given_by, NEW.kinds, NEW.pieces, NEW.until, NEW.terms_digest)
        -- Whoever gives it does not look at it in the supervisor's place.
        OR OLD.reviewed_by IS DISTINCT FROM NEW.reviewed_by
            AND (OLD.reviewed_by IS NOT NULL OR luhai_role() NOT IN ('supervisor', 'system'))
        OR OLD.declined_at IS NOT NULL AND OLD.declined_at IS DISTINCT FROM NEW.declined_at
        OR OLD.withdrawn_at IS NOT NULL AND OLD.withdrawn_at IS DISTINCT FROM NEW.withdrawn_at
        OR OLD.spent_at IS NOT NULL AND OLD.spent_at IS DISTINCT FROM NEW.spent_at THEN
        RAISE EXCEPTION 'consent % was given as it is', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_stays BEFORE UPDATE ON evidence_consent FOR EACH ROW EXECUTE FUNCTION evidence_consent_stays();

-- A use never stands on more than one live row in its lot's heir: a merged lot keeps nothing.
CREATE FUNCTION evidence_lot_is_empty() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM evidence_evidence WHERE lot_id = NEW.id) OR EXISTS (SELECT FROM evidence_use WHERE lot_id = NEW.id) THEN
        RAISE EXCEPTION 'lot % was merged away and still holds something', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER merged_lot_is_empty AFTER UPDATE ON evidence_lot DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL) EXECUTE FUNCTION evidence_lot_is_empty();

ALTER TABLE evidence_consent ENABLE ROW LEVEL SECURITY;
CREATE POLICY consent_read ON evidence_consent FOR SELECT USING (luhai_party() IN (grantor_id, grantee_id) OR luhai_sees_all());
CREATE POLICY consent_add ON evidence_consent FOR INSERT WITH CHECK (
    luhai_role() = 'system' OR reviewed_by IS NULL AND luhai_party() = grantor_id
    OR reviewed_by IS NULL AND luhai_party() = grantee_id AND asked_at IS NOT NULL AND given_at IS NULL);
CREATE POLICY consent_change ON evidence_consent FOR UPDATE USING (luhai_party() = grantor_id OR luhai_sees_all());

ALTER TABLE evidence_receipt ENABLE ROW LEVEL SECURITY;
CREATE POLICY receipt_read ON evidence_receipt FOR SELECT USING (
    luhai_party() = reader_id OR luhai_party() = ANY (about) OR luhai_sees_all());
CREATE POLICY receipt_add ON evidence_receipt FOR INSERT WITH CHECK (luhai_role() = 'system');

-- Is a granted reading of this party still covered, now?
CREATE FUNCTION evidence_disclosed(piece uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM evidence_receipt r JOIN evidence_consent c ON c.id = r.consent_id
        WHERE r.evidence_id = piece AND r.reader_id = luhai_party() AND r.granted
            AND c.given_at IS NOT NULL AND c.withdrawn_at IS NULL AND c.until > clock_timestamp())
$$;

ALTER TABLE evidence_evidence ENABLE ROW LEVEL SECURITY;
CREATE POLICY evidence_read ON evidence_evidence FOR SELECT USING (
    luhai_party() = ANY (seen_by) OR luhai_sees_all() OR evidence_disclosed(id));
CREATE POLICY evidence_write ON evidence_evidence FOR INSERT WITH CHECK (luhai_role() = 'system');
CREATE POLICY evidence_change ON evidence_evidence FOR UPDATE USING (luhai_role() = 'system');

-- What belongs to evidence is seen with it; the inner query is itself under the policy above.
ALTER TABLE evidence_piece ENABLE ROW LEVEL SECURITY;
CREATE POLICY piece_read ON evidence_piece FOR SELECT USING (EXISTS (SELECT FROM evidence_evidence e WHERE e.id = evidence_id));
CREATE POLICY piece_write ON evidence_piece FOR INSERT WITH CHECK (luhai_role() = 'system');
ALTER TABLE evidence_mention ENABLE ROW LEVEL SECURITY;
CREATE POLICY mention_read ON evidence_mention FOR SELECT USING (EXISTS (SELECT FROM evidence_evidence e WHERE e.id = evidence_id));
CREATE POLICY mention_write ON evidence_mention FOR INSERT WITH CHECK (luhai_role() = 'system');

ALTER TABLE evidence_lot ENABLE ROW LEVEL SECURITY;
-- Goods that two companies tell of are seen by both, each with its own documents.
CREATE POLICY lot_read ON evidence_lot FOR SELECT USING (luhai_party() = subject_id OR luhai_sees_all()
    OR EXISTS (SELECT FROM evidence_evidence e WHERE e.lot_id = evidence_lot.id AND e.subject_id = luhai_party()));
CREATE POLICY lot_write ON evidence_lot FOR INSERT WITH CHECK (luhai_role() = 'system');
CREATE POLICY lot_change ON evidence_lot FOR UPDATE USING (luhai_role() = 'system');
ALTER TABLE evidence_use ENABLE ROW LEVEL SECURITY;
CREATE POLICY use_read ON evidence_use FOR SELECT USING (
    luhai_party() = user_id OR luhai_party() = ANY (about) OR luhai_sees_all());
CREATE POLICY use_write ON evidence_use FOR INSERT WITH CHECK (luhai_role() = 'system');
CREATE POLICY use_change ON evidence_use FOR UPDATE USING (luhai_role() = 'system');
ALTER TABLE evidence_review ENABLE ROW LEVEL SECURITY;
CREATE POLICY review_read ON evidence_review FOR SELECT USING (luhai_party() = asked_by_id OR luhai_sees_all());
CREATE POLICY review_write ON evidence_review FOR INSERT WITH CHECK (luhai_role() = 'system');
CREATE POLICY review_change ON evidence_review FOR UPDATE USING (luhai_sees_all());
"""


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_initial"), ("parties", "0002_rows"), ("shell", "0001_initial")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
