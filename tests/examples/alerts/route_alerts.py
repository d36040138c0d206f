from pytest_resilience import AlertRouter

router = AlertRouter()
names = router.route_alert("CRITICAL", "database", "No connection; see runbooks/database.md")
assert names == ["pagerduty", "slack"]

router.resolve_alert("CRITICAL", "database")  # PagerDuty closes what is open of this kind
router.flush(timeout=5.0)  # for programs that want to know; the end of the process does it anyway
