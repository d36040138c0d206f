from pytest_resilience import Classifier, Retry, RetryableError, Verdict


class AnalyserBusyError(Exception):
    """What our laboratory's driver raises."""


def analyser_rule(error):
    """Say what this driver's errors mean; `None` for all others."""
    if isinstance(error, AnalyserBusyError):
        return Verdict(RetryableError, "the analyser is busy", "Try again in a minute.")
    return None


POLICY = Retry(classifier=Classifier(analyser_rule))
