"""Which runs logged and used a version, and the other way round."""

from sqlalchemy import bindparam, select

from firetower.core.catalog import VersionDetail
from firetower.core.references import ContainerReference, VersionReference
from firetower.core.runs import RunReference
from firetower.store import catalog_schema, run_schema
from firetower.store.catalog.lookups import find_version
from firetower.store.changes import Change, Reader

_artifacts, _runs = run_schema.run_artifacts.c, run_schema.runs.c
_containers, _versions = catalog_schema.containers.c, catalog_schema.versions.c
_memberships = catalog_schema.memberships.c
_VERSIONS = (
    select(_versions.id, _versions.home_collection_id, _versions.home_index)
    .join_from(
        run_schema.run_artifacts, catalog_schema.versions, _artifacts.version_id == _versions.id
    )
    .where(_artifacts.run_id == bindparam("run"), _artifacts.used == bindparam("used"))
    .order_by(_artifacts.at, _versions.id)
)
_PRESENT = _VERSIONS.join(  # where it was logged, unless it was deleted
    catalog_schema.memberships,
    (_memberships.version_id == _versions.id)
    & (_memberships.collection_id == _versions.home_collection_id),
)


def link_artifact(change: Change, run_row: int, version_row: int, *, used: bool) -> None:
    """Note that a run logged or used a version, once."""
    change.insert_if_new(
        run_schema.run_artifacts, run_id=run_row, version_id=version_row, used=used, at=change.now
    )


def versions_of(reader: Reader, run_row: int, *, used: bool) -> list[int]:
    """Return the rows of the versions that a run logged or used, in that order."""
    return list(reader.connection.execute(_PRESENT, {"run": run_row, "used": used}).scalars())


def runs_of(reader: Reader, version_row: int, *, used: bool) -> list[RunReference]:
    """Return the runs that logged or used a version, in that order."""
    query = (
        select(_containers.entity, _containers.name, _runs.run_id)
        .join_from(run_schema.run_artifacts, run_schema.runs, _artifacts.run_id == _runs.id)
        .join(catalog_schema.containers, _runs.project_id == _containers.id)
        .where(_artifacts.version_id == version_row, _artifacts.used == used)
        .order_by(_artifacts.at, _runs.id)
    )
    return [
        RunReference(project=ContainerReference.project(f"{entity}/{name}"), id=run_id)
        for entity, name, run_id in reader.connection.execute(query)
    ]


def artifacts_of(reader: Reader, run_row: int, *, used: bool) -> tuple[str, ...]:
    """Return references of the versions that a run logged or used, deleted ones too."""
    rows = reader.connection.execute(_VERSIONS, {"run": run_row, "used": used}).all()
    return tuple(
        f"{reader.collection(row.home_collection_id).reference}:v{row.home_index}" for row in rows
    )


def with_runs(reader: Reader, reference: VersionReference, shown: VersionDetail) -> VersionDetail:
    """Return what is shown of a version, with the runs that logged and used it."""
    row = find_version(reader, reference).version_id
    logged_by, used_by = (
        tuple(map(str, runs_of(reader, row, used=used))) for used in (False, True)
    )
    return shown.model_copy(update={"logged_by": logged_by, "used_by": used_by})
