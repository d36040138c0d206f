"""The pytest side: options, collection, fixtures, report; pytest is imported here alone.

Loaded with every pytest run where the package is installed, so it imports nothing heavy until it is used.
"""

from __future__ import annotations

from pytest_resilience.plugin.collection import (
    pytest_collection_finish as pytest_collection_finish,
)
from pytest_resilience.plugin.collection import (
    pytest_collection_modifyitems as pytest_collection_modifyitems,
)
from pytest_resilience.plugin.collection import (
    pytest_testnodedown as pytest_testnodedown,
)
from pytest_resilience.plugin.declared_environment import resilience_environment as resilience_environment
from pytest_resilience.plugin.failure import pytest_runtest_makereport as pytest_runtest_makereport
from pytest_resilience.plugin.fixtures import chaos as chaos
from pytest_resilience.plugin.fixtures import http_service as http_service
from pytest_resilience.plugin.fixtures import mlflow_server as mlflow_server
from pytest_resilience.plugin.fixtures import postgres as postgres
from pytest_resilience.plugin.fixtures import resilience_sandbox as resilience_sandbox
from pytest_resilience.plugin.fixtures import service as service
from pytest_resilience.plugin.fixtures import toxiproxy as toxiproxy
from pytest_resilience.plugin.fixtures import workload as workload
from pytest_resilience.plugin.listing import pytest_collection as pytest_collection
from pytest_resilience.plugin.listing import pytest_sessionfinish as pytest_sessionfinish
from pytest_resilience.plugin.options import (
    pytest_addoption as pytest_addoption,
)
from pytest_resilience.plugin.options import (
    pytest_load_initial_conftests as pytest_load_initial_conftests,
)
from pytest_resilience.plugin.proof import pytest_runtest_teardown as pytest_runtest_teardown
from pytest_resilience.plugin.runtime_fixtures import alert_inbox as alert_inbox
from pytest_resilience.plugin.runtime_fixtures import error_log as error_log
from pytest_resilience.plugin.runtime_fixtures import resilience as resilience
from pytest_resilience.plugin.runtime_fixtures import virtual_clock as virtual_clock
from pytest_resilience.plugin.scenario_files import pytest_collect_file as pytest_collect_file
from pytest_resilience.plugin.session import pytest_configure as pytest_configure
from pytest_resilience.plugin.session import pytest_configure_node as pytest_configure_node
from pytest_resilience.plugin.session import pytest_report_header as pytest_report_header
from pytest_resilience.plugin.session import pytest_sessionstart as pytest_sessionstart
from pytest_resilience.plugin.session import pytest_unconfigure as pytest_unconfigure
