"""What keeps the promises even if every line of Python above were wrong: what was signed stays, what was booked stays, and nobody sees a
line but the bank, the company, and who oversees.
"""

from django.db import migrations

SQL = """
REVOKE UPDATE, DELETE, TRUNCATE ON lending_line, lending_limit, lending_draw, lending_security, lending_fixing, lending_movement,
    lending_fee, lending_dayclose, lending_receipt, lending_valuation, lending_event FROM luhai_app;
GRANT UPDATE (state, approved_by, signed_by, acted_at) ON lending_line TO luhai_app;
GRANT UPDATE (amount) ON lending_limit TO luhai_app;
GRANT UPDATE (state, due, starts_on, holds, approved_by, paid_out_by, closed_on, arrived_on, misused_on, acted_at) ON lending_draw
    TO luhai_app;

-- A line that has ended, and a draw that has, stay as they are.
CREATE FUNCTION lending_stays_ended() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% % has ended as %', TG_TABLE_NAME, OLD.id, OLD.state USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER stays_ended BEFORE UPDATE ON lending_line FOR EACH ROW
    WHEN (OLD.state IN ('EXPIRED', 'CANCELLED')) EXECUTE FUNCTION lending_stays_ended();
CREATE TRIGGER stays_ended BEFORE UPDATE ON lending_draw FOR EACH ROW
    WHEN (OLD.state IN ('REPAID', 'REFUSED')) EXECUTE FUNCTION lending_stays_ended();

-- A day that was closed is not closed again under another day.
CREATE FUNCTION lending_goes_on() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'draw % was closed on %, not again on %', OLD.id, OLD.closed_on, NEW.closed_on
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER goes_on BEFORE UPDATE ON lending_draw FOR EACH ROW
    WHEN (NEW.closed_on < OLD.closed_on OR OLD.starts_on IS DISTINCT FROM NEW.starts_on AND OLD.starts_on IS NOT NULL
        OR OLD.due IS DISTINCT FROM NEW.due AND OLD.due <> '{}')
    EXECUTE FUNCTION lending_goes_on();

ALTER TABLE lending_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY line_seen ON lending_line USING (luhai_party() IN (bank_id, company_id) OR luhai_sees_all());
"""

#: What belongs to a line, or to a draw, is seen with it; the inner query is itself under the policy above.
_WITH = """
ALTER TABLE lending_{0} ENABLE ROW LEVEL SECURITY;
CREATE POLICY {0}_seen ON lending_{0} USING (EXISTS (SELECT FROM lending_{1} o WHERE o.id = {1}_id));
"""
OF_LINE = "".join(_WITH.format(table, "line") for table in ("limit", "draw", "event"))
OF_DRAW = "".join(
    _WITH.format(table, "draw")
    for table in ("security", "fixing", "movement", "fee", "dayclose", "receipt", "valuation")
)


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0001_initial"),
        ("escrow", "0002_walls"),
        ("parties", "0002_rows"),
        ("shell", "0001_initial"),
    ]
    operations = [migrations.RunSQL(SQL + OF_LINE + OF_DRAW, migrations.RunSQL.noop)]
