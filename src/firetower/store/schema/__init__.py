"""The tables. Rows stay inside the store, which returns the core's frozen models."""

from sqlmodel import SQLModel

from firetower.store.catalog_schema import (
    aliases,
    collection_tags,
    collections,
    containers,
    events,
    manifests,
    memberships,
    state,
    version_changes,
    version_tags,
    versions,
)
from firetower.store.row import table
from firetower.store.run_schema import (
    metric_points,
    run_artifacts,
    run_metrics,
    run_watches,
    runs,
)
from firetower.store.schema.automations import AutomationRow, EndpointRow, RevisionRow, SecretRow
from firetower.store.schema.executions import (
    AttemptRow,
    CircuitChangeRow,
    CircuitRow,
    ExecutionRow,
    WorkerRow,
)
from firetower.store.schema.server import ServerRow, TokenRow, UploadRow

__all__ = [
    "aliases",
    "attempts",
    "automations",
    "circuit_changes",
    "circuits",
    "collection_tags",
    "collections",
    "containers",
    "endpoints",
    "events",
    "executions",
    "manifests",
    "memberships",
    "metadata",
    "metric_points",
    "revisions",
    "run_artifacts",
    "run_metrics",
    "run_watches",
    "runs",
    "secrets",
    "servers",
    "state",
    "tokens",
    "uploads",
    "version_changes",
    "version_tags",
    "versions",
    "workers",
]

metadata = SQLModel.metadata

attempts = table(AttemptRow)
automations = table(AutomationRow)
circuit_changes = table(CircuitChangeRow)
circuits = table(CircuitRow)
executions = table(ExecutionRow)
endpoints = table(EndpointRow)
revisions = table(RevisionRow)
secrets = table(SecretRow)
servers = table(ServerRow)
tokens = table(TokenRow)
uploads = table(UploadRow)
workers = table(WorkerRow)
