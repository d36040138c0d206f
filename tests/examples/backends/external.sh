export RESILIENCE_POSTGRES_DSN=postgresql://chaos:change-me@127.0.0.1:5432/chaos
export RESILIENCE_MLFLOW_URL=http://127.0.0.1:5000
pytest --chaos --chaos-backend=external
