"""Which runs logged and used a version, and the other way round, by rows."""

from sqlalchemy import Connection, select

from firetower.core.references import ContainerReference
from firetower.core.runs import RunReference
from firetower.store import catalog_schema, run_schema

_artifacts, _runs = run_schema.run_artifacts.c, run_schema.runs.c
_containers, _versions = catalog_schema.containers.c, catalog_schema.versions.c
_memberships = catalog_schema.memberships.c


def versions_of(connection: Connection, run_row: int, *, used: bool) -> list[int]:
    """Return the rows of the versions that a run logged or used, in that order."""
    query = (
        select(_artifacts.version_id)
        .join_from(
            run_schema.run_artifacts,
            catalog_schema.versions,
            _artifacts.version_id == _versions.id,
        )
        .join(  # where it was logged, unless it was deleted
            catalog_schema.memberships,
            (_memberships.version_id == _versions.id)
            & (_memberships.collection_id == _versions.home_collection_id),
        )
        .where(_artifacts.run_id == run_row, _artifacts.used == used)
    )
    return list(connection.execute(query.order_by(_artifacts.at)).scalars())


def runs_of(connection: Connection, version_row: int, *, used: bool) -> list[RunReference]:
    """Return the runs that logged or used a version, in that order."""
    query = (
        select(_containers.entity, _containers.name, _runs.run_id)
        .join_from(run_schema.run_artifacts, run_schema.runs, _artifacts.run_id == _runs.id)
        .join(catalog_schema.containers, _runs.project_id == _containers.id)
        .where(_artifacts.version_id == version_row, _artifacts.used == used)
        .order_by(_artifacts.at)
    )
    return [
        RunReference(project=ContainerReference.project(f"{entity}/{name}"), id=run_id)
        for entity, name, run_id in connection.execute(query)
    ]
