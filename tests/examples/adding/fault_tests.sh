python -m pytest --chaos -q -n 2 tests/proxy tests/chaos/test_network_kinds.py tests/chaos/scenario tests/examples/test_faults_table.py tests/examples/scenarios tests/test_schemas.py
