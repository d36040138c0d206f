import uuid

from pytest_resilience import idempotency_key, retry


@retry(write=True, key=lambda: str(uuid.uuid4()))
def order_test(session, stay_id, test):
    """Order a laboratory test once, however often the answer is lost."""
    session.post(
        "/orders", json={"stay": stay_id, "test": test}, headers={"Idempotency-Key": idempotency_key()}
    )
