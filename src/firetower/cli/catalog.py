"""`firetower log`, `link`, `unlink`, `delete`, `edit` and `show`."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import click
from pydantic import JsonValue

from firetower.cli.connect import open_tower
from firetower.cli.options import ask_to_delete, json_option, yes_option
from firetower.cli.output import date, print_fields, print_json, print_rows, progress_bar, say
from firetower.core.catalog import Entry, LoggedVersion, Version, VersionChange, VersionDetail
from firetower.core.errors import InvalidInput
from firetower.core.json import dump, parse
from firetower.core.metadata import MAX_TEXT, metadata_of
from firetower.core.text import agreeing, and_list, byte_count, counted, shell_word
from firetower.settings import read_settings

if TYPE_CHECKING:
    from firetower.tower import Tower

_BAR_FROM_BYTES = 64 * 1024 * 1024
_PAGE = 100
_aliases = click.option(
    "--alias", "aliases", multiple=True, metavar="ALIAS", help="Alias to add to the version."
)
_metadata = click.option(
    "--metadata",
    multiple=True,
    metavar="JSON|@FILE|KEY=VALUE",
    callback=lambda _ctx, _option, values: metadata_of(values),
    help="Metadata of the version.",
)


@click.command()
@click.argument("collection", metavar="ENTITY/PROJECT/COLLECTION", required=False)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=str))
@click.option("--type", metavar="TYPE", help="Artifact type: model, dataset, …")
@click.option(
    "--reference", "references", multiple=True, metavar="URI", help="File kept elsewhere."
)
@_aliases
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Tag to add to the version.")
@_metadata
@click.option("--run", metavar="RUN", help="Run that made it; that of FIRETOWER_RUN by default.")
@click.option("--empty", is_flag=True, help="Allow a version, or a folder, without files.")
@click.option(
    "--from",
    "source",
    metavar="FILE|-",
    type=click.File("rb"),
    help="Log many versions: one JSON object a line.",
)
@json_option
def log(
    *,
    collection: str | None,
    paths: tuple[str, ...],
    source: BinaryIO | None,
    as_json: bool,
    **version_options: Any,
) -> None:
    """Log a version, and print its reference.

    It is made of files, folders and references. Files are hashed, not copied; links are followed.
    No new version is created if the content equals the newest one. In KEY=VALUE a number that
    would be written another way, such as 1.10 or 2e7, stays text. With --from, each line of a file
    is a JSON object with collection, type, paths, references, aliases, tags, metadata and empty;
    200 lines are one transaction.

    Examples:
      firetower log acme/vision/resnet model.pt --type model --alias candidate
      firetower log acme/vision/cats data/ --type dataset --metadata images=1200
      firetower log acme/vision/cats --type dataset --reference s3://bucket/cats.tar
      firetower log --from versions.jsonl
    """
    run = version_options.pop("run") or read_settings().run
    if source is not None:
        if collection or any(version_options.values()):
            raise click.UsageError("--from takes only --run beside it: its lines have the rest.")
        _log_lines(source, run, as_json=as_json)
        return
    if collection is None:
        raise click.UsageError("Missing argument 'ENTITY/PROJECT/COLLECTION'.")
    if version_options["type"] is None:
        raise click.UsageError("Missing option '--type'.")
    version = _log_version(collection, paths, run=run, **version_options)
    if as_json:
        print_json(version.as_data())
    else:
        _print_logged(version)


def _log_version(collection: str, paths: Iterable[str], **options: Any) -> LoggedVersion:
    with open_tower() as tower, progress_bar("Hashing") as show_progress:

        def hashed(done: int, total: int) -> None:
            if total > _BAR_FROM_BYTES:
                show_progress(done / total, f"{byte_count(done)} of {byte_count(total)}")

        return tower.log(collection, paths, progress=hashed, **options)


def _print_logged(version: LoggedVersion) -> None:
    click.echo(version.reference)
    if not version.created:
        say("Nothing new: the content equals the newest version.")
    if version.metadata_differs:
        edit_it = f"`firetower edit {shell_word(version.reference)}`"
        say(f"The metadata was not taken: change it with {edit_it}.")


def _log_lines(source: BinaryIO, run: str | None, *, as_json: bool) -> None:
    total = 0
    differing: list[int] = []

    def count(done: int) -> None:
        nonlocal total
        total += done
        show_progress(None, counted(total, "line"))

    try:
        with open_tower() as tower, progress_bar("Logging") as show_progress:
            lines = iter(partial(source.readline, MAX_TEXT + 1), b"")
            items = (_object(line) for line in lines)
            created = tower.log_many(
                items, committed=count, metadata_differs=differing.append, unit="line", run=run
            )
    except KeyboardInterrupt:
        committed = f"{counted(total, 'line')} {agreeing(total, 'are')} committed"
        say(f"Stopped: {committed}, the rest is not.")
        raise
    if as_json:
        print_json({"lines": total, "created": created, "metadata_differs": differing})
        return
    say(f"Logged {counted(total, 'line')}: {counted(created, 'new version')}.")
    if differing:
        numbers = and_list((f"{number:,}" for number in differing), most=5)
        say(
            f"The metadata of line {numbers} was not taken: the content was there with other"
            " metadata. Change it with `firetower edit`."
        )


def _object(line: bytes) -> dict[str, JsonValue] | None:
    """Read a line's object; None for a blank line. Raises InvalidInput."""
    if len(line) > MAX_TEXT:
        raise InvalidInput(
            f"it is longer than {MAX_TEXT:,} bytes", "Keep what is large in a file of the version."
        )
    try:
        text = line.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InvalidInput("it is not UTF-8 text", "Write it in UTF-8.") from None
    if not text:
        return None
    found = parse(text, "it")
    if not isinstance(found, dict):
        raise InvalidInput("it is not an object", 'Write it as {"collection": …, "type": …}.')
    return found


@click.command()
@click.argument("version", metavar="REF")
@click.argument("collection", metavar="REGISTRY/COLLECTION")
@_aliases
@json_option
def link(*, version: str, collection: str, aliases: tuple[str, ...], as_json: bool) -> None:
    """Link a version to a registry, and print its reference there.

    Examples:
      firetower link acme/vision/resnet:v3 models/resnet --alias staging
    """
    with open_tower() as tower:
        linked = tower.link(version, collection, aliases=aliases)
    if as_json:
        print_json(linked.as_data())
    else:
        click.echo(linked.reference)


@click.command()
@click.argument("version", metavar="REF")
def unlink(*, version: str) -> None:
    """Remove a link from a registry, with its aliases and tags.

    Examples:
      firetower unlink models/resnet:v0
    """
    with open_tower() as tower:
        tower.unlink(version)
    say(f"{version} is no longer linked.")


@click.command()
@click.argument("target", metavar="REF|COLLECTION")
@yes_option
def delete(*, target: str, yes: bool) -> None:
    """Delete a version, or a collection with its versions.

    Aliases, tags and links in registries go with it; of a registry's collection only the links go.
    What happened stays in the feed. Automations that watch a deleted collection stay, for the next
    one of its name; delete them with `firetower automation delete`.

    Examples:
      firetower delete acme/vision/resnet:v3
      firetower delete models/resnet --yes
    """
    with open_tower() as tower:
        what = target
        if ":" not in target:
            what += f", which has {counted(sum(1 for _ in _versions(tower, target)), 'version')}"
        ask_to_delete(what, yes=yes)
        tower.delete(target)
    say(f"Deleted {what}.")


@click.command()
@click.argument("version", metavar="REF")
@_metadata
@click.option("--unset", multiple=True, metavar="KEY", help="Key to remove from the metadata.")
@click.option("--description", metavar="TEXT", help="Note for people; empty to remove it.")
@json_option
def edit(*, version: str, as_json: bool, **changes: Any) -> None:
    """Change the metadata and the description of a version.

    Keys that are not named stay. What was changed and by whom is kept: `firetower show` lists it.

    Examples:
      firetower edit acme/vision/resnet:v3 --metadata f1=0.93 --unset draft
      firetower edit models/resnet:production --description 'Trained on the cleaned set'
    """
    if not any(changes.values()) and changes["description"] is None:
        raise click.UsageError("Give --metadata, --unset or --description.")
    with open_tower() as tower:
        before = tower.version(version).version
        edited = tower.update(version, **changes)
    if as_json:
        print_json(edited.as_data())
    else:
        is_same = dump(edited.as_data()) == dump(before.as_data())
        say(f"{edited} has all of that already." if is_same else f"{edited} is changed.")


@click.command()
@click.argument("reference", metavar="REF|COLLECTION")
@json_option
def show(*, reference: str, as_json: bool) -> None:
    """Show a version, or the versions of a collection.

    Examples:
      firetower show models/resnet:production
      firetower show acme/vision/resnet --json
    """
    with open_tower() as tower:
        if ":" in reference:
            detail = tower.version(reference)
            if as_json:
                print_json(detail.as_data())
            else:
                _print_detail(detail)
        elif as_json:
            for version in _versions(tower, reference):
                print_json(version.as_data())
        else:
            print_rows(
                ("version", "type", "size", "aliases", "tags", "author", "created"),
                map(_version_row, _versions(tower, reference)),
                "No versions yet.",
            )


def _versions(tower: "Tower", collection: str) -> Iterator[Version]:
    """Yield a collection's versions, the newest first; few are in memory, with their metadata."""
    page = tower.versions(collection, limit=_PAGE)
    while page:
        yield from page
        before = page[-1].index  # 0 is the last there can be
        page = tower.versions(collection, limit=_PAGE, before=before) if before else []


def _version_row(one: Version) -> tuple[str, ...]:
    names = ", ".join(one.aliases), ", ".join(one.tags)
    return one.reference, one.type, byte_count(one.size), *names, one.author, date(one.created_at)


def _print_detail(detail: VersionDetail) -> None:
    version = detail.version
    print_fields(
        [
            ("version", version.reference),
            ("type", version.type),
            ("aliases", ", ".join(version.aliases)),
            ("tags", ", ".join(version.tags)),
            ("digest", version.digest),
            ("size", byte_count(version.size)),
            ("description", version.description),
            ("metadata", dump(version.metadata) if version.metadata else ""),
            ("author", version.author),
            ("created", date(version.created_at)),
            ("logged as", version.source if version.source != version.reference else ""),
            ("linked as", ", ".join(detail.linked_as)),
            ("logged by", ", ".join(detail.logged_by)),
            ("used by", ", ".join(detail.used_by)),
        ]
    )
    if detail.changes:
        click.echo()
        print_rows(
            ("changed", "by", "field", "before", "after"), map(_change_row, detail.changes), ""
        )
    if detail.entries:
        click.echo()
        print_rows(("file", "size", "sha256"), map(_entry_row, detail.entries), "")


def _change_row(one: VersionChange) -> tuple[str, ...]:
    return date(one.changed_at), one.author, one.field, one.old_json or "", one.new_json or ""


def _entry_row(one: Entry) -> tuple[str, ...]:
    return one.path, "" if one.size is None else byte_count(one.size), one.sha256 or ""
