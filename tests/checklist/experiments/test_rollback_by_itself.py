"""Item 7 on small deployments that go back by themselves: what they forget is found, and sound ones pass."""

from __future__ import annotations

import textwrap

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.points.point import FaultPoint
from pytest_resilience.checklist.experiments.rollback_by_itself import (
    failing_steps,
    steps_of_database,
    steps_of_registry,
)
from pytest_resilience.services.run_folder import RunFolder

CONFIGURATION = """
    [services.warehouse]
    kind = "postgres"
    env = { DATABASE_URL = "{dsn}" }
    init = ["schema.sql"]

    [services.registry]
    kind = "mlflow"
    env = { MLFLOW_TRACKING_URI = "{tracking_uri}" }
    init = ["{python} registry.py"]

    [services.serving]
    kind = "http"
    upstream = "{python} serving.py {port}"
    env = { SERVING_URL = "{url}" }
"""
DEPLOYS = """
    [workloads.{name}]
    command = ["{{python}}", "deploy.py", "{mode}"]
    uses = ["warehouse", "registry", "serving"]
    start = "prepared"
    deadline = 30
    {more}
"""
MODES = ("sound", "reports", "again", "retells", "looks", "claims")
FORGETFUL = ("forgets", "wrong", "row", "silent", "answered", "committed")
SERVING = """
    import http.server, sys

    class Serving(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Serving).serve_forever()
"""
UNDONE = 'rollback = ["{python}", "undo.py"]'
SCHEMA = """
    create table deployed (model text primary key, version int);
    insert into deployed values ('sepsis', 1);
    create table attempts (n serial, outcome text);
"""
REGISTRY = """
    import json, os, urllib.error, urllib.parse, urllib.request

    def ask(method, path, **fields):
        url = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/" + path
        data = json.dumps(fields).encode() if method != "GET" else None
        if data is None:
            url += "?" + urllib.parse.urlencode(fields)
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)

    def register():
        source = "s3://models/sepsis"
        made = ask("POST", "model-versions/create", name="sepsis", source=source)
        return made["model_version"]["version"]

    def serve(version):
        ask("POST", "registered-models/alias", name="sepsis", alias="champion", version=version)

    if __name__ == "__main__":
        ask("POST", "registered-models/create", name="sepsis")
        for _ in range(2):
            serve(register())
"""
DEPLOY = """
    import http.client, os, sys, urllib.request, psycopg2
    from registry import ask, register, serve

    MODE = sys.argv[1]
    FAILURES = (OSError, http.client.HTTPException, psycopg2.Error)
    DONE = {"alias", "row"} - {{"answered": "alias", "committed": "row"}.get(MODE)}

    def execute(statement):
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def healthy(version):
        ask("GET", "model-versions/get-download-uri", name="sepsis", version=version)
        urllib.request.urlopen(os.environ["SERVING_URL"] + "/health", timeout=10).close()

    def deploy(old):
        new = register()
        ask("POST", "model-versions/set-tag", name="sepsis", version=new, key="by", value="deploy")
        serve(new)
        DONE.add("alias")
        execute(f"update deployed set version = {new}")
        DONE.add("row")
        healthy(new)

    def undo(old):
        if MODE != "forgets" and "alias" in DONE:
            serve("1" if MODE == "wrong" else old)
        if MODE != "row" and "row" in DONE:
            execute("update deployed set version = 1")
        execute("insert into attempts (outcome) values ('rolled back')")

    old = ask("GET", "registered-models/alias", name="sepsis", alias="champion")["model_version"]["version"]
    for attempt in range(2 if MODE in {"again", "retells"} else 1):
        try:
            deploy(old)
            break
        except FAILURES as error:
            print(f"could not deploy sepsis: {error}", file=sys.stderr)
            if MODE not in {"silent", "again", "retells", "claims", "looks"}:
                undo(old)
            if MODE == "looks":
                execute("select version from deployed")
            if MODE not in {"silent", "again"}:
                print("rolled back", file=sys.stderr)
    else:
        sys.exit(0 if MODE in {"reports", "claims", "looks"} else 1)
"""
UNDO = """
    import os, sys, psycopg2
    from registry import serve

    serve("2")
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("update deployed set version = 1")
"""
CHECK = "registry::by-itself-GET-api-2-0-mlflow-model-versions-get-download-uri-1-request"
MOVE = "registry::by-itself-POST-api-2-0-mlflow-registered-models-alias-1-request"
HEALTH = "serving::by-itself-GET-health-1-request"
ROW = "warehouse::by-itself-UPDATE-1-request"
MOVED = "registry::by-itself-POST-api-2-0-mlflow-registered-models-alias-1-reply"
COMMIT = "warehouse::by-itself-COMMIT-1-request"
COMMITTED = "warehouse::by-itself-COMMIT-1-reply"


@pytest.fixture(scope="module")
def failing(pool, tmp_path_factory):
    """Return what makes one step of a deployment in some mode fail."""
    folder, run = tmp_path_factory.mktemp("team"), RunFolder.make()
    named = dict.fromkeys(MODES + FORGETFUL, UNDONE) | {"lost": ""}
    jobs = [
        DEPLOYS.format(name=name, mode="silent" if name == "lost" else name, more=more)
        for name, more in named.items()
    ]
    (folder / "resilience.toml").write_text(textwrap.dedent(CONFIGURATION + "".join(jobs)))
    (folder / "schema.sql").write_text(SCHEMA)
    for stem, text in {"registry": REGISTRY, "deploy": DEPLOY, "undo": UNDO, "serving": SERVING}.items():
        (folder / f"{stem}.py").write_text(textwrap.dedent(text))
    laboratory = Laboratory(read_configuration(folder), pool, run, seed=1)

    def failing(name, step):
        found = {each.id: each for each in failing_steps(laboratory, laboratory.clean(name))}
        return found[f"rollback::{name}::{step}"].run()

    yield failing
    laboratory.close()
    run.end()


@pytest.mark.parametrize("step", [CHECK, HEALTH, MOVE, ROW, MOVED, COMMIT, COMMITTED])
@pytest.mark.parametrize("mode", ["sound", "reports", "again"])
def test_a_sound_deployment_passes_wherever_it_fails(failing, mode, step) -> None:
    """It goes back, with a status or without, and notes that in a table; or does it again, where that helps."""
    result = failing(mode, step)

    assert (result.outcome, [each.outcome for each in result.evidence]) == ("passed", ["passed"]), result.why
    assert result.evidence[0].warnings == () or (mode == "again" and step in {CHECK, HEALTH})


@pytest.mark.parametrize("step", [MOVE, ROW, COMMIT, MOVED, COMMITTED])
def test_who_says_that_a_try_was_rolled_back_and_tries_again_passes(failing, step) -> None:
    """What failed is asked for again, and its reply then comes, or it was refused and no more is."""
    result = failing("retells", step)

    assert result.outcome == "passed", result.why


def test_who_only_claims_to_have_gone_back_fails(failing) -> None:
    """After a lost COMMIT who says "rolled back", and ends well, has looked whether that is true, or it is not."""
    claims, looks = failing("claims", COMMITTED), failing("looks", COMMITTED)

    assert (claims.outcome, "it says that it went back, but registry: alias" in claims.why) == (
        "failed",
        True,
    )
    assert looks.outcome == "passed", looks.why


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("forgets", "registry: alias champion of sepsis is the new version, before it was version 2"),
        ("wrong", "registry: alias champion of sepsis is version 1, before it was version 2"),
        (
            "row",
            "warehouse: the rows of public.deployed as after the deployment, though the earlier version serves",
        ),
    ],
)
@pytest.mark.parametrize("step", [CHECK, HEALTH])
def test_what_a_deployment_forgets_to_take_back_is_found(failing, mode, why, step) -> None:
    """The alias, the right version, a row: after a health check that failed. The declared rollback is sound."""
    result = failing(mode, step)

    assert (result.outcome, why in result.why) == ("failed", True), result.why
    assert result.evidence[0].fix
    assert result.evidence[0].replay == f'pytest --chaos --checklist "resilience::rollback::{mode}::{step}"'


@pytest.mark.parametrize(
    ("mode", "step", "why"),
    [
        ("answered", MOVED, "registry: alias champion of sepsis is the new version, before it was version 2"),
        ("committed", COMMITTED, "warehouse: the rows of public.deployed as after the deployment"),
    ],
)
def test_what_was_done_and_never_answered_has_to_be_taken_back(failing, mode, step, why) -> None:
    """A deployment that remembers a move, or a commit, once it is answered goes back from all refusals."""
    refused = [failing(mode, other) for other in (CHECK, MOVE, ROW, COMMIT)]
    lost = failing(mode, step)

    assert [result.outcome for result in refused] == ["passed"] * 4
    said = f"done, and its reply lost: it says that it went back, but {why}"
    assert (lost.outcome, said in (lost.why or "")) == ("failed", True), lost.why
    assert lost.evidence[0].replay == f'pytest --chaos --checklist "resilience::rollback::{mode}::{step}"'


def test_who_does_not_go_back_by_itself_is_left_to_the_declared_rollback(failing) -> None:
    """Which the item tries by itself; where there is none, what failed its check serves for good."""
    warned = failing("silent", CHECK)
    failed = failing("lost", CHECK)

    assert (warned.outcome, "the declared rollback" in warned.evidence[0].warnings[0]) == ("passed", True)
    assert (failed.outcome, "nothing is declared that undoes it" in failed.why) == ("failed", True), (
        failed.why
    )


def test_what_is_asked_for_only_of_a_model_that_serves_stays_refused() -> None:
    """As a health check is, which may be tried again; what goes back has to come through."""
    asked = [
        FaultPoint(service="registry", protocol="http", side="request", message=message, nth=nth)
        for message, nth in [
            ("GET /registered-models/alias", 1),
            ("POST /model-versions/create", 1),
            ("POST /registered-models/alias", 1),
            ("GET /registered-models/alias", 2),
            ("GET /model-versions/get", 1),
            ("GET /model-versions/get", 2),
        ]
    ]

    assert steps_of_registry(asked) == [
        (asked[1], False),
        (asked[2], False),
        (asked[3], False),
        (asked[4], True),
    ]
    assert steps_of_registry(asked[:2]) == []


def test_commits_are_refused_and_their_replies_lost_and_so_are_statements_that_commit_themselves() -> None:
    """A statement in a transaction is refused alone: its lost reply is a transaction that never ends."""
    seen = [
        FaultPoint(service="db", protocol="postgres", side=side, message=message, nth=nth, transaction=status)
        for message, nth, status in [
            ("SELECT", 1, "I"),
            ("ALTER TABLE", 1, "I"),
            ("BEGIN", 1, "I"),
            ("UPDATE", 1, "T"),
            ("COMMIT", 1, "T"),
        ]
        for side in ("request", "reply")
    ]

    assert [point.id for point in steps_of_database(seen)] == [
        "ALTER-TABLE-1-request",
        "ALTER-TABLE-1-reply",
        "UPDATE-1-request",
        "COMMIT-1-request",
        "COMMIT-1-reply",
    ]
