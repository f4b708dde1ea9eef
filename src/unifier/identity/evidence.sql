-- The live evidence in reach, a hash that stands for a known plain value under that value.

-- step: canon <- derived, link, identifier
SELECT d.to_no, d.from_no, i.type_no FROM derived d JOIN identifier i ON i.identifier_no = d.from_no
WHERE d.from_no IN (SELECT identifier_no FROM link WHERE NOT gone AND identifier_no IN (SELECT from_no FROM derived));

-- step: ~reach_link <- link, canon
SELECT l.node_no, coalesce(c.from_no, l.identifier_no) AS value_no, coalesce(c.type_no, l.type_no) AS type_no, l.role, l.class,
       l.first_at, l.last_at, l.current
FROM link l LEFT JOIN canon c ON c.to_no = l.identifier_no
WHERE NOT l.gone AND l.class IS NOT NULL {in_reach};

-- step: exclusive_link <- reach_link, type_rule, identifier
SELECT l.node_no, l.type_no, i.scope, l.value_no, l.current FROM reach_link l
JOIN type_rule t ON t.type_no = l.type_no AND t.exclusive JOIN identifier i ON i.identifier_no = l.value_no;

-- step: ~masked_link <- link, identifier, identifier_type
SELECT l.node_no, i.value AS mask FROM link l JOIN identifier i ON i.identifier_no = l.identifier_no
WHERE NOT l.gone AND l.current AND l.role < 2 AND i.state = 'masked'
AND l.type_no IN (SELECT type_no FROM identifier_type WHERE name = 'phone_masked') {in_reach};

-- step: ~reach_live <- profile, bundle
SELECT node_no, founds FROM (
    SELECT (2 * record_no)::INTEGER AS node_no, $profile_founds AS founds FROM profile WHERE NOT deleted
    UNION ALL
    SELECT node_no, founds FROM bundle WHERE NOT gone
) WHERE true {in_reach};
