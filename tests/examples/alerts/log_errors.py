from pytest_resilience import StructuredErrorLogger, operation

log = StructuredErrorLogger("icu.ingest")


def ingest(source_file, insert_rows):
    with operation("ingest_icustays"):
        try:
            insert_rows(source_file)
        except ConnectionError as error:
            context = {
                "component": "database",
                "source_file": source_file,
                "target_table": "raw.icustays",
                "agent": "DataIngestionAgent",
            }
            log.log_error(error, context, severity="CRITICAL")
