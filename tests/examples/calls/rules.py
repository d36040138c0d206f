from pytest_resilience import data_quality_score, model_auroc


def release(model, quality):
    """Let nothing out that is not good enough."""
    data_quality_score(quality, where="raw.icustays")
    model_auroc.with_threshold(0.80)(model.auroc, where=model.name)
    model.publish()
