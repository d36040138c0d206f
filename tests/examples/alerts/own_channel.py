import sys

from pytest_resilience import AlertRouter


class Terminal:
    """Anything with a name and `send` is a channel; it returns when the alert has arrived, else it raises."""

    name = "slack"

    def send(self, alert):
        sys.stderr.write(f"{alert.severity} {alert.component}: {alert.message}\n")


router = AlertRouter(rules={("HIGH", "api"): ["slack"]}, channels=[Terminal()])
router.route_alert("HIGH", "api", "The lab service does not answer")
