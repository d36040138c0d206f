from pytest_resilience import GoldenRequest, deploy_model_with_rollback


def release(version, known_rows, known_answers):
    result = deploy_model_with_rollback(
        "icu_mortality",
        version,
        golden=[GoldenRequest(known_rows, known_answers, tolerance=0.01)],
        why="retrained on the stays of May",
    )
    if result["status"] != "success":
        raise SystemExit(f"version {result['version']} is not in charge: {result['error']}")
    return result
