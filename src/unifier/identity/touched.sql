-- step: touched_canon <- touched_value, canon
SELECT DISTINCT coalesce(c.from_no, t.identifier_no) AS value_no FROM touched_value t LEFT JOIN canon c ON c.to_no = t.identifier_no;

-- step: holding_scope <- touched_canon, touched_value
SELECT value_no AS identifier_no FROM touched_canon UNION SELECT identifier_no FROM touched_value;
