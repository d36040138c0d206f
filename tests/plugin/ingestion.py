"""A small ingestion for tests of the plugin: what a team has, in five files, sound and with planted bugs."""

from __future__ import annotations

import textwrap
from pathlib import Path

CONFIGURATION = """
[services.warehouse]
kind = "postgres"
env = { DATABASE_URL = "{dsn}" }
init = ["schema.sql"]

[workloads.ingest]
command = ["{python}", "ingest.py", "rows.csv"]
uses = ["warehouse"]
resume = "rerun"
deadline = 60
[[workloads.ingest.exactly_once]]
service = "warehouse"
table = "public.rows"
key = ["id"]
rows = "rows.csv"
"""
SCHEMA = """
create table rows (id int, name text);
create table progress (done int);
insert into progress values (0);
"""
SOUND = """
import csv, os, sys, psycopg2

rows = list(csv.DictReader(open(sys.argv[1])))
connection = psycopg2.connect(os.environ["DATABASE_URL"])
cursor = connection.cursor()
cursor.execute("select done from progress")
(done,) = cursor.fetchone()
connection.commit()
for start in range(done, len(rows), 2):
    for row in rows[start : start + 2]:
        cursor.execute("insert into rows values (%s, %s)", (row["id"], row["name"]))
    cursor.execute("update progress set done = %s", (start + 2,))
    connection.commit()
connection.close()
"""
POSITION_AFTER = SOUND.replace(
    '    cursor.execute("update progress', '    connection.commit()\n    cursor.execute("update progress'
)
"""The rows are committed, and then the position: a kill in between doubles them."""
BROKEN = "raise SystemExit('no such file')"
SCENARIO = """
scenario: The reply to a COMMIT is lost
proves: [transactions]
workload: ingest
faults:
  - on: warehouse
    when: {message: COMMIT, side: reply, nth: 2}
    inject: cut
expect:
  - exit: 0
  - exactly_once: public.rows
"""


def write_ingestion(folder: Path, program: str = SOUND, **files: str) -> None:
    """Write the project into a folder; `files` are further ones, `__` in their names stands for `/`."""
    (folder / "resilience.toml").write_text(CONFIGURATION)
    (folder / "schema.sql").write_text(SCHEMA)
    (folder / "ingest.py").write_text(textwrap.dedent(program))
    (folder / "rows.csv").write_text("id,name\n" + "".join(f"{n},n{n}\n" for n in range(4)))
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
