import json
from pathlib import Path

report = json.loads(Path("resilience-report/report.json").read_text(encoding="utf-8"))
assert report["schema"] == "pytest-resilience/report/1"

to_do = {
    item["id"]: (item["why"], item["replay"] or item["fix"])
    for item in report["items"]
    if item["verdict"] in ("failed", "unproven")
}
