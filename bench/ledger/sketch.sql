-- The peer `sketch`: the same set-based design with nothing on top. Accounts with a bound, transfers, and one function
-- that posts a batch in sequence: no holds, no links, no balancing, and a refused id may be tried again.

CREATE TABLE account (
    id bigint PRIMARY KEY,
    bounded boolean NOT NULL,
    debits bigint NOT NULL DEFAULT 0 CHECK (debits >= 0),
    credits bigint NOT NULL DEFAULT 0 CHECK (credits >= 0),
    CHECK (NOT bounded OR debits <= credits)
) WITH (fillfactor = 60);

CREATE TABLE transfer (
    id uuid PRIMARY KEY,
    debit bigint NOT NULL REFERENCES account,
    credit bigint NOT NULL REFERENCES account,
    amount bigint NOT NULL CHECK (amount > 0),
    code integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (debit <> credit)
);
CREATE INDEX ON transfer (debit, at);
CREATE INDEX ON transfer (credit, at);

-- Answers the rows that were not posted, by their place, with the reason.
CREATE FUNCTION post_batch(p_ids uuid[], p_debits bigint[], p_credits bigint[], p_amounts bigint[], p_codes integer[])
RETURNS TABLE (place integer, reason text) LANGUAGE plpgsql AS $$
DECLARE
    v_reason text[];
    v_id bigint[]; v_bounded boolean[]; v_debits bigint[]; v_credits bigint[];
    v_from integer[]; v_to integer[];
    v_broken boolean;
    d integer; c integer;
BEGIN
    -- In the order of their ids, so that batches wait for each other in one direction only.
    PERFORM FROM account a
      WHERE a.id IN (SELECT unnest(p_debits) UNION SELECT unnest(p_credits))
      ORDER BY a.id FOR NO KEY UPDATE;
    -- A statement of its own, to see what the batch before this one left.
    SELECT array_agg(a.id ORDER BY a.id), array_agg(a.bounded ORDER BY a.id),
           array_agg(a.debits ORDER BY a.id), array_agg(a.credits ORDER BY a.id)
      INTO v_id, v_bounded, v_debits, v_credits
      FROM account a WHERE a.id IN (SELECT unnest(p_debits) UNION SELECT unnest(p_credits));

    WITH asked AS MATERIALIZED (
        SELECT u.*, (row_number() OVER (PARTITION BY u.id ORDER BY u.place)) AS nth
          FROM unnest(p_ids, p_debits, p_credits, p_amounts, p_codes)
               WITH ORDINALITY u (id, debit, credit, amount, code, place)),
    known AS MATERIALIZED (
        SELECT k.id, k.place::integer AS place FROM unnest(v_id) WITH ORDINALITY k (id, place))
    SELECT array_agg(CASE
               WHEN t.id IS NOT NULL AND (t.debit, t.credit, t.amount, t.code) = (q.debit, q.credit, q.amount, q.code)
                   THEN 'exists'
               WHEN t.id IS NOT NULL THEN 'id_reused'
               WHEN q.nth > 1 THEN 'twice_in_batch'
               WHEN q.amount <= 0 THEN 'amount_not_positive'
               WHEN q.debit = q.credit THEN 'accounts_must_differ'
               WHEN kd.id IS NULL THEN 'debit_account_not_found'
               WHEN kc.id IS NULL THEN 'credit_account_not_found'
           END ORDER BY q.place),
           array_agg(kd.place ORDER BY q.place), array_agg(kc.place ORDER BY q.place)
      INTO v_reason, v_from, v_to
      FROM asked q
      LEFT JOIN transfer t ON t.id = q.id
      LEFT JOIN known kd ON kd.id = q.debit
      LEFT JOIN known kc ON kc.id = q.credit;

    -- Would any bound break on the way? All at once, for accounts that have one.
    SELECT bool_or(r.debited > r.credited) INTO v_broken FROM (
        SELECT v_debits[l.account] + sum(l.debit) OVER w AS debited,
               v_credits[l.account] + sum(l.credit) OVER w AS credited
          FROM (SELECT u.place, v_from[u.place] AS account, u.amount AS debit, 0::bigint AS credit
                  FROM unnest(p_amounts) WITH ORDINALITY u (amount, place)
                 WHERE v_reason[u.place] IS NULL AND v_bounded[v_from[u.place]]
                UNION ALL
                SELECT u.place, v_to[u.place], 0, u.amount
                  FROM unnest(p_amounts) WITH ORDINALITY u (amount, place)
                 WHERE v_reason[u.place] IS NULL AND v_bounded[v_to[u.place]]) l
        WINDOW w AS (PARTITION BY l.account ORDER BY l.place ROWS UNBOUNDED PRECEDING)) r;

    -- Only then one by one, for one that is refused changes what the next may do.
    IF v_broken THEN
        FOR i IN 1 .. cardinality(p_ids) LOOP
            CONTINUE WHEN v_reason[i] IS NOT NULL;
            d := v_from[i]; c := v_to[i];
            IF v_bounded[d] AND v_debits[d] + p_amounts[i] > v_credits[d] THEN
                v_reason[i] := 'exceeds_credits';
            ELSE
                v_debits[d] := v_debits[d] + p_amounts[i];
                v_credits[c] := v_credits[c] + p_amounts[i];
            END IF;
        END LOOP;
    END IF;

    INSERT INTO transfer (id, debit, credit, amount, code)
    SELECT u.id, u.debit, u.credit, u.amount, u.code
      FROM unnest(p_ids, p_debits, p_credits, p_amounts, p_codes)
           WITH ORDINALITY u (id, debit, credit, amount, code, place)
     WHERE v_reason[u.place] IS NULL ORDER BY u.place;
    UPDATE account a SET debits = a.debits + s.debit, credits = a.credits + s.credit
      FROM (SELECT l.id, sum(l.debit)::bigint AS debit, sum(l.credit)::bigint AS credit
              FROM (SELECT u.id, u.amount AS debit, 0 AS credit
                      FROM unnest(p_debits, p_amounts) WITH ORDINALITY u (id, amount, place)
                     WHERE v_reason[u.place] IS NULL
                    UNION ALL
                    SELECT u.id, 0, u.amount
                      FROM unnest(p_credits, p_amounts) WITH ORDINALITY u (id, amount, place)
                     WHERE v_reason[u.place] IS NULL) l
             GROUP BY l.id) s
     WHERE a.id = s.id;
    RETURN QUERY SELECT r.place::integer, r.reason FROM unnest(v_reason) WITH ORDINALITY r (reason, place)
                  WHERE r.reason IS NOT NULL;
END $$;
