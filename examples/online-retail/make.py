"""Turn the UCI Online Retail table into records of the contract: orders, refunds, profiles, as Parquet.

    python make.py online_retail_all.parquet OUT            the whole period in one file per kind
    python make.py online_retail_all.parquet OUT --daily    a file per kind and day

It prints what it read, what it made of it and what the contract will refuse.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

import duckdb

READ: Final = """
CREATE TABLE line AS
SELECT InvoiceNo AS invoice, StockCode AS product, trim(Description) AS name, Quantity AS quantity,
       round(Quantity * UnitPrice * 100)::BIGINT AS pence, InvoiceDate::TIMESTAMP AS moment,
       CustomerID::BIGINT::VARCHAR AS customer, Country AS country,
       row_number() OVER (PARTITION BY InvoiceNo ORDER BY file_row_number) AS n
FROM read_parquet($file, file_row_number = true)
"""

IDENTIFIERS: Final = """
CASE WHEN customer IS NULL THEN [] ELSE [{'type': 'member_no', 'scope': 'online-retail', 'value': customer}] END
"""

RECORDS: Final = {
    # A few invoices were written over two minutes: the first minute counts.
    "order": f"""
        SELECT invoice AS record_id, min(moment) AS observed_at, {IDENTIFIERS} AS identifiers, min(moment) AS ordered_at,
               'completed' AS status, min(moment) AS paid_at, 'web' AS channel, 'GBP' AS currency,
               sum(pence)::BIGINT AS amount,
               list({{'line_id': n::VARCHAR, 'product_id': product, 'name': name, 'quantity': quantity::DOUBLE,
                      'amount': pence}} ORDER BY n) AS lines
        FROM line WHERE invoice NOT LIKE 'C%' GROUP BY invoice, customer
    """,
    # The data does not tell which invoice a cancellation takes back, so it stands under its own number.
    "refund": f"""
        SELECT invoice || '#' || n AS record_id, moment AS observed_at, {IDENTIFIERS} AS identifiers,
               invoice AS order_id, n::VARCHAR AS line_id, moment AS refunded_at, 'success' AS status, -pence AS amount,
               name AS reason
        FROM line WHERE invoice LIKE 'C%'
    """,
    # A customer is told once, and again when the country has changed: all that is known of an address.
    "profile": f"""
        SELECT customer AS record_id, moment AS observed_at, {IDENTIFIERS} AS identifiers, country AS address
        FROM (SELECT customer, invoice, country, min(moment) AS moment FROM line WHERE customer IS NOT NULL GROUP BY ALL)
        QUALIFY country IS DISTINCT FROM lag(country) OVER (PARTITION BY customer ORDER BY moment, invoice)
    """,
}

COUNTS: Final = """
SELECT count(*) AS lines, count(DISTINCT invoice) AS invoices, count(DISTINCT customer) AS customers,
       count(*) FILTER (customer IS NULL) AS lines_without_customer,
       count(*) FILTER (invoice LIKE 'C%') AS cancellation_lines,
       count(*) - (SELECT count(*) FROM (SELECT DISTINCT COLUMNS(* EXCLUDE (__index_level_0__)) FROM read_parquet($file)))
       AS exact_duplicates, count(DISTINCT moment::DATE) AS days
FROM line
"""


def convert(file: Path, out: Path, days_a_file: int | None) -> dict[str, int]:
    """Write the records under `out` as `<kind>/<first day>.parquet`; returns counts of what was read and written.

    A file holds so many days on which something was sold; one file holds all if it is None.
    """
    with duckdb.connect() as con:
        con.execute(READ, {"file": str(file)})
        counts = _row(con, COUNTS, {"file": str(file)})
        con.execute(
            "CREATE TABLE cut AS SELECT day, (row_number() OVER (ORDER BY day) - 1) // $days AS cut "
            "FROM (SELECT DISTINCT moment::DATE AS day FROM line)",
            {"days": days_a_file or counts["days"]},
        )
        for kind, query in RECORDS.items():
            con.execute(f'CREATE TABLE "{kind}" AS {query}')
            counts[f"{kind}_records"] = _row(con, f'SELECT count(*) AS n FROM "{kind}"')["n"]
            _write(con, kind, out / kind)
        counts["orders_below_zero"] = _row(con, 'SELECT count(*) AS n FROM "order" WHERE amount < 0')["n"]
    return counts


def _write(con: duckdb.DuckDBPyConnection, kind: str, folder: Path) -> None:
    """Write a kind, one file per cut, records in the order of their times."""
    folder.mkdir(parents=True, exist_ok=True)
    cuts = con.execute("SELECT min(day), max(day) FROM cut GROUP BY cut ORDER BY cut").fetchall()
    for first, last in cuts:
        chosen = con.sql(
            f'SELECT * FROM "{kind}" WHERE observed_at::DATE BETWEEN $first AND $last ORDER BY observed_at, record_id',
            params={"first": first, "last": last},
        )
        chosen.write_parquet(str(folder / f"{first}.parquet"), compression="zstd")


def _row(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, str] | None = None) -> dict[str, int]:
    """Run a query for its only row."""
    cursor = con.execute(sql, values or {})
    names = [column[0] for column in cursor.description or []]
    return dict(zip(names, cursor.fetchone() or (), strict=True))


def main() -> None:
    """Read the command line, convert, print the counts as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="online_retail_all.parquet")
    parser.add_argument("out", type=Path, help="folder for order, refund and profile")
    parser.add_argument("--daily", dest="days", action="store_const", const=1, help="one file per kind and day")
    parser.add_argument("--days", type=int, help="one file per kind and so many days of business")
    options = parser.parse_args()
    print(json.dumps(convert(options.file, options.out, options.days), indent=2))


if __name__ == "__main__":
    main()
