-- One golden row per person in scope, field by field from the best record that knows it.

-- step: profile_of <- profile, assignment, golden_scope
SELECT a.person_no, p.record_no FROM assignment a JOIN profile p ON a.node_no = 2 * p.record_no AND NOT p.deleted
WHERE a.node_no % 2 = 0 AND a.person_no IN (SELECT person_no FROM golden_scope);

-- step: many_profiles <- profile_of
SELECT person_no FROM profile_of GROUP BY person_no HAVING count(*) > 1;

-- step: ranked <- profile_of, many_profiles, profile, source_rank
-- Profiles of persons with several, in the order of trust, newness and record key.
SELECT o.person_no, p.record_no, s.bit,
       row_number() OVER (PARTITION BY o.person_no ORDER BY s.rank, p.observed_at DESC, s.name, p.record_id)::INTEGER AS place,
       coalesce(p.registered_at, p.observed_at) AS first_seen, p.observed_at AS last_seen, p.status,
       p.name_key IS NOT NULL AS full_name, {fields}
FROM profile_of o JOIN profile p ON p.record_no = o.record_no JOIN source_rank s ON s.source_no = p.source_no
WHERE o.person_no IN (SELECT person_no FROM many_profiles);

-- step: survived <- ranked, profile_of, many_profiles, profile, source_rank
-- Persons with one profile need no contest.
SELECT o.person_no, coalesce(p.registered_at, p.observed_at) AS first_seen, p.observed_at AS last_seen, (1::BIGINT << s.bit) AS source_bits,
       1 AS records, coalesce(p.status, '') = 'closed' AS all_closed, {single}, {single_place}
FROM profile_of o JOIN profile p ON p.record_no = o.record_no JOIN source_rank s ON s.source_no = p.source_no
WHERE o.person_no NOT IN (SELECT person_no FROM many_profiles)
UNION ALL
SELECT person_no, min(first_seen), max(last_seen), bit_or(1::BIGINT << bit), count(*)::INTEGER, bool_and(coalesce(status, '') = 'closed'),
       {many}, {many_place}
FROM ranked GROUP BY person_no;

-- step: card <- membership, profile_of, profile, source_rank
SELECT o.person_no, m.record_no, bool_or(coalesce(p.status, '') <> 'closed') OVER (PARTITION BY o.person_no) AS open,
       m.issuer AS membership_issuer, m.card_no AS membership_card_no, m.level AS membership_level, m.points AS membership_points,
       m.joined_at AS membership_joined_at, m.expires_at AS membership_expires_at
FROM membership m JOIN profile_of o ON o.record_no = m.record_no JOIN profile p ON p.record_no = m.record_no
JOIN source_rank s ON s.source_no = p.source_no
QUALIFY row_number() OVER (PARTITION BY o.person_no ORDER BY s.rank, p.observed_at DESC, s.name, p.record_id, m.issuer, m.card_no) = 1;

-- step: bundled <- bundle, assignment, golden_scope, source_rank
SELECT a.person_no, min(b.first_at) AS first_seen, max(b.last_at) AS last_seen, bit_or(1::BIGINT << s.bit) AS source_bits,
       sum(b.records)::INTEGER AS records
FROM assignment a JOIN bundle b ON b.node_no = a.node_no AND NOT b.gone JOIN source_rank s ON s.source_no = b.source_no
WHERE a.person_no IN (SELECT person_no FROM golden_scope) GROUP BY a.person_no;

-- step: ~next_golden <- golden_scope, person, survived, bundled, card
SELECT g.person_no,
       CASE WHEN s.person_no IS NULL THEN 'prospect' WHEN s.all_closed THEN 'closed' WHEN c.open THEN 'member'
            WHEN c.person_no IS NOT NULL THEN 'lapsed' ELSE 'prospect' END AS member_status,
       least(s.first_seen, b.first_seen) AS first_seen, greatest(s.last_seen, b.last_seen) AS last_seen,
       coalesce(s.source_bits, 0) | coalesce(b.source_bits, 0) AS source_bits,
       (coalesce(s.records, 0) + coalesce(b.records, 0))::INTEGER AS records, {golden_fields}, {card_fields}
FROM golden_scope g JOIN person p ON p.person_no = g.person_no AND p.state = 'active'
LEFT JOIN survived s ON s.person_no = g.person_no LEFT JOIN bundled b ON b.person_no = g.person_no
LEFT JOIN card c ON c.person_no = g.person_no;

-- step: ~next_provenance <- survived, card
SELECT s.person_no, {provenance_fields}, c.record_no AS membership FROM survived s LEFT JOIN card c ON c.person_no = s.person_no;
