-- Which names of one component cannot be one person's. Pinyin is left to a function of pairs.

-- step: name_pair <- named_node
SELECT DISTINCT least(a.name_key, b.name_key) AS a, greatest(a.name_key, b.name_key) AS b FROM (
    SELECT DISTINCT component_no, name_key FROM named_node WHERE name_key IS NOT NULL) a
JOIN (SELECT DISTINCT component_no, name_key FROM named_node) b ON b.component_no = a.component_no AND a.name_key < b.name_key;

-- step: doubtful_pair <- name_pair
SELECT a, b, (a < '[') <> (b < '[') AS mixed FROM name_pair WHERE NOT coalesce({agree}, true);

-- step: mixed_pair <- doubtful_pair
SELECT a, b FROM doubtful_pair WHERE mixed;

-- step: name_conflict <- doubtful_pair, spelled
SELECT d.a, d.b FROM doubtful_pair d LEFT JOIN spelled s ON s.a = d.a AND s.b = d.b WHERE NOT coalesce(s.agree, false);
