"""What is written for a project is accepted when it is read, and says what a look at the code tells."""

from __future__ import annotations

from pathlib import Path

import pytest

PIPELINE = {
    "pyproject.toml": '[project]\nname = "icu"\nscripts = {icu-report = "icu.report:main", gone = "no.such:main"}\n',
    "icu/__init__.py": "",
    "icu/ingest.py": (
        "import os, sys\nimport psycopg2\nfrom . import notify\n"
        "def main():\n    psycopg2.connect(os.environ['DATABASE_URL'])\n    open(sys.argv[1])\n"
        "if __name__ == '__main__':\n    main()\n"
    ),
    "icu/notify.py": (
        "from os import getenv\nHOOK = 'SLACK_WEBHOOK_URL'\nurl = getenv(HOOK)\nkey = getenv('PAGERDUTY_KEY')\n"
    ),
    "icu/report.py": "import psycopg2\ndef main(): ...\n",
    "sql/schema.sql": "create table t (x int);",
    "sql/schema_down.sql": "drop table t;",
    "sql/report.sql": "select 1;",
    "tests/test_ingest.py": "import os, requests\nos.environ['OTHER_URL']\nif __name__ == '__main__': ...\n",
    ".venv/lib/x.py": "import mlflow\n",
    "environment/pyvenv.cfg": "",
    "environment/lib/x.py": "import mlflow\n",
    "node_modules/x.py": "import redis\n",
}


def test_pipeline(initialised, tmp_path: Path) -> None:
    """A job on psycopg2, with alerts, a schema and an installed script."""
    configuration = initialised(PIPELINE)
    text = (tmp_path / "resilience.toml").read_text()

    assert configuration.packages == ("icu",)
    assert list(configuration.services) == ["database"]
    assert configuration.services["database"].env == {"DATABASE_URL": "{dsn}"}
    assert configuration.services["database"].init == ("sql/schema.sql",)
    assert configuration.alerts is not None
    assert configuration.alerts.env == {"SLACK_WEBHOOK_URL": "{slack}", "PAGERDUTY_KEY": "0" * 32}
    assert configuration.workloads["ingest"].command == ("{python}", "-m", "icu.ingest")
    assert configuration.workloads["ingest"].uses == ("database",)
    assert list(configuration.workloads) == ["ingest", "icu-report"]
    assert "# DATABASE_URL is read: icu/ingest.py:5\n" in text
    assert "# SLACK_WEBHOOK_URL is read: icu/notify.py:3\n" in text
    assert "# TODO: command: add its arguments, sys.argv[1]\n" in text


def test_a_key_without_an_address_is_not_all_of_an_alert(initialised, tmp_path: Path) -> None:
    """Else alerts of faults would wake somebody."""
    code = "import os\nkey = os.environ['PAGERDUTY_ROUTING_KEY']\nif __name__ == '__main__': ...\n"
    configuration = initialised({"icu.py": code})

    assert configuration.alerts is not None
    assert "TODO: env: name the variable with the address too" in (tmp_path / "resilience.toml").read_text()


def test_fastapi_with_settings(initialised, tmp_path: Path) -> None:
    """An async server under `src`, with pydantic's settings, SQLAlchemy on asyncpg, alembic, and an HTTP dependency."""
    configuration = initialised(
        {
            "alembic.ini": "[alembic]",
            "alembic/env.py": "if __name__ == '__main__': ...",
            "migrations/001.sql": "",
            "src/scorer/__init__.py": "",
            "src/scorer/settings.py": (
                "from pydantic_settings import BaseSettings\n"
                "class Settings(BaseSettings):\n    labs_base_url: str\n    database_url: str\n"
            ),
            "src/scorer/main.py": (
                "import httpx\nfrom fastapi import FastAPI\nfrom sqlalchemy.ext.asyncio import create_async_engine\n"
                "from scorer.settings import Settings\napp = FastAPI()\n"
                "@app.get('/items/{id}')\ndef item(id): ...\n"
                "@app.get('/healthz')\ndef health(): ...\n"
                "@app.post('/predict')\nasync def predict(): ...\n"
                "if __name__ == '__main__':\n    import uvicorn\n    uvicorn.run(app)\n"
            ),
        }
    )
    server = configuration.workloads["scorer"]

    assert configuration.services["database"].dialect == "postgresql+asyncpg"
    assert configuration.services["database"].init == ("{python} -m alembic upgrade head",)
    assert configuration.services["labs"].env == {"LABS_BASE_URL": "{url}"}
    assert server.shape == "server"
    assert server.command == ("{python}", "-m", "uvicorn", "scorer.main:app", "--port", "{port}")
    assert server.env == {"PYTHONPATH": "src"}
    assert (server.ready, server.drive and server.drive.request) == ("GET /healthz", "POST /predict")
    assert server.uses == ("database", "labs")
    assert 'add body = "..."' in (tmp_path / "resilience.toml").read_text()


def test_scripts_without_a_package(initialised) -> None:
    """Two databases by their parts, a queue and object storage, from scripts in a folder."""
    configuration = initialised(
        {
            "jobs/sync job.py": (
                "#!/usr/bin/env python\nimport os, boto3, redis, psycopg\n"
                "host = os.environ['WAREHOUSE_DB_HOST'], os.environ.get('WAREHOUSE_DB_PASSWORD', 's3cret')\n"
                "other = os.getenv('LEDGER_DSN'), os.getenv('REDIS_URL', 'redis://prod.example')\n"
                "os.getenv('SENTRY_DSN')\n"
                "if '__main__' == __name__:\n    ...\n"
            ),
            "jobs/broken.py": "print 'python 2'\n",
            "jobs/empty{}.py": "if __name__ == '__main__':\n    pass\n",
        }
    )
    job = configuration.workloads["sync-job"]

    assert configuration.services["warehouse"].env == {
        "WAREHOUSE_DB_HOST": "{host}",
        "WAREHOUSE_DB_PASSWORD": "{password}",
    }
    assert configuration.services["ledger"].env == {"LEDGER_DSN": "{dsn}"}
    assert configuration.services["redis"].env == {"REDIS_URL": "redis://{host}:{port}/0"}
    assert configuration.services["aws"].kind == "http"
    assert job.command == ("{python}", "jobs/sync job.py")
    assert job.uses == ("warehouse", "ledger", "redis", "aws")
    assert configuration.workloads["empty--"].command == ("{python}", "jobs/empty{{}}.py")
    assert configuration.file is not None
    text = configuration.file.read_text()
    assert "jobs/broken.py was left out" in text
    assert "s3cret" not in text
    assert "prod.example" not in text


FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
ROUTER = "from fastapi import APIRouter\nrouter = APIRouter({})\n"
HANDLERS = "@router.get('/health')\ndef _(): ...\n@router.post('{}')\ndef _(): ...\n"


@pytest.mark.parametrize(
    ("files", "ready", "driven"),
    [
        (
            {
                "icu/main.py": f"from .routes import router\n{FASTAPI}app.include_router(router, prefix='/v1')\n",
                "icu/routes.py": ROUTER.format("") + HANDLERS.format("/admissions"),
            },
            "GET /v1/health",
            "POST /v1/admissions",
        ),
        (
            {
                "icu/main.py": f"from .api import everything as v1\n{FASTAPI}app.include_router(v1)\n",
                "icu/api/__init__.py": "from .all import everything\n",
                "icu/api/all.py": (
                    "from fastapi import APIRouter\nfrom icu.api import beds\n"
                    "everything = APIRouter(prefix='/api')\n"
                    "everything.include_router(beds.router)\nbeds.router.include_router(everything)\n"
                ),
                "icu/api/beds.py": ROUTER.format("prefix='/beds'") + HANDLERS.format(""),
            },
            "GET /api/beds/health",
            "POST /api/beds",
        ),
        (
            {
                "icu/main.py": (
                    "from flask import Flask\nfrom icu import beds\ndef create_app():\n    app = Flask('icu')\n"
                    "    app.register_blueprint(beds.router, url_prefix='/beds')\n    return app\n"
                ),
                "icu/beds.py": (
                    "from flask import Blueprint\nrouter = Blueprint('beds', __name__)\n"
                    + HANDLERS.format("/free")
                ),
            },
            "GET /beds/health",
            "POST /beds/free",
        ),
        (
            {
                "icu/main.py": (
                    f"from .routes import router\n{FASTAPI}app.include_router(router, prefix=settings.prefix)\n"
                    "@app.get('/mine')\ndef _(): ...\n"
                ),
                "icu/routes.py": ROUTER.format("") + HANDLERS.format("/admissions"),
            },
            "GET /mine",
            "GET /mine",
        ),
    ],
)
def test_handlers_are_found_where_routers_have_them(initialised, files, ready, driven) -> None:
    """Under the prefixes of all that takes them in; what stands under one that is not known is not guessed."""
    init = "icu/__init__.py"
    server = initialised({init: "", "icu/api/__init__.py": "", **files}).workloads["icu"]

    assert (server.ready, server.drive.request) == (ready, driven)


def test_urls_are_found_where_django_includes_them(initialised) -> None:
    """An administrator's pages are no work of the project's."""
    urls = "urlpatterns = [path('admin/', admin.site.urls), path('api/', include('beds.urls'))]\n"
    configuration = initialised(
        {
            "manage.py": "import django\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'icu.settings')\n",
            "icu/__init__.py": "",
            "icu/urls.py": urls,
            "beds/__init__.py": "",
            "beds/urls.py": "urlpatterns = [path('ping', ping), path('free/', free)]\n",
        }
    )
    server = configuration.workloads["web"]

    assert (server.ready, server.drive.request) == ("GET /api/ping", "GET /api/free/")


@pytest.mark.parametrize(
    ("default", "name", "address"),
    [
        ("redis://localhost:6379/0", "redis", "redis://{host}:{port}/0"),
        ("amqps://mq.example//", "broker", "amqp://guest:guest@{host}:{port}/"),
        ("", "broker", "amqp://guest:guest@{host}:{port}/"),
    ],
)
def test_a_queue_talks_to_its_broker_through_another_library(initialised, default, name, address) -> None:
    """Which is imported by nobody: what the address begins with, by default, tells which server it is."""
    code = f"import celery\nclass S(BaseSettings):\n    broker_url: str = '{default}'\n    s3_url: str\n"
    (service,) = initialised({"config.py": code}).services.values()

    assert (service.name, service.env) == (name, {"BROKER_URL": address})


def test_what_a_framework_imports_is_known_from_the_dependencies(initialised) -> None:
    """Django names its cache in its settings, and imports no client of it."""
    code = "CACHES = {'default': {'LOCATION': env('REDIS_URL')}}"
    configuration = initialised({"config.py": code, "requirements.txt": "django\nredis>=5\n"})

    assert configuration.services["redis"].env == {"REDIS_URL": "redis://{host}:{port}/0"}
    assert "redis" not in initialised({"config.py": code, "requirements.txt": "django\n"}, "--force").services


def test_one_variable_is_one_service(initialised) -> None:
    """An address of a database, of another store, or of alerts is no HTTP service beside it."""
    variables = [
        "ACME_DB_URL",
        "MYDB_URL",
        "WAREHOUSE_DB_URI",
        "REDISTRIBUTION_DB_URL",
        "LABS_URL",
        "PD_EVENTS_URL",
        "REDIS_DSN",
        "MONGODB_URL",
        "MONGODB_HOST",
        "COUCHDB_URL",
        "SENTRY_DSN",
    ]
    configuration = initialised(
        {
            "load.py": (
                "import os, psycopg2, requests, redis, pymongo\n"
                + "".join(f"os.environ['{name}']\n" for name in variables)
                + "if __name__ == '__main__':\n    ...\n"
            )
        }
    )
    found = {name: (each.kind, list(each.env)) for name, each in configuration.services.items()}

    assert found == {
        "acme": ("postgres", ["ACME_DB_URL"]),
        "my": ("postgres", ["MYDB_URL"]),
        "warehouse": ("postgres", ["WAREHOUSE_DB_URI"]),
        "redistribution": ("postgres", ["REDISTRIBUTION_DB_URL"]),
        "redis": ("tcp", ["REDIS_DSN"]),
        "mongo": ("tcp", ["MONGODB_URL", "MONGODB_HOST"]),
        "labs": ("http", ["LABS_URL"]),
        "couchdb": ("http", ["COUCHDB_URL"]),
    }
    assert configuration.alerts is not None
    assert configuration.alerts.env == {"PD_EVENTS_URL": "{pagerduty}"}


@pytest.mark.parametrize(
    ("read", "added"),
    [
        ({"PGHOST": "{host}", "PGPASSWORD": "{password}"}, ["PGPORT", "PGUSER", "PGDATABASE"]),
        ({"PGHOST": "{host}", "DB_NAME": "{database}"}, ["PGPORT", "PGUSER", "PGPASSWORD"]),
        ({"PGPASSWORD": "{password}", "DATABASE_URL": "{dsn}"}, []),
        ({"DB_HOST": "{host}"}, []),
    ],
)
def test_libpq_reads_the_rest_by_itself(initialised, read: dict[str, str], added: list[str]) -> None:
    """Where code names some of libpq's variables, those that it leaves to libpq are set as well."""
    lines = "".join(f"os.environ['{name}']\n" for name in read)
    env = initialised({"job.py": f"import os, psycopg2\n{lines}"}).services["database"].env

    assert dict(list(env.items())[: len(read)]) == read
    assert list(env)[len(read) :] == added


SETUP_CFG = (
    "[metadata]\nname = old\ndescription = 100% old\n"
    "[options.entry_points]\nconsole_scripts =\n    oldjob = old.job:main [fast]\n    # later\n    gone=no.such:main\n"
)
SETUP_PY = (
    "from setuptools import setup\n"
    "setup(name='old', entry_points={'console_scripts': ['oldjob=old.job:main', 'gone = no.such:main']})\n"
)


@pytest.mark.parametrize(
    ("file", "text"), [("setup.cfg", SETUP_CFG), ("setup.py", SETUP_PY)], ids=["cfg", "py"]
)
def test_scripts_that_setuptools_installs(initialised, tmp_path: Path, file: str, text: str) -> None:
    """They are found where older projects declare them."""
    configuration = initialised(
        {file: text, "old/__init__.py": "", "old/job.py": "import psycopg2\ndef main(): ...\n"}
    )

    assert list(configuration.workloads) == ["oldjob"]
    assert configuration.workloads["oldjob"].command == (
        "{python}",
        "-c",
        "import sys; from old.job import main; sys.exit(main())",
    )
    assert f"# the script oldjob of {file}: old/job.py\n" in (tmp_path / "resilience.toml").read_text()


@pytest.mark.parametrize(
    "text", ["[options", "[a]\nx\n", "\0", "[options.entry_points]\nconsole_scripts = x"]
)
def test_files_of_setuptools_that_are_none(initialised, text: str) -> None:
    """What cannot be read declares nothing."""
    configuration = initialised({"setup.cfg": text, "setup.py": f"setup({text}", "pyproject.toml": ""})

    assert configuration.workloads == {}


DJANGO = {
    "manage.py": (
        "import os, sys\nif __name__ == '__main__':\n"
        "    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'hospital.settings.local')\n"
        "    from django.core.management import execute_from_command_line\n"
        "    execute_from_command_line(sys.argv)\n"
    ),
    "hospital/__init__.py": "",
    "hospital/settings/__init__.py": "",
    "hospital/settings/local.py": "import os\nHOST = os.environ['DB_HOST']\nLABS = os.environ['LABS_URL']\n",
    "hospital/urls.py": (
        "from django.contrib import admin\nfrom django.urls import include, path\nfrom beds import views\n"
        "urlpatterns = [\n"
        "    path('admin/', admin.site.urls),\n"
        "    path('api/', include('beds.urls')),\n"
        "    path('beds/<int:id>', views.one),\n"
        "    path('beds', views.all),\n"
        "    path('healthz/', views.health),\n"
        "]\n"
    ),
    "hospital/wsgi.py": "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n",
    "beds/__init__.py": "",
    "beds/models.py": "from django.db import models\n",
    "beds/views.py": "import requests\n",
    "aside.py": "import redis, os\nos.environ['REDIS_URL']\n",
}


@pytest.mark.parametrize(
    ("lists", "command"),
    [
        ({}, ("manage.py", "runserver", "--noreload", "127.0.0.1:{port}")),
        (
            {"requirements/base.txt": "django==5.2\ngunicorn[gevent]>=22\n"},
            ("-m", "gunicorn", "hospital.wsgi:application", "--bind", "127.0.0.1:{port}"),
        ),
    ],
    ids=["runserver", "gunicorn"],
)
def test_django(initialised, tmp_path: Path, lists: dict[str, str], command: tuple[str, ...]) -> None:
    """A Django project is served as it is in production, and uses what its packages use."""
    configuration = initialised(DJANGO | lists)
    server = configuration.workloads["web"]

    assert list(configuration.workloads) == ["web"]
    assert server.shape == "server"
    assert server.command == ("{python}", *command)
    assert (server.ready, server.drive and server.drive.request) == ("GET /healthz/", "GET /beds")
    assert server.uses == ("database", "labs")
    assert configuration.services["database"].init == ("{python} manage.py migrate",)
    assert "nothing that can be started" not in (tmp_path / "resilience.toml").read_text()


def test_what_a_server_answers_is_not_guessed_at(initialised, tmp_path: Path) -> None:
    """Where no request is known to be answered with 2xx, none is waited for."""
    configuration = initialised(
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\n@app.post('/score')\ndef score(): ...\n",
            "manage.py": "from app import app\napp.cli()\n",
        }
    )
    (server,) = configuration.workloads.values()

    assert (server.shape, server.ready, server.drive and server.drive.request) == (
        "server",
        None,
        "POST /score",
    )
    assert "# TODO: ready = " in (tmp_path / "resilience.toml").read_text()


def test_models_and_flask(initialised) -> None:
    """Training with MLflow, a Flask factory, and names that would clash."""
    configuration = initialised(
        {
            "ml/__init__.py": "",
            "ml/__main__.py": "from ml.train import run\nrun()\n",
            "ml/train.py": "import mlflow.sklearn\ndef run(): ...\n",
            "ml/registry.py": "import mlflow\nif __name__ == '__main__':\n    ...\n",
            "ml/web/__init__.py": (
                "from flask import Flask\nimport smtplib\ndef create_app():\n    app = Flask(__name__)\n"
                "    @app.route('/score', methods=['POST', 'GET'])\n    def score(): ...\n    return app\n"
            ),
        }
    )

    assert configuration.services["registry"].env == {"MLFLOW_TRACKING_URI": "{tracking_uri}"}
    assert configuration.workloads["ml"].command == ("{python}", "-m", "ml")
    assert configuration.workloads["ml"].uses == ("registry",)
    assert configuration.workloads["registry_2"].command == ("{python}", "-m", "ml.registry")
    assert configuration.workloads["web"].command[:5] == (
        "{python}",
        "-m",
        "flask",
        "--app",
        "ml.web:create_app",
    )
    assert configuration.alerts is None
    assert configuration.file is not None
    assert "alerts may be sent at ml/web/__init__.py:2" in configuration.file.read_text()


def test_an_empty_folder(initialised) -> None:
    """Nothing is guessed from nothing, and the questions stand there."""
    configuration = initialised({})

    assert (configuration.services, configuration.workloads) == ({}, {})
    assert configuration.file is not None
    assert "TODO: nothing that can be started was seen" in configuration.file.read_text()


@pytest.mark.parametrize(
    ("file", "text", "command"),
    [
        ("package.json", '{"scripts": {"start": "node server.js"}}', '["node", "server.js"]'),
        ("package.json", '{"scripts": {"start": "tsc && node ."}}', '["npm", "start"]'),
        ("package.json", "[", '["npm", "start"]'),
        ("go.mod", "module x", '["./server"]'),
    ],
)
def test_another_language(initialised, file: str, text: str, command: str) -> None:
    """It says that it reads Python only, shows what to declare, and makes nothing of a stand-in beside it."""
    configuration = initialised({file: text, "stub.py": "import http.server\n"})
    written = configuration.file and configuration.file.read_text()

    assert (configuration.packages, configuration.services, configuration.workloads) == ((), {}, {})
    assert f"TODO: there is a {file}, and only Python is read here" in written
    assert f"\n# command = {command}\n" in written
    assert "your_job" not in written


def test_a_frontend_beside_python(initialised) -> None:
    """Python that can be started is what the configuration is about."""
    configuration = initialised({"package.json": "{}", "job.py": "if __name__ == '__main__':\n    ...\n"})

    assert (configuration.packages, list(configuration.workloads)) == (("job",), ["job"])
    assert configuration.file is not None
    assert "package.json" not in configuration.file.read_text()


def test_sqlite_is_no_server(initialised) -> None:
    """A mapper alone is no PostgreSQL where the code says that its file is SQLite's."""
    assert (
        initialised({"app.py": "import sqlalchemy\nsqlalchemy.create_engine('sqlite:///x.db')\n"}).services
        == {}
    )


def test_this_projects_runtime_is_known(initialised) -> None:
    """What the runtime reads from the environment by itself is declared, though the code does not name it."""
    configuration = initialised({"app.py": "from pytest_resilience import AlertRouter, database_recovery\n"})

    assert configuration.services["database"].env == {"DATABASE_URL": "{dsn}"}
    assert configuration.alerts is not None
    assert configuration.alerts.env["SLACK_WEBHOOK_URL"] == "{slack}"
    assert configuration.alerts.env["PAGERDUTY_EVENTS_URL"] == "{pagerduty}"


def test_addresses_that_nothing_sets_are_named(initialised, tmp_path: Path) -> None:
    """A run would find them as the shell has them, and may meet the real thing."""
    reads = ("LABS_API", "SLACK_HOOK", "LDAP_HOST", "PAGER_ENDPOINT", "LOG_LEVEL", "HOST")
    text = "\n".join(f"os.environ['{name}']" for name in reads)
    configuration = initialised(
        {"nightly.py": f"import os, requests\n{text}\nif __name__ == '__main__': ...\n"}
    )
    written = " ".join(
        line.removeprefix("# ") for line in (tmp_path / "resilience.toml").read_text().splitlines()
    )

    assert configuration.services["labs"].env == {"LABS_API": "{url}"}
    assert configuration.alerts is not None
    assert configuration.alerts.env == {"SLACK_HOOK": "{slack}"}
    assert "TODO: read by the code, and set by nothing here: LDAP_HOST (nightly.py:4). Runs find" in written
