-- What the values in reach are worth: hashes that stand for plain values, generic values, holdings.

-- step: value_stat <- reach_link
-- Only values that two carriers share can join or refuse anything.
SELECT value_no, any_value(type_no) AS type_no, count(*)::INTEGER AS carriers,
       (count(*) FILTER (node_no % 2 = 0))::INTEGER AS profiles, max(first_at) AS latest_first, min(last_at) AS earliest_last,
       bool_or(node_no % 2 = 0 AND NOT current) AS has_former
FROM reach_link GROUP BY value_no HAVING min(node_no) <> max(node_no);

-- step: stored_value <- holding, value_stat, touched_canon
-- Values that nobody touched keep what was found: their carriers need not all be in reach.
SELECT h.* FROM holding h WHERE h.identifier_no IN (SELECT value_no FROM value_stat)
AND h.identifier_no NOT IN (SELECT value_no FROM touched_canon);

-- step: suspect <- value_stat, type_rule, touched_canon
SELECT v.value_no, v.type_no, v.carriers, v.profiles, t.generic_names, t.generic_exclusives, t.generic_profiles
FROM value_stat v JOIN type_rule t ON t.type_no = v.type_no
WHERE v.value_no IN (SELECT value_no FROM touched_canon)
AND (v.profiles > t.generic_profiles OR v.profiles > t.generic_names OR v.carriers > t.generic_exclusives);

-- step: suspect_carrier <- reach_link, suspect
SELECT DISTINCT l.value_no, l.node_no FROM reach_link l WHERE l.value_no IN (SELECT value_no FROM suspect);

-- step: suspect_names <- suspect_carrier, profile
SELECT s.value_no, count(DISTINCT p.name_key)::INTEGER AS names, count(DISTINCT s.node_no)::INTEGER AS profiles
FROM suspect_carrier s JOIN profile p ON s.node_no = 2 * p.record_no GROUP BY s.value_no;

-- step: suspect_exclusives <- suspect_carrier, suspect, exclusive_link, identifier
SELECT value_no, max(n)::INTEGER AS exclusives FROM (
    SELECT s.value_no, e.type_no, e.scope, count(DISTINCT e.value_no) AS n
    FROM suspect_carrier s JOIN suspect t ON t.value_no = s.value_no JOIN identifier i ON i.identifier_no = s.value_no
    JOIN exclusive_link e ON e.node_no = s.node_no AND NOT (e.type_no = t.type_no AND e.scope = i.scope)
    GROUP BY s.value_no, e.type_no, e.scope
) GROUP BY value_no;

-- step: generic_value <- suspect, suspect_carrier, suspect_names, suspect_exclusives
SELECT value_no, carriers, names, exclusives, why FROM (
    SELECT s.value_no, k.carriers, coalesce(n.names, 0) AS names, least(k.carriers, coalesce(e.exclusives, 0)) AS exclusives,
           CASE WHEN coalesce(n.names, 0) > s.generic_names THEN 'names'
                WHEN least(k.carriers, coalesce(e.exclusives, 0)) > s.generic_exclusives THEN 'exclusives'
                WHEN coalesce(n.profiles, 0) > s.generic_profiles THEN 'profiles' END AS why
    FROM suspect s JOIN (SELECT value_no, count(*)::INTEGER AS carriers FROM suspect_carrier GROUP BY value_no) k ON k.value_no = s.value_no
    LEFT JOIN suspect_names n ON n.value_no = s.value_no
    LEFT JOIN suspect_exclusives e ON e.value_no = s.value_no
) WHERE why IS NOT NULL;

-- step: divisible <- value_stat, type_rule, touched_canon, generic_value
SELECT v.value_no, t.recycle_days FROM value_stat v JOIN type_rule t ON t.type_no = v.type_no
WHERE v.value_no IN (SELECT value_no FROM touched_canon) AND v.value_no NOT IN (SELECT value_no FROM generic_value)
AND (v.has_former OR v.latest_first - v.earliest_last > to_days(t.recycle_days));

-- step: carrier_span <- reach_link, divisible
SELECT l.value_no, any_value(d.recycle_days) AS recycle_days, l.node_no, min(l.first_at) AS first_at, max(l.last_at) AS last_at,
       l.node_no % 2 = 0 AS is_profile, bool_or(l.current) AS current
FROM reach_link l JOIN divisible d ON d.value_no = l.value_no GROUP BY l.value_no, l.node_no;

-- step: carrier_island <- carrier_span
-- A run of carriers without a pause longer than the number takes to be given away.
SELECT *, sum(pause) OVER (PARTITION BY value_no ORDER BY first_at)::INTEGER AS island FROM (
    SELECT *, CASE WHEN first_at - max(last_at) OVER (PARTITION BY value_no ORDER BY first_at, last_at, node_no
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > to_days(recycle_days) THEN 1 ELSE 0 END AS pause
    FROM carrier_span
);

-- step: island_attribute <- carrier_island, profile, exclusive_link
-- What is known of the people on each side of a pause. Values with one island need no comparison.
WITH paused AS (SELECT DISTINCT value_no FROM carrier_island WHERE island > 0),
     side AS (SELECT DISTINCT value_no, island, node_no FROM carrier_island WHERE value_no IN (SELECT value_no FROM paused))
SELECT DISTINCT s.value_no, s.island, 'name' AS attribute, p.name_key AS content
FROM side s JOIN profile p ON s.node_no = 2 * p.record_no WHERE p.name_key IS NOT NULL
UNION
SELECT s.value_no, s.island, 'birthday', p.birthday
FROM side s JOIN profile p ON s.node_no = 2 * p.record_no WHERE length(p.birthday) = 10
UNION
SELECT s.value_no, s.island, concat_ws(':', e.type_no, e.scope), e.value_no::VARCHAR
FROM side s JOIN exclusive_link e ON e.node_no = s.node_no WHERE e.value_no <> s.value_no;

-- step: island_cut <- carrier_island, island_attribute
-- Neighbouring islands are different people if something known of both differs and nothing agrees; where nothing can be
-- compared, two islands that both hold a profile are not joined by the number alone.
WITH side AS (SELECT value_no, island, bool_or(is_profile) AS has_profile FROM carrier_island GROUP BY value_no, island),
     compared AS (
         SELECT a.value_no, b.island, bool_or(a.content = b.content) AS agrees FROM island_attribute a
         JOIN island_attribute b ON b.value_no = a.value_no AND b.island = a.island + 1 AND b.attribute = a.attribute
         GROUP BY a.value_no, b.island
     )
SELECT y.value_no, y.island FROM side x JOIN side y ON y.value_no = x.value_no AND y.island = x.island + 1
LEFT JOIN compared c ON c.value_no = y.value_no AND c.island = y.island
WHERE CASE WHEN c.agrees IS NULL THEN x.has_profile AND y.has_profile ELSE NOT c.agrees END;

-- step: carrier_part <- carrier_island, island_cut
SELECT c.value_no, c.node_no, c.first_at, c.last_at, c.is_profile, c.current, coalesce(k.part, 0)::INTEGER AS part
FROM carrier_island c LEFT JOIN (
    SELECT i.value_no, i.island, count(k.island) AS part
    FROM (SELECT DISTINCT value_no, island FROM carrier_island) i
    JOIN island_cut k ON k.value_no = i.value_no AND k.island <= i.island GROUP BY i.value_no, i.island
) k ON k.value_no = c.value_no AND k.island = c.island;

-- step: carrier_holding <- carrier_part
-- Former evidence ends: whoever begins after it, with no current profile in between, holds the value anew.
WITH seen AS (
    SELECT *, coalesce(bool_or(is_profile AND current) OVER before, false) AS held,
           max(CASE WHEN is_profile THEN last_at END) OVER before AS ended
    FROM carrier_part
    WINDOW before AS (PARTITION BY value_no, part ORDER BY first_at, last_at, node_no
                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), marked AS (
    SELECT *, coalesce(NOT held AND first_at > ended, false) AS anew FROM seen
), stepped AS (
    SELECT *, CASE WHEN anew AND NOT coalesce(lag(anew) OVER same AND lag(ended) OVER same = ended, false) THEN 1 ELSE 0 END AS step
    FROM marked WINDOW same AS (PARTITION BY value_no, part ORDER BY first_at, last_at, node_no)
), numbered AS (
    SELECT value_no, node_no, first_at, last_at, part,
           sum(step) OVER (PARTITION BY value_no, part ORDER BY first_at, last_at, node_no ROWS UNBOUNDED PRECEDING) AS piece
    FROM stepped
)
SELECT value_no, node_no, first_at, last_at, (dense_rank() OVER (PARTITION BY value_no ORDER BY part, piece) - 1)::INTEGER AS holding
FROM numbered;

-- step: next_holding <- carrier_holding, generic_value, value_stat
-- A value in one pair of hands, and not generic, needs no row.
SELECT value_no AS identifier_no, holding, min(first_at) AS from_at, max(last_at) AS to_at,
       count(DISTINCT node_no)::INTEGER AS carriers, NULL::INTEGER AS names, NULL::INTEGER AS exclusives, false AS generic,
       'divided' AS why
FROM carrier_holding
WHERE value_no IN (SELECT value_no FROM carrier_holding WHERE holding > 0)
GROUP BY value_no, holding
UNION ALL
SELECT g.value_no, 0, v.earliest_last, v.latest_first, g.carriers, g.names, g.exclusives, true, g.why
FROM generic_value g JOIN value_stat v ON v.value_no = g.value_no;

-- step: value_holding <- next_holding, stored_value
SELECT identifier_no AS value_no, holding, from_at, carriers, generic FROM next_holding
UNION ALL
SELECT identifier_no, holding, from_at, carriers, generic FROM stored_value;

-- step: hub#hub_no <- value_stat, value_holding
-- Each holding that joins is a hub; the row number makes it dense.
SELECT v.value_no, coalesce(h.holding, 0) AS holding, h.from_at, coalesce(h.carriers, 2) AS carriers, v.type_no
FROM value_stat v LEFT JOIN value_holding h ON h.value_no = v.value_no WHERE NOT coalesce(h.generic, false);

-- step: generic_hub <- value_holding
SELECT DISTINCT value_no FROM value_holding WHERE generic;

-- step: edge <- reach_link, hub, value_holding
-- A carrier of a divided value belongs to the last holding that began by the time the carrier did. A holding of one
-- carrier links nobody.
SELECT l.node_no, h.hub_no, l.class FROM reach_link l
JOIN hub h ON h.value_no = l.value_no AND h.from_at IS NULL
UNION ALL
SELECT l.node_no, arg_max(h.hub_no, h.holding)::INTEGER, l.class FROM (
    SELECT node_no, value_no, class, min(first_at) OVER (PARTITION BY value_no, node_no) AS first_at FROM reach_link
    WHERE value_no IN (SELECT value_no FROM value_holding WHERE NOT generic)
) l JOIN hub h ON h.value_no = l.value_no AND h.from_at <= l.first_at GROUP BY l.node_no, l.value_no, l.class
HAVING arg_max(h.carriers, h.holding) > 1;

-- step: ~edge_end <- edge
-- What components are made of.
SELECT node_no, hub_no FROM edge;
