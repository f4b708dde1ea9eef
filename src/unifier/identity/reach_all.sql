-- A rebuild reaches everything.

-- step: ~reach_node_all <- profile, bundle
SELECT (2 * record_no)::INTEGER AS node_no FROM profile UNION ALL SELECT node_no FROM bundle;
