"""Which runs log and use which artifacts."""

from typing import Any

from firetower.core.errors import NotFound
from firetower.server.catalog import artifact_node, read_artifact_id
from firetower.server.fields import Arguments, Context, Node, nodes, resolves
from firetower.server.runs import named_run, run_node
from firetower.store.catalog.lookups import FoundVersion
from firetower.store.catalog.versions import find_home
from firetower.store.lineage import link_artifact, runs_of, versions_of
from firetower.store.runs import FoundRun, find_run


def _artifacts(
    context: Context, found: FoundRun, arguments: Arguments, *, used: bool
) -> dict[str, Any]:
    rows = versions_of(context.reader.connection, found.id, used=used)
    return nodes(rows, arguments, lambda row: artifact_node(context, row))


@resolves("Run", "outputArtifacts")
def logged(context: Context, found: FoundRun, arguments: Arguments) -> dict[str, Any]:
    """Return the artifacts that a run logged."""
    return _artifacts(context, found, arguments, used=False)


@resolves("Run", "inputArtifacts")
def used(context: Context, found: FoundRun, arguments: Arguments) -> dict[str, Any]:
    """Return the artifacts that a run used."""
    return _artifacts(context, found, arguments, used=True)


@resolves("Artifact", "usedBy")
def used_by(context: Context, found: FoundVersion, arguments: Arguments) -> dict[str, Any]:
    """Return the runs that used an artifact."""
    runs = runs_of(context.reader.connection, found.version_id, used=True)
    return nodes(runs, arguments, lambda one: run_node(find_run(context.reader.connection, one)))


@resolves("Artifact", "createdBy")
def created_by(context: Context, found: FoundVersion, _arguments: Arguments) -> Node | None:
    """Return the first run that logged an artifact, or None."""
    runs = runs_of(context.reader.connection, found.version_id, used=False)
    return run_node(find_run(context.reader.connection, runs[0])) if runs else None


@resolves("Mutation", "useArtifact")
def use(context: Context, _source: None, arguments: Arguments) -> dict[str, Any]:
    """Note that a run uses an artifact."""
    given = arguments.object("input")
    version_id = read_artifact_id(context, given.text("artifactID"))
    if version_id is None:
        raise NotFound("the artifact is not logged yet", "Call its wait() first.")
    run = find_run(context.change.connection, named_run(context, given))
    link_artifact(
        context.change, run.id, find_home(context.change, version_id).version_id, used=True
    )
    return {"artifact": artifact_node(context, version_id)}
