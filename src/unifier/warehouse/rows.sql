-- All rows of the published tables. {within} narrows them to what changed, {share} to one of several passes.

-- rows: members
SELECT p.one_id, g.member_status, g.first_seen, g.last_seen, b.sources, g.records, {golden}
FROM golden g JOIN person p ON p.person_no = g.person_no AND p.state = 'active'
LEFT JOIN (
    SELECT d.source_bits, string_agg(s.name, ',' ORDER BY s.name) AS sources
    FROM (SELECT DISTINCT source_bits FROM golden) d JOIN source s ON (d.source_bits >> s.source_no) & 1 = 1 GROUP BY d.source_bits
) b ON b.source_bits = g.source_bits
WHERE {within}

-- rows: member_identifiers
-- What could not be read, and placeholders, say nothing of a person; unread text may be anything.
SELECT p.one_id, t.name AS type, i.scope, {identifier} AS value, l.verified,
       CASE l.role WHEN 0 THEN 'own' WHEN 1 THEN 'staff' WHEN 2 THEN 'receiver' ELSE 'payer' END AS role,
       l.first_at, l.last_at, l.current
FROM (
    SELECT a.person_no, l.identifier_no, l.role, bool_or(l.verified) AS verified, min(l.first_at) AS first_at,
           max(l.last_at) AS last_at, bool_or(l.current) AS current
    FROM link l JOIN assignment a ON a.node_no = l.node_no WHERE NOT l.gone AND {within} AND {share}
    GROUP BY a.person_no, l.identifier_no, l.role
) l
JOIN person p ON p.person_no = l.person_no AND p.state = 'active'
JOIN identifier i ON i.identifier_no = l.identifier_no AND i.state NOT IN ('invalid', 'placeholder')
JOIN identifier_type t ON t.type_no = i.type_no

-- rows: member_contacts
SELECT p.one_id, c.channel, {contact} AS value, c.verified, c.last_seen, c.reachable, c.why
FROM contact c JOIN person p ON p.person_no = c.person_no AND p.state = 'active'
JOIN identifier i ON i.identifier_no = c.identifier_no JOIN identifier_type t ON t.type_no = i.type_no
WHERE {within}

-- rows: member_records
SELECT s.name AS source, 'profile' AS kind, f.record_id, p.one_id
FROM profile f JOIN source s ON s.source_no = f.source_no
JOIN assignment a ON a.node_no = 2 * f.record_no JOIN person p ON p.person_no = a.person_no AND p.state = 'active'
WHERE NOT f.deleted AND {within}

-- rows: member_provenance
SELECT p.one_id, v.field, s.name AS source, f.record_id
FROM ({origins}) v
JOIN person p ON p.person_no = v.person_no AND p.state = 'active'
JOIN profile f ON f.record_no = v.record_no JOIN source s ON s.source_no = f.source_no

-- rows: member_lineage
SELECT l.run_no, l.event, l.one_id, l.other_id, l.cause FROM lineage l WHERE {within}

-- rows: consents
SELECT p.one_id, c.purpose, c.channel, c.status, c.since
FROM consent_state c JOIN person p ON p.person_no = c.person_no AND p.state = 'active' WHERE {within}

-- rows: segment_events
SELECT e.run_no, p.one_id, e.segment, e.entered, e.reason, e.cause_ref
FROM segment_event e JOIN person p ON p.person_no = e.person_no WHERE {within}

-- rows: fact
SELECT s.name AS source, f.record_id, p.one_id, f.observed_at, {columns}
FROM {table} f JOIN source s ON s.source_no = f.source_no
LEFT JOIN assignment a ON a.node_no = f.node_no LEFT JOIN person p ON p.person_no = a.person_no AND p.state = 'active'
WHERE NOT f.deleted AND {within}

-- rows: record
SELECT s.name AS source, f.record_id, f.observed_at, {columns}
FROM {table} f JOIN source s ON s.source_no = f.source_no WHERE NOT f.deleted AND {within}
