from pytest_resilience import CircuitBreaker
from pytest_resilience.events import CircuitOpened

OPENED = []


def listener(event):
    """Stand for what was a subclass of `CircuitBreakerListener`."""
    if isinstance(event, CircuitOpened):
        OPENED.append(event)


BREAKER = CircuitBreaker(
    failure_threshold=5, timeout=60, ignored_exception=(ValueError,), listeners=(listener,), name="labs"
)


@BREAKER
def load(source):
    """Load rows through the breaker."""
    return source.read()


def load_in_a_block(source):
    """Do the same with a block."""
    with BREAKER.calling():
        return source.read()
