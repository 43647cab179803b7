"""What keeps the promises even if every line of Python above were wrong: messages and verdicts stay, what has ended stays ended and
leaves nothing in suspense, and the bank that sent a payment sees no document of the company's.
"""

from django.db import migrations

SQL = """
REVOKE UPDATE, DELETE, TRUNCATE ON payments_account, payments_payment, payments_attachment, payments_verdict, payments_override,
    payments_credit, payments_message, payments_event FROM luhai_app;
GRANT UPDATE (state, acted_at) ON payments_payment TO luhai_app;
GRANT UPDATE (detached_at) ON payments_attachment TO luhai_app;
GRANT UPDATE (approved_by, approved_at) ON payments_override TO luhai_app;

-- A payment that has ended, an attachment that has, and an approval that was given, stay as they are.
CREATE FUNCTION payments_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'what is done in % is done', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER stays_ended BEFORE UPDATE ON payments_payment FOR EACH ROW
    WHEN (OLD.state IN ('CREDITED', 'RETURNED')) EXECUTE FUNCTION payments_stays();
CREATE TRIGGER stays_ended BEFORE UPDATE ON payments_attachment FOR EACH ROW
    WHEN (OLD.detached_at IS NOT NULL) EXECUTE FUNCTION payments_stays();
CREATE TRIGGER stays_approved BEFORE UPDATE ON payments_override FOR EACH ROW
    WHEN (OLD.approved_by IS NOT NULL) EXECUTE FUNCTION payments_stays();

-- At commit: a payment that has not ended is in suspense, whole; one that has left nothing there; and it is credited if and only if
-- a row says how. The suspense of one that has ended takes nothing any more.
CREATE FUNCTION payments_check(wanted uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE p payments_payment; v_held bigint; v_credited boolean; v_ended boolean;
BEGIN
    SELECT * INTO p FROM payments_payment WHERE id = wanted;
    SELECT credits_posted - debits_posted INTO v_held FROM ledger_account WHERE id = p.suspense;
    v_credited := EXISTS (SELECT FROM payments_credit WHERE payment_id = wanted);
    v_ended := p.state IN ('CREDITED', 'RETURNED');
    IF (p.state = 'CREDITED') <> v_credited OR v_held IS DISTINCT FROM (CASE WHEN v_ended THEN 0 ELSE p.amount END) THEN
        RAISE EXCEPTION 'payment % is %, with % in suspense (credited: %)', wanted, p.state, v_held, v_credited
            USING ERRCODE = 'check_violation';
    END IF;
    IF v_ended THEN
        PERFORM ledger_mark(p.suspense, 'closed');
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION payments_check(uuid) FROM PUBLIC, luhai_app;
CREATE FUNCTION payments_adds_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'payments_payment' THEN
        PERFORM payments_check(NEW.id);
    ELSE
        PERFORM payments_check(NEW.payment_id);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT OR UPDATE ON payments_payment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_adds_up();
CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT ON payments_credit
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_adds_up();

ALTER TABLE payments_account ENABLE ROW LEVEL SECURITY;
CREATE POLICY account_read ON payments_account FOR SELECT USING (luhai_party() IN (bank_id, company_id) OR luhai_sees_all());
CREATE POLICY account_add ON payments_account FOR INSERT WITH CHECK (luhai_party() = bank_id OR luhai_role() = 'system');

-- A payment comes in by the system alone, inside a command that either bank asks for.
ALTER TABLE payments_payment ENABLE ROW LEVEL SECURITY;
CREATE POLICY payment_read ON payments_payment FOR SELECT USING (
    luhai_party() IN (bank_id, company_id, sender_id) OR luhai_sees_all());
CREATE POLICY payment_add ON payments_payment FOR INSERT WITH CHECK (luhai_role() = 'system');
CREATE POLICY payment_change ON payments_payment FOR UPDATE USING (
    luhai_party() IN (bank_id, company_id) OR luhai_role() = 'system');

-- A message between the banks is seen by both and by the company; a notification to the company not by the sender.
ALTER TABLE payments_message ENABLE ROW LEVEL SECURITY;
CREATE POLICY message_read ON payments_message FOR SELECT USING (
    luhai_party() IN (bank_id, sender_id, company_id) OR luhai_sees_all());
CREATE POLICY message_add ON payments_message FOR INSERT WITH CHECK (luhai_party() = bank_id OR luhai_role() = 'system');

-- Is the acting party a side of this payment, and not only the bank that sent it?
CREATE FUNCTION payments_is_side(payment uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM payments_payment p WHERE p.id = payment AND luhai_party() IN (p.bank_id, p.company_id))
$$;
ALTER TABLE payments_attachment ENABLE ROW LEVEL SECURITY;
CREATE POLICY attachment_read ON payments_attachment FOR SELECT USING (payments_is_side(payment_id) OR luhai_sees_all());
CREATE POLICY attachment_add ON payments_attachment FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM payments_payment p WHERE p.id = payment_id AND p.company_id = luhai_party()));
CREATE POLICY attachment_change ON payments_attachment FOR UPDATE USING (EXISTS (
    SELECT FROM payments_payment p WHERE p.id = payment_id AND p.company_id = luhai_party()));
ALTER TABLE payments_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_read ON payments_event FOR SELECT USING (payments_is_side(payment_id) OR luhai_sees_all());
CREATE POLICY event_add ON payments_event FOR INSERT WITH CHECK (
    luhai_role() = 'system' OR party = luhai_party() AND payments_is_side(payment_id));
"""

#: What the bank alone writes, and both sides see.
_OF_BANK = """
ALTER TABLE payments_{0} ENABLE ROW LEVEL SECURITY;
CREATE POLICY {0}_read ON payments_{0} FOR SELECT USING (payments_is_side(payment_id) OR luhai_sees_all());
CREATE POLICY {0}_add ON payments_{0} FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM payments_payment p WHERE p.id = payment_id AND p.bank_id = luhai_party()));
CREATE POLICY {0}_change ON payments_{0} FOR UPDATE USING (EXISTS (
    SELECT FROM payments_payment p WHERE p.id = payment_id AND p.bank_id = luhai_party()));
"""
OF_BANK = "".join(_OF_BANK.format(table) for table in ("verdict", "override", "credit"))


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0001_initial"),
        ("ledger", "0002_functions"),
        ("parties", "0002_rows"),
        ("shell", "0001_initial"),
    ]
    operations = [migrations.RunSQL(SQL + OF_BANK, migrations.RunSQL.noop)]
