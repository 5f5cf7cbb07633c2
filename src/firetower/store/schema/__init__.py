"""The tables. Rows stay inside the store, which returns the core's frozen models."""

from sqlalchemy import Table
from sqlmodel import SQLModel

from firetower.store.schema.automations import AutomationRow, EndpointRow, RevisionRow, SecretRow
from firetower.store.schema.catalog import (
    AliasRow,
    CollectionRow,
    CollectionTagRow,
    ContainerRow,
    EventRow,
    ManifestRow,
    MembershipRow,
    VersionRow,
    VersionTagRow,
)
from firetower.store.schema.executions import (
    AttemptRow,
    CircuitChangeRow,
    CircuitRow,
    ExecutionRow,
    StateRow,
    WorkerRow,
)

metadata = SQLModel.metadata


def _table(row: type[SQLModel]) -> Table:
    return metadata.tables[str(row.__tablename__)]


aliases = _table(AliasRow)
attempts = _table(AttemptRow)
automations = _table(AutomationRow)
circuit_changes = _table(CircuitChangeRow)
circuits = _table(CircuitRow)
collection_tags = _table(CollectionTagRow)
collections = _table(CollectionRow)
containers = _table(ContainerRow)
events = _table(EventRow)
executions = _table(ExecutionRow)
endpoints = _table(EndpointRow)
manifests = _table(ManifestRow)
memberships = _table(MembershipRow)
revisions = _table(RevisionRow)
secrets = _table(SecretRow)
state = _table(StateRow)
version_tags = _table(VersionTagRow)
versions = _table(VersionRow)
workers = _table(WorkerRow)
