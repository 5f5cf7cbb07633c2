"""The form's fields, and how a draft is read from them and written into them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from firetower.core.actions import ActionType, Severity
from firetower.core.automations import Mode
from firetower.core.drafts import Draft
from firetower.core.endpoints import EndpointKind
from firetower.core.events import EVENTS, EventType, why_not_allowed
from firetower.core.references import ContainerKind
from firetower.core.templates import METADATA_PREFIX, available
from firetower.tui.actions import bindings_of
from firetower.tui.form.data import FormData
from firetower.tui.widgets.choice import Choice, Offer
from firetower.tui.widgets.field import LabelledRow
from firetower.tui.widgets.payload import TemplateEditor
from firetower.tui.widgets.radio import Radio, Tick

ACTIONS = (ActionType.GENERIC_WEBHOOK, ActionType.NOTIFICATION, ActionType.NO_OP)
_ACTION_LABELS = ("webhook", "Slack", "only record")
NEW = "\0new"
"""The offer to create an endpoint; no name can be this."""


def event_offers(kind: ContainerKind) -> list[Offer]:
    """Return every event type; those that never fire in a kind of container say why."""
    offers = []
    for type_, spec in EVENTS.items():
        refused = why_not_allowed(type_, kind)
        why = (
            ""
            if refused is None
            else f"only in a {'project' if kind == 'registry' else 'registry'}"
        )
        offers.append(Offer(type_.value, spec.label, note=spec.sentence, why_not=why))
    return sorted(offers, key=lambda offer: bool(offer.why_not))


class Fields(Vertical):
    """Every field of an automation: where, when, what and who."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("fields")

    def __init__(self, draft: Draft) -> None:
        super().__init__(id="fields")
        self.draft = draft

    def compose(self) -> Iterator[Widget]:
        yield from self._where()
        yield from self._when()
        yield from self._what()
        yield from self._who()

    def _where(self) -> Iterator[Widget]:
        draft = self.draft
        registry = draft.container.kind is ContainerKind.REGISTRY
        part = "one collection" if registry else "the collections that match"
        yield LabelledRow(
            "Scope",
            Radio([f"the whole {draft.container.kind}", part], 0 if draft.whole else 1, id="whole"),
            id="scope",
        )
        if registry:
            choice = Choice(value=draft.collection, id="collection")
            yield LabelledRow("Collection", choice, id="part")
        else:
            pattern = _line(draft.pattern, "resnet-* or /^resnet/", "pattern")
            kind = Choice(value=draft.artifact_type, empty="any type", id="type")
            yield LabelledRow("Named", pattern, kind, id="part")

    def _when(self) -> Iterator[Widget]:
        draft = self.draft
        offers = event_offers(draft.container.kind)
        event = Choice(offers, draft.event_type.value, empty="", id="event-type")
        yield LabelledRow("Event", event, id="event")
        yield LabelledRow(
            "Alias", _line(draft.alias, "any; or a regex, as in ^prod", "alias-regex"), id="alias"
        )
        yield LabelledRow("Tag", _line(draft.tag, "any; or a regex", "tag-regex"), id="tag")
        filter_ = _line(
            draft.filter, 'optional JSON: {"metadata.f1": {"$gte": 0.9}}', "filter-json"
        )
        yield LabelledRow("Filter", filter_, id="filter")

    def _what(self) -> Iterator[Widget]:
        draft = self.draft
        action = Radio(_ACTION_LABELS, ACTIONS.index(draft.action), id="action-type")
        yield LabelledRow("Action", action, id="do")
        endpoint = Choice(value=draft.endpoint, id="endpoint")
        yield LabelledRow("Endpoint", endpoint, id="action")
        payload = TemplateEditor(
            draft.payload,
            language="json",
            placeholder="empty: the Standard Webhooks envelope",
            id="payload-json",
        )
        yield LabelledRow("Payload", payload, id="payload")
        yield LabelledRow(
            "Title", _line(draft.title, "optional, with ${variables}", "slack-title"), id="title"
        )
        message = TemplateEditor(
            draft.message, placeholder="optional, with ${variables}", id="slack-message"
        )
        yield LabelledRow("Message", message, id="message")
        severities = [Offer(one.value, one.value) for one in Severity]
        severity = Choice(severities, draft.severity.value, empty="", id="slack-severity")
        yield LabelledRow("Severity", severity, id="severity")

    def _who(self) -> Iterator[Widget]:
        draft = self.draft
        yield LabelledRow("Name", _line(draft.name, "", "automation-name"), id="name")
        yield LabelledRow("About", _line(draft.description, "optional", "about-text"), id="about")
        cooldown = _line(draft.cooldown, "none; or 10m, 1h", "cooldown-span")
        shadow = Tick("shadow", value=draft.mode is Mode.SHADOW, id="shadow")
        yield LabelledRow("Cooldown", cooldown, shadow, id="cooldown")

    def row(self, part: str) -> LabelledRow:
        """Return the row of a part of the form."""
        return self.query_one(f"#{part}", LabelledRow)

    def text(self, name: str) -> str:
        """Return what a line of text says."""
        return self.query_one(f"#{name}", Input).value

    def chosen(self, name: str) -> str:
        """Return what is chosen in a field."""
        return self.query_one(f"#{name}", Choice).chosen

    def template(self, name: str) -> str:
        """Return what an editor says."""
        return self.query_one(f"#{name}", TemplateEditor).text

    def read(self) -> Draft:
        """Return the draft that the fields say."""
        registry = self.draft.container.kind is ContainerKind.REGISTRY
        endpoint = self.chosen("endpoint")
        mode = self.draft.mode
        if self.query_one("#shadow", Tick).value:
            mode = Mode.SHADOW
        elif mode is Mode.SHADOW:
            mode = Mode.ENABLED
        self.draft = replace(
            self.draft,
            whole=self.query_one("#whole", Radio).pressed_index == 0,
            collection=self.chosen("collection") if registry else "",
            pattern="" if registry else self.text("pattern"),
            artifact_type="" if registry else self.chosen("type"),
            event_type=EventType(self.chosen("event-type")),
            alias=self.text("alias-regex"),
            tag=self.text("tag-regex"),
            filter=self.text("filter-json"),
            action=ACTIONS[self.query_one("#action-type", Radio).pressed_index],
            endpoint=self.draft.endpoint if endpoint == NEW else endpoint,
            payload=self.template("payload-json"),
            title=self.text("slack-title"),
            message=self.template("slack-message"),
            severity=Severity(self.chosen("slack-severity")),
            name=self.text("automation-name"),
            description=self.text("about-text"),
            cooldown=self.text("cooldown-span"),
            mode=mode,
        )
        return self.draft

    def fit(self, draft: Draft, data: FormData) -> None:
        """Show the fields that the draft needs, and offer what there is to choose."""
        webhook = draft.action is ActionType.GENERIC_WEBHOOK
        slack = draft.action is ActionType.NOTIFICATION
        for part, wanted in (
            ("part", not draft.whole),
            ("alias", "alias" in draft.carries),
            ("tag", "tag" in draft.carries),
            ("action", webhook or slack),
            ("payload", webhook),
            ("title", slack),
            ("message", slack),
            ("severity", slack),
        ):
            self.row(part).display = wanted
        kind = EndpointKind.SLACK if slack else EndpointKind.WEBHOOK
        self.query_one("#endpoint", Choice).offer(endpoint_offers(data, kind))
        if draft.container.kind is ContainerKind.REGISTRY:
            names = [
                Offer(one.reference.name, one.reference.name, one.type) for one in data.collections
            ]
            self.query_one("#collection", Choice).offer(names)
        else:
            types = sorted({one.type for one in data.collections} | {draft.artifact_type} - {""})
            self.query_one("#type", Choice).offer([Offer(one, one) for one in types])
        for editor in self.query(TemplateEditor):
            editor.variables = variables(draft, data)


def endpoint_offers(data: FormData, kind: EndpointKind) -> list[Offer]:
    """Return the endpoints of a kind, and the offer to make another."""
    offers = [
        Offer(one.name, one.name, one.target if one.enabled else f"{one.target}, disabled")
        for one in data.endpoints(kind)
    ]
    what = "webhook" if kind is EndpointKind.WEBHOOK else "Slack hook"
    return [*offers, Offer(NEW, f"+ new {what} …")]


def variables(draft: Draft, data: FormData) -> Sequence[str]:
    """Return the variables that the draft's templates may use: a message has no secrets."""
    webhook = draft.action is ActionType.GENERIC_WEBHOOK
    secrets = data.granted.get(draft.endpoint) if webhook else None
    names = available(draft.event_type, secrets or frozenset())
    metadata = f"{METADATA_PREFIX}KEY"
    return [METADATA_PREFIX if name == metadata else name for name in names]


def _line(value: str, placeholder: str, name: str) -> Input:
    return Input(value, placeholder=placeholder, compact=True, id=name)
