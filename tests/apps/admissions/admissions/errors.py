"""What can go wrong in this job, each kind told once."""


class AdmissionsError(Exception):
    """Something that ends the job. `component` and `resource` say where, `hint` says what to do."""

    component = "application"
    resource = "application"
    hint = "see runbooks/warehouse.md"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class WarehouseError(AdmissionsError):
    """The database did not do what was asked."""

    component = "database"
    resource = "warehouse"


class WarehouseTransientError(WarehouseError):
    """It may do it when asked again."""


class WardsError(AdmissionsError):
    """The register of wards did not answer as it should."""

    component = "api"
    resource = "wards"
    hint = "see runbooks/wards.md"


class WardsTransientError(WardsError):
    """It may when asked again, and not before `retry_after` seconds have passed."""

    def __init__(self, message: str, *, code: str | None = None, retry_after: float = 0.0) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
