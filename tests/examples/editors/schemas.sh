mkdir -p schemas
for name in configuration scenario waivers; do
  python -m pytest_resilience schema $name > schemas/$name.json
done
