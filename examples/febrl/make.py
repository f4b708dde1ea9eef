"""Turn FEBRL data set 3 into profiles of the contract and the truth about them.

    python make.py dataset3.csv OUT

writes `OUT/in/profile.parquet` and `OUT/truth.csv` and prints counts. `soc_sec_id` is left out on purpose.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

OBSERVED_AT: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The data tells no times; the contract wants one."""

FIELDS: Final = ("record_id", "name", "birthday", "address", "city", "province", "postcode")


def entity(rec_id: str) -> str:
    """Tell who a record is about.

    >>> entity("rec-552-dup-3")
    '552'
    """
    return rec_id.split("-")[1]


def birthday(digits: str) -> str | None:
    """Write a birth date the way of the contract; one that no calendar has is no birth date.

    >>> birthday("19560409"), birthday("19561309"), birthday("")
    ('1956-04-09', None, None)
    """
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()
    except ValueError:
        return None


def profile(row: dict[str, str]) -> dict[str, str | None]:
    """Turn a row into a profile: fields that are empty are absent."""
    name = f"{row['given_name']} {row['surname']}"
    address = f"{row['street_number']} {row['address_1']} {row['address_2']}"
    told = (row["rec_id"], name, birthday(row["date_of_birth"]), address, row["suburb"], row["state"], row["postcode"])
    return {field: " ".join((value or "").split()) or None for field, value in zip(FIELDS, told, strict=True)}


def convert(file: Path, out: Path) -> dict[str, int]:
    """Write profiles and truth under `out`; returns counts of what was read and written."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [
            {name: value.strip() for name, value in row.items()} for row in csv.DictReader(lines, skipinitialspace=True)
        ]
    profiles = pa.Table.from_pylist([profile(row) for row in rows], pa.schema([(name, pa.string()) for name in FIELDS]))
    at = pa.array([OBSERVED_AT] * len(rows), pa.timestamp("us", tz="UTC"))
    (out / "in").mkdir(parents=True, exist_ok=True)
    pq.write_table(profiles.append_column("observed_at", at), out / "in" / "profile.parquet", compression="zstd")
    with (out / "truth.csv").open("w", encoding="utf-8", newline="") as truth:
        writer = csv.writer(truth)
        writer.writerow(("source", "record_id", "entity"))
        writer.writerows(("febrl", row["rec_id"], entity(row["rec_id"])) for row in rows)
    sizes = Counter(entity(row["rec_id"]) for row in rows).values()
    return {
        "records": len(rows),
        "entities": len(sizes),
        "true_pairs": sum(size * (size - 1) // 2 for size in sizes),
        "impossible_birthdays": sum(
            bool(row["date_of_birth"]) and birthday(row["date_of_birth"]) is None for row in rows
        ),
    }


def main() -> None:
    """Read the command line, convert, print the counts as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="dataset3.csv")
    parser.add_argument("out", type=Path, help="folder of the project")
    options = parser.parse_args()
    print(json.dumps(convert(options.file, options.out), indent=2))


if __name__ == "__main__":
    main()
