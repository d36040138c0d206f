"""What keeps the job from going on."""


class VitalsProblem(Exception):  # noqa: N818 - the house's word for it
    """Something is wrong with `service`; `status` is the HTTP status or SQLSTATE, where there was one."""

    def __init__(self, message: str, *, service: str, component: str, status: str | None = None) -> None:
        super().__init__(message)
        self.service = service
        self.component = component
        self.status = status


class Passing(VitalsProblem):
    """It may go away by itself, not before `after` seconds."""

    def __init__(
        self, message: str, *, service: str, component: str, status: str | None = None, after: float = 0.0
    ) -> None:
        super().__init__(message, service=service, component=component, status=status)
        self.after = after
