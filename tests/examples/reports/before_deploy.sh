set -eu
python -m pytest_resilience verify resilience-report/attestation.json --commit "$COMMIT" --max-age 7d
echo "deploying $COMMIT"
