-- Consent first, then the best way to reach each person in scope.

-- step: scope_node <- assignment, golden_scope
-- Laid out first, so that the engine knows how few they are before it joins them with all links.
SELECT node_no, person_no FROM assignment WHERE person_no IN (SELECT person_no FROM golden_scope);

-- step: statement <- consent, scope_node, source
-- The latest statement of each account counts.
SELECT a.person_no, c.node_no, c.purpose, c.channel, c.status, c."at", c.observed_at, s.name AS source, c.record_id, c.record_no
FROM consent c JOIN scope_node a ON a.node_no = c.node_no JOIN source s ON s.source_no = c.source_no
WHERE NOT c.deleted
QUALIFY row_number() OVER (PARTITION BY c.node_no, c.purpose, c.channel ORDER BY c."at" DESC, c.observed_at DESC, s.name DESC, c.record_id DESC) = 1;

-- step: contact_point <- statement, link, identifier_type, canon
SELECT DISTINCT l.node_no, coalesce(k.from_no, l.identifier_no) AS value_no FROM link l LEFT JOIN canon k ON k.to_no = l.identifier_no
JOIN identifier_type t ON t.type_no = coalesce(k.type_no, l.type_no) AND t.name IN ('phone', 'email')
WHERE NOT l.gone AND l.class IS NOT NULL AND l.node_no IN (SELECT node_no FROM statement);

-- step: lifted <- statement, contact_point
-- A denial is lifted by a later grant that names the same phone or e-mail.
SELECT DISTINCT d.record_no FROM statement d
JOIN statement g ON g.person_no = d.person_no AND g.purpose = d.purpose AND g.channel = d.channel AND g.status = 'granted' AND g."at" > d."at"
JOIN contact_point x ON x.node_no = d.node_no JOIN contact_point y ON y.node_no = g.node_no AND y.value_no = x.value_no
WHERE d.status <> 'granted';

-- step: next_consent_state <- statement, lifted
SELECT person_no, purpose, channel, status, "at" AS since, record_no,
       CASE WHEN status <> 'granted' THEN 'most_restrictive' WHEN had_denial THEN 'lifted' ELSE 'latest' END AS rule
FROM (
    SELECT s.*, l.record_no IS NOT NULL AS is_lifted, bool_or(s.status <> 'granted') OVER (PARTITION BY person_no, purpose, channel) AS had_denial
    FROM statement s LEFT JOIN lifted l ON l.record_no = s.record_no
) WHERE NOT is_lifted
QUALIFY row_number() OVER (PARTITION BY person_no, purpose, channel
                           ORDER BY status = 'granted', "at" DESC, observed_at DESC, source DESC, record_id DESC) = 1;

-- step: reach_point <- link, scope_node, channel_rule, holding
-- Own before staff-typed, verified, last seen: folded into one number, so that the greatest wins.
SELECT a.person_no, l.type_no, l.identifier_no,
       max((CASE WHEN l.role = 0 THEN 4611686018427387904 ELSE 0 END) + (CASE WHEN l.verified THEN 2305843009213693952 ELSE 0 END)
           + epoch_us(l.last_at)) AS score
FROM link l JOIN scope_node a ON a.node_no = l.node_no
WHERE l.class IS NOT NULL AND l.current AND NOT l.gone AND l.role < 2
AND l.type_no IN (SELECT type_no FROM channel_rule)
AND l.identifier_no NOT IN (SELECT identifier_no FROM holding WHERE generic)
GROUP BY a.person_no, l.type_no, l.identifier_no;

-- step: best_point <- reach_point, channel_rule
SELECT p.person_no, c.channel, p.identifier_no, p.score FROM reach_point p JOIN channel_rule c ON c.type_no = p.type_no
JOIN (SELECT q.person_no, d.channel, max(q.score) AS score FROM reach_point q JOIN channel_rule d ON d.type_no = q.type_no
      GROUP BY q.person_no, d.channel) best ON best.person_no = p.person_no AND best.channel = c.channel AND best.score = p.score;

-- step: next_contact <- best_point, identifier, next_consent_state
SELECT b.person_no, b.channel, b.identifier_no, (b.score & 2305843009213693952) > 0 AS verified,
       make_timestamp(b.score & 2305843009213693951) AS last_seen,
       coalesce(s.status = 'granted', false) AS reachable,
       CASE WHEN s.status IS NULL THEN 'no consent' WHEN s.status = 'granted' THEN 'consent' ELSE s.status END AS why
FROM (
    SELECT person_no, channel, identifier_no, score FROM best_point
    QUALIFY count(*) OVER (PARTITION BY person_no, channel) = 1
    UNION ALL
    SELECT p.person_no, p.channel, arg_min(p.identifier_no, i.value), any_value(p.score) FROM best_point p
    JOIN identifier i ON i.identifier_no = p.identifier_no
    WHERE (p.person_no, p.channel) IN (SELECT (person_no, channel) FROM best_point GROUP BY person_no, channel HAVING count(*) > 1)
    GROUP BY p.person_no, p.channel
) b
LEFT JOIN next_consent_state s ON s.person_no = b.person_no AND s.channel = b.channel AND s.purpose = 'marketing';
