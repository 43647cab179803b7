-- The long path of ledger_post: decide transfer after transfer, in memory, then write once.
CREATE FUNCTION ledger_post_in_turn(
    p_at timestamptz, p_id uuid[], p_kind text[], p_debit uuid[], p_credit uuid[], p_unit text[], p_amount bigint[],
    p_hold uuid[], p_expires timestamptz[], p_flags integer[], p_code text[], p_subject uuid[]
) RETURNS TABLE (o integer, moved bigint, refused text) LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    c_max_amount CONSTANT bigint := 9007199254740991;
    c_max_sum    CONSTANT bigint := 4611686018427387903;
    n integer := cardinality(p_id);
    -- accounts, by their place in key order: unit, bound, the four sums
    v_wanted uuid[]; a_id uuid[]; a_bound text[]; a_state text[]; a_unit text[]; a_dp bigint[]; a_dn bigint[]; a_cp bigint[]; a_cn bigint[];
    -- holds: 1..m stand in the table, m + i is made by transfer i of this batch
    m integer; h_id uuid[]; h_debit integer[]; h_credit integer[]; h_left bigint[]; h_expires timestamptz[];
    -- transfers: refusal so far, what moved, places of their accounts, hold, first transfer with the same id
    r_refused text[]; r_moved bigint[]; r_debit integer[]; r_credit integer[]; r_hold integer[]; r_first integer[];
    r_known boolean[]; r_done boolean[];
    i integer; j integer; d integer; c integer; h integer; v_start integer; v_chain boolean := false;
    v_failed boolean := false; v_why text; v_amount bigint; v_kind text; v_upto boolean; v_linked boolean;
BEGIN
    -- A batch with holes is a fault of the caller's program, not a refusal.
    IF EXISTS (
        SELECT FROM unnest(p_id, p_kind, p_debit, p_credit, p_unit, p_amount, p_hold)
            AS t (id, kind, debit, credit, unit, amount, hold)
        WHERE id IS NULL OR kind IS NULL OR CASE
            WHEN kind IN ('post', 'hold')
                THEN debit IS NULL OR credit IS NULL OR unit IS NULL OR amount IS NULL OR hold IS NOT NULL
            WHEN kind IN ('settle', 'release') THEN hold IS NULL
            ELSE true END
    ) THEN
        RAISE EXCEPTION 'a transfer lacks its id, kind, accounts, unit, amount or hold'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- Lock every account that may be touched, in key order; the rows are answered as they are once locked.
    SELECT coalesce(array_agg(DISTINCT x.id ORDER BY x.id), '{}') INTO v_wanted FROM (
        SELECT unnest(p_debit) UNION ALL SELECT unnest(p_credit)
        UNION ALL SELECT debit FROM ledger_hold WHERE id = ANY (p_hold)
        UNION ALL SELECT credit FROM ledger_hold WHERE id = ANY (p_hold)) x (id) WHERE x.id IS NOT NULL;
    SELECT coalesce(array_agg(id), '{}'), array_agg(unit), array_agg(bound), array_agg(state), array_agg(debits_posted),
        array_agg(debits_pending), array_agg(credits_posted), array_agg(credits_pending)
    INTO a_id, a_unit, a_bound, a_state, a_dp, a_dn, a_cp, a_cn
    FROM (SELECT * FROM ledger_account WHERE id = ANY (v_wanted) ORDER BY id FOR NO KEY UPDATE) a;

    -- A hold or an account that came while this waited for its locks is not among them, though whoever held the locks may
    -- have seen it: begin again, else a transfer would be refused for ever for want of what there is.
    IF EXISTS (SELECT FROM ledger_hold WHERE id = ANY (p_hold) AND NOT (debit = ANY (a_id) AND credit = ANY (a_id)))
        OR cardinality(a_id) < cardinality(v_wanted)
            AND EXISTS (SELECT FROM ledger_account WHERE id = ANY (v_wanted) AND NOT id = ANY (a_id))
    THEN
        RAISE EXCEPTION 'a hold or an account came meanwhile' USING ERRCODE = 'LH001';
    END IF;

    -- Only now, under the locks: the holds, and which ids are known.
    WITH a AS MATERIALIZED (SELECT * FROM unnest(a_id) WITH ORDINALITY AS u (id, place))
    SELECT coalesce(array_agg(h.id ORDER BY h.id), '{}'), array_agg(d.place::integer ORDER BY h.id),
        array_agg(c.place::integer ORDER BY h.id), array_agg(h.remaining ORDER BY h.id),
        array_agg(h.expires_at ORDER BY h.id)
    INTO h_id, h_debit, h_credit, h_left, h_expires
    FROM ledger_hold h JOIN a d ON d.id = h.debit JOIN a c ON c.id = h.credit WHERE h.id = ANY (p_hold);
    m := cardinality(h_id);

    WITH t AS MATERIALIZED (
        SELECT u.*, u.nth::integer AS o
        FROM unnest(p_id, p_kind, p_debit, p_credit, p_unit, p_amount, p_hold, p_expires, p_flags, p_code, p_subject)
            WITH ORDINALITY AS u (id, kind, debit, credit, unit, amount, hold, expires, flags, code, subject, nth)
    ),
    a AS MATERIALIZED (SELECT * FROM unnest(a_id, a_unit, a_state) WITH ORDINALITY AS u (id, unit, state, place)),
    h AS MATERIALIZED (SELECT * FROM unnest(h_id) WITH ORDINALITY AS u (id, place)),
    f AS MATERIALIZED (SELECT id, min(o) AS o, min(o) FILTER (WHERE kind = 'hold') AS made FROM t GROUP BY id)
    SELECT
        array_agg(CASE
            WHEN k.id IS NOT NULL THEN CASE
                WHEN k.kind = t.kind AND k.unit = CASE WHEN t.kind IN ('post', 'hold') THEN t.unit ELSE k.unit END
                    AND k.asked IS NOT DISTINCT FROM t.amount AND k.hold IS NOT DISTINCT FROM t.hold
                    AND k.expires_at IS NOT DISTINCT FROM t.expires AND k.up_to = (coalesce(t.flags, 0) & 2 <> 0)
                    AND k.code = coalesce(t.code, '') AND k.subject IS NOT DISTINCT FROM t.subject
                    AND (t.debit IS NULL OR k.debit IS NOT DISTINCT FROM t.debit)
                    AND (t.credit IS NULL OR k.credit IS NOT DISTINCT FROM t.credit)
                THEN k.refused ELSE 'id_reused' END
            WHEN t.o = n AND t.flags & 1 <> 0 THEN 'chain_open'
            WHEN t.amount < 1 THEN 'amount_not_positive'
            WHEN t.kind IN ('settle', 'release') THEN NULL
            WHEN t.debit = t.credit THEN 'accounts_must_differ'
            WHEN d.id IS NULL THEN 'debit_account_not_found'
            WHEN c.id IS NULL THEN 'credit_account_not_found'
            WHEN d.unit <> t.unit OR c.unit <> t.unit THEN 'unit_differs'
            WHEN d.state = 'closed' THEN 'debit_account_closed'
            WHEN c.state = 'closed' THEN 'credit_account_closed'
            WHEN d.state = 'frozen' THEN 'debit_account_frozen'
            WHEN c.state = 'frozen' THEN 'credit_account_frozen'
            WHEN t.expires <= p_at THEN 'expires_too_early'
            END ORDER BY t.o),
        array_agg(coalesce(k.amount, 0) ORDER BY t.o),
        array_agg(d.place::integer ORDER BY t.o),
        array_agg(c.place::integer ORDER BY t.o),
        array_agg(CASE WHEN h.id IS NOT NULL THEN h.place::integer WHEN b.made < t.o THEN m + b.made END ORDER BY t.o),
        array_agg(f.o ORDER BY t.o),
        array_agg(k.id IS NOT NULL ORDER BY t.o),
        array_agg(false ORDER BY t.o)
    INTO r_refused, r_moved, r_debit, r_credit, r_hold, r_first, r_known, r_done
    FROM t
    JOIN f ON f.id = t.id
    LEFT JOIN ledger_transfer k ON k.id = t.id
    LEFT JOIN a d ON d.id = t.debit
    LEFT JOIN a c ON c.id = t.credit
    LEFT JOIN h ON h.id = t.hold
    LEFT JOIN f b ON b.id = t.hold;

    FOR i IN 1..n LOOP
        v_linked := coalesce(p_flags[i], 0) & 1 <> 0; v_upto := coalesce(p_flags[i], 0) & 2 <> 0;
        IF NOT v_chain AND v_linked THEN
            v_chain := true; v_failed := false; v_start := i;
        END IF;
        v_kind := p_kind[i]; v_why := r_refused[i]; v_amount := p_amount[i];
        d := r_debit[i]; c := r_credit[i];

        IF r_known[i] THEN
            IF v_why = 'id_reused' THEN r_moved[i] := 0; END IF;  -- else answered as it was
        ELSIF r_first[i] < i THEN  -- the same id twice in one batch
            j := r_first[i];
            IF (v_kind, CASE WHEN p_hold[i] IS NULL THEN p_unit[i] END, v_amount, p_hold[i], p_expires[i], v_upto, coalesce(p_code[i], ''), p_subject[i])
                IS NOT DISTINCT FROM (p_kind[j], CASE WHEN p_hold[j] IS NULL THEN p_unit[j] END, p_amount[j], p_hold[j],
                    p_expires[j], coalesce(p_flags[j], 0) & 2 <> 0, coalesce(p_code[j], ''), p_subject[j])
                AND (p_debit[i] IS NULL
                    OR p_debit[i] IS NOT DISTINCT FROM coalesce(p_debit[j], a_id[h_debit[r_hold[j]]]))
                AND (p_credit[i] IS NULL
                    OR p_credit[i] IS NOT DISTINCT FROM coalesce(p_credit[j], a_id[h_credit[r_hold[j]]])) THEN
                v_why := r_refused[j];
            ELSE
                v_why := 'id_reused';
                r_known[i] := true;  -- as what it is: another's id
            END IF;
        ELSIF v_chain AND v_failed THEN
            v_why := 'linked_failed';
        ELSIF v_why IS NULL AND v_kind IN ('settle', 'release') THEN
            h := r_hold[i];
            IF h IS NULL OR h_left[h] IS NULL THEN
                v_why := 'hold_not_found';
            ELSIF p_debit[i] <> a_id[h_debit[h]] OR p_credit[i] <> a_id[h_credit[h]] THEN
                v_why := 'hold_differs';
            ELSIF h_left[h] = 0 AND NOT v_upto THEN
                v_why := 'hold_finished';
            ELSIF v_kind = 'settle' AND h_expires[h] <= p_at THEN
                v_why := 'hold_expired';
            ELSIF v_amount > h_left[h] AND NOT v_upto THEN
                v_why := 'exceeds_hold';
            ELSIF v_kind = 'settle' AND a_state[h_debit[h]] = 'frozen' THEN
                v_why := 'debit_account_frozen';
            ELSIF v_kind = 'settle' AND a_state[h_credit[h]] = 'frozen' THEN
                v_why := 'credit_account_frozen';
            ELSE
                d := h_debit[h]; c := h_credit[h];
                v_amount := least(coalesce(v_amount, h_left[h]), h_left[h]);
                h_left[h] := h_left[h] - v_amount;
                a_dn[d] := a_dn[d] - v_amount; a_cn[c] := a_cn[c] - v_amount;
                IF v_kind = 'settle' THEN
                    a_dp[d] := a_dp[d] + v_amount; a_cp[c] := a_cp[c] + v_amount;
                END IF;
                r_done[i] := true; r_moved[i] := v_amount;
            END IF;
        ELSIF v_why IS NULL THEN
            IF v_upto THEN
                IF a_bound[d] = 'debits' THEN v_amount := least(v_amount, a_cp[d] - a_dp[d] - a_dn[d]); END IF;
                IF a_bound[c] = 'credits' THEN v_amount := least(v_amount, a_dp[c] - a_cp[c] - a_cn[c]); END IF;
            END IF;
            IF a_bound[d] = 'debits' AND v_amount > a_cp[d] - a_dp[d] - a_dn[d] THEN
                v_why := 'exceeds_credits';
            ELSIF a_bound[c] = 'credits' AND v_amount > a_dp[c] - a_cp[c] - a_cn[c] THEN
                v_why := 'exceeds_debits';
            ELSIF v_amount > c_max_amount OR a_dp[d] + a_dn[d] > c_max_sum - v_amount
                OR a_cp[c] + a_cn[c] > c_max_sum - v_amount THEN
                v_why := 'overflow';
            ELSIF v_kind = 'post' THEN
                a_dp[d] := a_dp[d] + v_amount; a_cp[c] := a_cp[c] + v_amount;
                r_done[i] := true; r_moved[i] := v_amount;
            ELSE
                a_dn[d] := a_dn[d] + v_amount; a_cn[c] := a_cn[c] + v_amount;
                h_left[m + i] := v_amount; h_debit[m + i] := d; h_credit[m + i] := c; h_expires[m + i] := p_expires[i];
                r_done[i] := true; r_moved[i] := v_amount;
            END IF;
        END IF;
        r_refused[i] := v_why;

        IF v_why IS NOT NULL AND v_chain AND NOT v_failed THEN  -- take back what the chain has done so far
            v_failed := true;
            FOR j IN REVERSE i - 1..v_start LOOP
                CONTINUE WHEN NOT r_done[j];
                d := r_debit[j]; c := r_credit[j]; v_amount := r_moved[j];
                CASE p_kind[j]
                    WHEN 'post' THEN a_dp[d] := a_dp[d] - v_amount; a_cp[c] := a_cp[c] - v_amount;
                    WHEN 'hold' THEN
                        a_dn[d] := a_dn[d] - v_amount; a_cn[c] := a_cn[c] - v_amount; h_left[m + j] := NULL;
                    ELSE
                        h := r_hold[j]; d := h_debit[h]; c := h_credit[h];
                        h_left[h] := h_left[h] + v_amount;
                        a_dn[d] := a_dn[d] + v_amount; a_cn[c] := a_cn[c] + v_amount;
                        IF p_kind[j] = 'settle' THEN
                            a_dp[d] := a_dp[d] - v_amount; a_cp[c] := a_cp[c] - v_amount;
                        END IF;
                END CASE;
                r_done[j] := false; r_moved[j] := 0; r_refused[j] := 'linked_failed';
            END LOOP;
        END IF;
        IF v_chain AND NOT v_linked THEN v_chain := false; END IF;
    END LOOP;

    -- A repeat inside the batch is answered as its first; that may have been taken back with its chain since.
    FOR i IN 1..n LOOP
        IF r_first[i] < i AND NOT r_known[i] THEN
            r_refused[i] := r_refused[r_first[i]]; r_moved[i] := r_moved[r_first[i]];
        END IF;
    END LOOP;

    INSERT INTO ledger_transfer (id, debit, credit, seq, amount, asked, at, kind, unit, code, up_to, subject, hold,
        expires_at, refused)
    SELECT t.id, coalesce(t.debit, a_id[h_debit[t.h]]), coalesce(t.credit, a_id[h_credit[t.h]]), t.seq, t.moved, t.amount,
        p_at, t.kind, coalesce(a_unit[h_debit[t.h]], t.unit, ''), coalesce(t.code, ''), coalesce(t.flags, 0) & 2 <> 0,
        t.subject, t.hold, t.expires, t.refused
    FROM unnest(p_id, p_debit, p_credit, ARRAY(SELECT nextval('ledger_seq') FROM generate_series(1, n)), p_amount,
            p_kind, p_unit, p_code, p_flags, p_subject, p_hold, p_expires, r_moved, r_refused, r_hold, r_known, r_first)
        WITH ORDINALITY AS t (id, debit, credit, seq, amount, kind, unit, code, flags, subject, hold, expires, moved,
            refused, h, known, first, o)
    WHERE NOT t.known AND t.first = t.o ORDER BY t.id;

    UPDATE ledger_account a
    SET debits_posted = s.dp, debits_pending = s.dn, credits_posted = s.cp, credits_pending = s.cn
    FROM unnest(a_id, a_dp, a_dn, a_cp, a_cn) AS s (id, dp, dn, cp, cn)
    WHERE a.id = s.id AND (a.debits_posted, a.debits_pending, a.credits_posted, a.credits_pending)
        IS DISTINCT FROM (s.dp, s.dn, s.cp, s.cn);

    UPDATE ledger_hold h SET remaining = s.remaining
    FROM unnest(h_id, h_left[1:m]) AS s (id, remaining) WHERE h.id = s.id AND h.remaining <> s.remaining;

    INSERT INTO ledger_hold (id, debit, credit, remaining, expires_at)
    SELECT t.id, t.debit, t.credit, h_left[m + t.o], t.expires
    FROM unnest(p_id, p_kind, p_debit, p_credit, p_expires, r_done) WITH ORDINALITY
        AS t (id, kind, debit, credit, expires, done, o)
    WHERE t.kind = 'hold' AND t.done ORDER BY t.id;

    RETURN QUERY SELECT t.o::integer, t.moved, t.refused
    FROM unnest(r_moved, r_refused, p_amount) WITH ORDINALITY AS t (moved, refused, asked, o)
    WHERE t.refused IS NOT NULL OR t.moved IS DISTINCT FROM t.asked;
END $$;
