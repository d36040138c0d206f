docker compose up --wait
curl --silent --data '{"type": "latency", "attributes": {"latency": 2000}}' http://127.0.0.1:8474/proxies/postgres/toxics
docker compose port postgres 5432
pytest --chaos --chaos-backend=docker
docker compose down --volumes
