CREATE SEQUENCE ledger_seq;
ALTER TABLE ledger_account SET (fillfactor = 60);  -- room beside each row, so that a balance changes in place
ALTER TABLE ledger_hold SET (fillfactor = 80);

-- The application reads and calls; it writes nothing itself.
REVOKE ALL ON ledger_account, ledger_transfer, ledger_hold FROM luhai_app, PUBLIC;
GRANT SELECT ON ledger_account, ledger_transfer, ledger_hold TO luhai_app;
REVOKE ALL ON SEQUENCE ledger_seq FROM luhai_app, PUBLIC;

ALTER TABLE ledger_account ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_transfer ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY ledger_account_read ON ledger_account FOR SELECT USING (owner_id = luhai_party() OR luhai_sees_all());
-- Who sees an account sees what moved on it: the policy above applies inside these.
CREATE POLICY ledger_transfer_read ON ledger_transfer FOR SELECT USING (
    luhai_sees_all() OR EXISTS (SELECT FROM ledger_account a WHERE a.id = debit)
    OR EXISTS (SELECT FROM ledger_account a WHERE a.id = credit));
CREATE POLICY ledger_hold_read ON ledger_hold FOR SELECT USING (
    luhai_sees_all() OR EXISTS (SELECT FROM ledger_account a WHERE a.id = debit)
    OR EXISTS (SELECT FROM ledger_account a WHERE a.id = credit));

-- Open accounts; answers the ids that are open already with other content. The same content again is no fault.
CREATE FUNCTION ledger_open(p_at timestamptz, p_id uuid[], p_unit text[], p_kind text[], p_owner uuid[], p_bound text[])
RETURNS SETOF uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO ledger_account (id, debits_posted, debits_pending, credits_posted, credits_pending, opened_at, owner_id,
        unit, kind, bound, state)
    SELECT t.id, 0, 0, 0, 0, p_at, t.owner, t.unit, t.kind, t.bound, 'open'
    FROM unnest(p_id, p_unit, p_kind, p_owner, p_bound) AS t (id, unit, kind, owner, bound)
    ORDER BY t.id ON CONFLICT (id) DO NOTHING;
    RETURN QUERY SELECT t.id
    FROM unnest(p_id, p_unit, p_kind, p_owner, p_bound) AS t (id, unit, kind, owner, bound)
    JOIN ledger_account a ON a.id = t.id
    WHERE (a.unit, a.kind, a.owner_id, a.bound) IS DISTINCT FROM (t.unit, t.kind, t.owner, t.bound);
END $$;

-- Freeze, thaw or close an account. Answers NULL, or why not.
CREATE FUNCTION ledger_mark(p_id uuid, p_state text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE a ledger_account;
BEGIN
    SELECT * INTO a FROM ledger_account WHERE id = p_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN 'absent'; END IF;
    IF a.state = 'closed' THEN RETURN CASE p_state WHEN 'closed' THEN NULL ELSE 'closed' END; END IF;
    IF p_state = 'closed' AND (a.debits_pending, a.credits_pending) <> (0, 0) THEN RETURN 'pending'; END IF;
    IF p_state = 'closed' AND a.debits_posted <> a.credits_posted THEN RETURN 'balance'; END IF;
    UPDATE ledger_account SET state = p_state WHERE id = p_id;
    RETURN NULL;
END $$;

-- Release holds that are overdue at p_at, the oldest first; answers how many. Run twice, it releases once. The ids of the
-- releases are random, so that nobody can use one up beforehand.
CREATE FUNCTION ledger_expire(p_at timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_hold uuid[]; v_id uuid[]; v_nothing integer; n integer;
BEGIN
    SELECT array_agg(id), array_agg(gen_random_uuid()) INTO v_hold, v_id FROM (
        SELECT id FROM ledger_hold WHERE remaining > 0 AND expires_at <= p_at ORDER BY expires_at, id LIMIT p_limit) h;
    n := coalesce(cardinality(v_hold), 0);
    IF n = 0 THEN RETURN 0; END IF;
    -- A hold that ends in this very moment by another hand is released of nothing, and not counted.
    SELECT count(*) FILTER (WHERE moved = 0) INTO v_nothing FROM ledger_post(
        p_at, v_id, array_fill('release'::text, ARRAY[n]), NULL, NULL, NULL, NULL, v_hold, NULL,
        array_fill(2, ARRAY[n]), array_fill('ledger.expired'::text, ARRAY[n]), NULL);
    RETURN n - v_nothing;
END $$;

REVOKE ALL ON FUNCTION ledger_open, ledger_mark, ledger_expire, ledger_post, ledger_post_in_turn FROM PUBLIC, luhai_app;
GRANT EXECUTE ON FUNCTION ledger_open, ledger_mark, ledger_expire, ledger_post TO luhai_app;
