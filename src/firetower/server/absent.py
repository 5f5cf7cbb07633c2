"""What W&B has and Firetower has not, answered as nothing, which its SDK can do without."""

from typing import Any

from firetower.server.fields import Arguments, Context, connection, resolves


@resolves("Query", "users")
@resolves("User", "deletedAt")
@resolves("Entity", "user", "photoUrl", "readOnly", "isPaid")
@resolves("Organization", "coreWeaveOrganizationId")
@resolves("Project", "user", "views", "allViews")
@resolves("ArtifactSequence|ArtifactPortfolio", "description")
def null(_context: Context, _source: object, _arguments: Arguments) -> None:
    """Return null."""


@resolves("Project", "totalSweeps")
@resolves("Run", "fileCount")
def zero(_context: Context, _source: object, _arguments: Arguments) -> int:
    """Return zero."""
    return 0


@resolves("Project", "members", "teamMembers")
def nobody(_context: Context, _source: object, _arguments: Arguments) -> list[object]:
    """Return an empty list: everyone belongs to everything."""
    return []


@resolves("Project", "sweeps")
@resolves("Run", "files")
def empty(_context: Context, _source: object, arguments: Arguments) -> dict[str, Any]:
    """Return an empty page."""
    return connection((), arguments, lambda _: {})
