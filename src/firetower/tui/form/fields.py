"""The form's fields, and the draft that is read from them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.suggester import Suggester

from firetower.core.actions import ActionType, Severity
from firetower.core.automations import Mode
from firetower.core.catalog import Collection
from firetower.core.drafts import Draft, Part
from firetower.core.endpoints import EndpointKind
from firetower.core.events import EVENTS, EventType, why_not_allowed
from firetower.core.metrics import Aggregate, Comparison, Direction
from firetower.core.references import ContainerKind
from firetower.core.templates import available
from firetower.tui.actions import bindings_of
from firetower.tui.form.data import FormData
from firetower.tui.widgets.choice import Choice, Offer, Radio, Tick
from firetower.tui.widgets.field import LabelledRow
from firetower.tui.widgets.line import Line
from firetower.tui.widgets.payload import Completions, TemplateEditor

ACTIONS = {
    ActionType.GENERIC_WEBHOOK: "webhook",
    ActionType.NOTIFICATION: "Slack",
    ActionType.NO_OP: "only record",
}
_UNREAD = "reading …"
"""A note that is not read yet: it keeps the fields below in their place."""
NEW = "\0new"
"""The offer to create an endpoint; no name can be this."""


_AGGREGATES = [Offer(one, one.word) for one in Aggregate]
_COMPARISONS = [Offer(one, one.word) for one in Comparison]
_DIRECTIONS = [
    Offer(Direction.INCREASE, "rises by"),
    Offer(Direction.DECREASE, "falls by"),
    Offer(Direction.ANY, "moves by"),
]


class NameSuggester(Suggester):
    """Completes what is typed to the first name that begins with it; → takes it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.names: Sequence[str] = ()

    async def get_suggestion(self, value: str) -> str | None:
        return next((name for name in self.names if name.startswith(value)), None)


class Fields(Vertical):
    """Every field of an automation: where, when, what and who."""

    BINDINGS: ClassVar = bindings_of("fields")

    def __init__(self, draft: Draft) -> None:
        super().__init__(id="fields")
        self.draft = draft
        self._collections: Sequence[Collection] | None = None
        """Those that are offered."""
        self.in_registry = draft.container.kind is ContainerKind.REGISTRY
        part = "one collection" if self.in_registry else "the collections that match"
        whole = f"the whole {draft.container.kind}"
        self.whole = Radio([whole, part], 0 if draft.whole else 1, id="whole")
        if draft.container.kind.covers_several:
            of_entity = draft.container.kind is ContainerKind.ENTITY
            projects = f"every project of {draft.container}"
            everything = projects if of_entity else "everything in the organization"
            self.whole = Radio([everything], 0, id="whole")
        unread = "" if draft.container.kind.covers_several else _UNREAD
        self._scope = LabelledRow("Scope", self.whole, note=unread, id="whole-or-part")
        self.collection = Choice(value=draft.collection, id="collection")
        self.pattern = _line(draft.pattern, "resnet-* or /^resnet/", "pattern")
        self.type = Choice(value=draft.artifact_type, empty="any type", id="type")
        self.event_type = Choice(
            event_offers(draft.container.kind),
            draft.event_type.value,
            empty="",
            id="event-type",
        )
        self.alias = _line(draft.alias, "any; or a regex, as in ^prod", "alias-regex")
        self.tag = _line(draft.tag, "any; or a regex", "tag-regex")
        self.state = Choice(
            state_offers(draft.state), draft.state or "failed", empty="", id="run-state"
        )
        self.metric_names = NameSuggester()
        self.metric = Line(
            draft.metric,
            placeholder="as runs log it: loss",
            suggester=self.metric_names,
            compact=True,
            id="metric-name",
        )
        self.aggregate = Choice(
            _AGGREGATES, draft.aggregate or "", empty="the newest value", id="metric-aggregate"
        )
        self.window = _line(draft.window, "of how many values", "metric-window")
        self.prior_window = _line(draft.prior_window, "as many values before", "metric-prior")
        self.comparison = Choice(_COMPARISONS, draft.comparison, empty="", id="metric-comparison")
        self.direction = Choice(_DIRECTIONS, draft.direction, empty="", id="metric-direction")
        self.amount = _line(draft.amount, "0.65; a change also 20%", "metric-amount")
        self.run_name = _line(draft.run_name, "any; or a regex, ^resnet", "run-name-regex")
        self.filter = _line(draft.filter, "", "filter-json")
        self.action = Radio(
            list(ACTIONS.values()), list(ACTIONS).index(draft.action), id="action-type"
        )
        self.endpoint = Choice(value=draft.endpoint, id="endpoint")
        envelope = "empty: the Standard Webhooks envelope"
        self.payload = TemplateEditor(
            draft.payload, json=True, placeholder=envelope, id="payload-json"
        )
        template = "optional, with ${variables}"
        self.title = _line(draft.title, template, "slack-title")
        self.message = TemplateEditor(draft.message, placeholder=template, id="slack-message")
        severities = [Offer(one.value, one.value) for one in Severity]
        self.severity = Choice(severities, draft.severity.value, empty="", id="slack-severity")
        self.automation_name = _line(draft.name, "", "automation-name")
        self.about = _line(draft.description, "optional", "about-text")
        self.cooldown = _line(draft.cooldown, "", "cooldown-span")
        self.shadow = Tick("shadow", value=draft.mode is Mode.SHADOW, id="shadow")

    def compose(self) -> ComposeResult:
        yield self._scope
        if self.in_registry:
            yield LabelledRow("Collection", self.collection, id=Part.SCOPE)
        else:
            yield LabelledRow("Named", self.pattern, self.type, id=Part.SCOPE)
        yield LabelledRow("Event", self.event_type, id=Part.EVENT)
        yield LabelledRow("Alias", self.alias, note=_UNREAD, id=Part.ALIAS)
        yield LabelledRow("Tag", self.tag, note=_UNREAD, id=Part.TAG)
        yield LabelledRow("State", self.state, id=Part.STATE)
        yield LabelledRow("Metric", self.metric, id=Part.METRIC)
        yield LabelledRow("Take", self.aggregate, self.window, id=Part.WINDOW)
        yield LabelledRow("Before", self.prior_window, id=Part.PRIOR_WINDOW)
        yield LabelledRow("Fires", self.comparison, self.direction, self.amount, id=Part.AMOUNT)
        yield LabelledRow("Run", self.run_name, id=Part.RUN_NAME)
        yield LabelledRow("Filter", self.filter, id=Part.FILTER)
        yield LabelledRow("Action", self.action)
        yield LabelledRow("Endpoint", self.endpoint, id=Part.ACTION)
        yield LabelledRow("Payload", self.payload, below=self.payload.completions, id=Part.PAYLOAD)
        yield LabelledRow("Title", self.title, id=Part.TITLE)
        yield LabelledRow("Message", self.message, below=self.message.completions, id=Part.MESSAGE)
        yield LabelledRow("Severity", self.severity, id="severity")
        yield LabelledRow("Name", self.automation_name, id=Part.NAME)
        yield LabelledRow("About", self.about)
        yield LabelledRow("Cooldown", self.cooldown, self.shadow, id=Part.COOLDOWN)

    def row(self, part: str) -> LabelledRow:
        """Return the row of a part of the draft."""
        return self.query_one(f"#{part}", LabelledRow)

    def read(self) -> Draft:
        """Return the draft that the fields say."""
        mode = self.draft.mode
        if self.shadow.value:
            mode = Mode.SHADOW
        elif mode is Mode.SHADOW:
            mode = Mode.ENABLED
        endpoint, type_ = self.endpoint.chosen, EventType(self.event_type.chosen)
        self.draft = replace(
            self.draft,
            whole=self.whole.pressed_index == 0,
            collection=self.collection.chosen if self.in_registry else "",
            pattern="" if self.in_registry else self.pattern.value,
            artifact_type="" if self.in_registry else self.type.chosen,
            event_type=type_,
            alias=self.alias.value,
            tag=self.tag.value,
            state=self.state.chosen if type_ is EventType.RUN_STATE else self.draft.state,
            metric=self.metric.value,
            aggregate=Aggregate(self.aggregate.chosen) if self.aggregate.chosen else None,
            window=self.window.value,
            prior_window=self.prior_window.value,
            comparison=Comparison(self.comparison.chosen),
            direction=Direction(self.direction.chosen),
            amount=self.amount.value,
            run_name=self.run_name.value,
            filter=self.filter.value,
            action=list(ACTIONS)[self.action.pressed_index],
            endpoint=self.draft.endpoint if endpoint == NEW else endpoint,
            payload=self.payload.text,
            title=self.title.value,
            message=self.message.text,
            severity=Severity(self.severity.chosen),
            name=self.automation_name.value,
            description=self.about.value,
            cooldown=self.cooldown.value,
            mode=mode,
        )
        return self.draft

    def fit(self, draft: Draft, data: FormData) -> None:
        """Show the fields that the draft needs, and offer what there is to choose."""
        webhook = draft.action is ActionType.GENERIC_WEBHOOK
        slack = draft.action is ActionType.NOTIFICATION
        of_run, of_metric = "run" in draft.carries, "metric" in draft.carries
        is_threshold = draft.event_type is EventType.RUN_METRIC
        is_change = draft.event_type is EventType.RUN_METRIC_CHANGE
        self.aggregate.display = is_threshold or is_change
        self.comparison.display, self.direction.display = is_threshold, not is_threshold
        for part, wanted in (
            ("whole-or-part", not of_run),
            (Part.SCOPE, not draft.whole and not of_run),
            (Part.ALIAS, "alias" in draft.carries),
            (Part.TAG, "tag" in draft.carries),
            (Part.STATE, draft.event_type is EventType.RUN_STATE),
            (Part.METRIC, of_metric),
            (Part.WINDOW, of_metric),
            (Part.PRIOR_WINDOW, is_change),
            (Part.AMOUNT, of_metric),
            (Part.RUN_NAME, of_run),
            (Part.ACTION, webhook or slack),
            (Part.PAYLOAD, webhook),
            (Part.TITLE, slack),
            (Part.MESSAGE, slack),
            ("severity", slack),
        ):
            self.row(part).display = wanted
        self.metric_names.names = data.metrics
        example = '{"config.lr": {"$gte": 0.1}}' if of_run else '{"metadata.f1": {"$gte": 0.9}}'
        self.filter.placeholder = f"optional: F7, or {example}"
        usual = "once a run in 24h" if of_metric else "none"
        self.cooldown.placeholder = f"{usual}; or 10m, 1h"
        self.endpoint.offer(endpoint_offers(data, endpoint_kind(draft)))
        if data.collections is not self._collections:  # there may be many: not at each key
            self._collections = data.collections
            self._offer_collections(data.collections, draft.artifact_type)

    @on(Completions.OptionSelected)
    def _variable_clicked(self, event: Completions.OptionSelected) -> None:
        for editor in (self.payload, self.message):
            if event.option_list is editor.completions:
                event.stop()
                editor.take(str(event.option_id))

    def _offer_collections(self, collections: Sequence[Collection], chosen_type: str) -> None:
        if self.in_registry:
            names = [(one.reference.name, one.type) for one in collections]
            self.collection.offer([Offer(name, name, type_) for name, type_ in names])
        else:
            types = sorted({one.type for one in collections} | {chosen_type} - {""})
            self.type.offer([Offer(one, one) for one in types])


def event_offers(kind: ContainerKind) -> list[Offer]:
    """Return every event type; those that never fire in a kind of container say why."""
    elsewhere = f"only in a {'project' if kind is ContainerKind.REGISTRY else 'registry'}"
    offers = [
        Offer(
            type_.value,
            spec.label,
            note=spec.sentence,
            why_not=elsewhere if why_not_allowed(type_, kind) else "",
        )
        for type_, spec in EVENTS.items()
    ]
    return sorted(offers, key=lambda offer: bool(offer.why_not))


def state_offers(chosen: str) -> list[Offer]:
    """Return the states of a run to wait for, and what is chosen already."""
    states = {
        "failed": "the run failed or crashed",
        "finished": "the run finished",
        "finished,failed": "the run ended",
        "running": "the run started",
    }
    offers = [Offer(state, state.replace(",", ", "), note) for state, note in states.items()]
    return offers if not chosen or chosen in states else [*offers, Offer(chosen, chosen)]


def endpoint_kind(draft: Draft) -> EndpointKind:
    """Return the kind of endpoint that the draft's action sends to."""
    slack = draft.action is ActionType.NOTIFICATION
    return EndpointKind.SLACK if slack else EndpointKind.WEBHOOK


def endpoint_offers(data: FormData, kind: EndpointKind) -> list[Offer]:
    """Return the endpoints of a kind, and the offer to create another."""
    offers = [
        Offer(one.name, one.name, one.target if one.enabled else f"{one.target}, disabled")
        for one in data.endpoints(kind)
    ]
    new = "webhook" if kind is EndpointKind.WEBHOOK else "Slack hook"
    return [*offers, Offer(NEW, f"+ new {new} …")]


def variables(draft: Draft, data: FormData) -> Sequence[str]:
    """Return the variables that the draft's templates may use: a message has no secrets."""
    webhook = draft.action is ActionType.GENERIC_WEBHOOK
    secrets = data.granted.get(draft.endpoint) if webhook else None
    names = available(draft.event_type, secrets or frozenset())
    return [name.removesuffix("KEY") if name.endswith(".KEY") else name for name in names]


def _line(value: str, placeholder: str, name: str) -> Line:
    return Line(value, placeholder=placeholder, compact=True, id=name)
