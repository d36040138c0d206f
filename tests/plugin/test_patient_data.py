"""What a workload says about its patients comes neither to the terminal nor into a report."""

from __future__ import annotations

import pytest

CONFIGURATION = """
[services.warehouse]
kind = "postgres"
env = { DATABASE_URL = "{dsn}" }
init = ["schema.sql"]

[workloads.admit]
command = ["{python}", "admit.py"]
uses = ["warehouse"]
deadline = 20
"""
ADMIT = """
import os, sys, psycopg2

row = ("Wilhelmine Ko\u0142odziej", 7)
try:
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("insert into admissions values (%s, %s)", row)
except psycopg2.Error as error:
    sys.exit(f"admission {row} was not stored: {error}")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_names_come_to_no_report(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """Item 9 fails for them, and says where they stand."""
    (pytester.path / "resilience.toml").write_text(CONFIGURATION)
    (pytester.path / "schema.sql").write_text("create table admissions (patient_name text, bed int);")
    (pytester.path / "admit.py").write_text(ADMIT, encoding="utf-8")
    found = pytester.runpytest_subprocess("--chaos", "--checklist", "-k", "messages and shutdown", *workers)
    printed = found.stdout.str() + found.stderr.str()
    written = [file for file in pytester.path.glob("resilience-report/**/*") if file.is_file()]

    assert "value 1 of public.admissions.patient_name on warehouse stands in stderr" in " ".join(
        printed.split()
    )
    assert "admission ('[redacted]', 7) was not stored" in printed
    assert len(written) > 2
    assert [file for file in written if "Wilhelmine" in file.read_text(encoding="utf-8")] == []
    assert "Wilhelmine" not in printed
