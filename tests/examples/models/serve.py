from pytest_resilience import ModelServer, recover_model_serving


def by_age(rows):
    return [0.3 if age > 80 else 0.1 for age in rows["age"]]


def make_server():
    return ModelServer("icu_mortality", rule=by_age, deadline=5.0)


def answer(server, rows):
    prediction = server.predict(rows)
    return {
        "risk": list(prediction.output),
        "model_version": prediction.model_version,
        "degraded": prediction.degraded,
    }


def on_complaint(server):
    return recover_model_serving("icu_mortality", server=server)
