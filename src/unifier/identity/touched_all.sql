-- step: ~touched_canon <- identifier
SELECT identifier_no AS value_no FROM identifier;

-- step: ~holding_scope <- holding
SELECT DISTINCT identifier_no FROM holding;
