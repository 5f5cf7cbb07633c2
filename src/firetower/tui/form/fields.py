"""The form's fields, and the draft that is read from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.suggester import SuggestFromList

from firetower.core.actions import ActionType, Severity
from firetower.core.automations import Mode
from firetower.core.catalog import Collection
from firetower.core.drafts import Draft, Part
from firetower.core.endpoints import EndpointKind
from firetower.core.events import EVENTS, EventType, why_not_allowed
from firetower.core.metrics import Aggregate, Comparison, Direction
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.templates import available
from firetower.tui.actions import bindings_of
from firetower.tui.form.data import KINDS, FormData
from firetower.tui.widgets.entries import Choice, Line, Offer, Radio, Tick
from firetower.tui.widgets.field import LabelledRow
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


_LINES: Mapping[str, tuple[str, str]] = {
    "pattern": ("pattern", "resnet-* or /^resnet/"),
    "alias": ("alias-regex", "any; or a regex, as in ^prod"),
    "tag": ("tag-regex", "any; or a regex"),
    "metric": ("metric-name", "as runs log it: loss"),
    "window": ("metric-window", "of how many values"),
    "prior_window": ("metric-prior", "as many values before"),
    "amount": ("metric-amount", "0.65; a change also 20%"),
    "run_name": ("run-name-regex", "any; or a regex, ^resnet"),
    "filter": ("filter-json", ""),
    "title": ("slack-title", "optional, with ${variables}"),
    "name": ("automation-name", ""),
    "description": ("about-text", "optional"),
    "cooldown": ("cooldown-span", ""),
}
"""The lines of text by the draft's fields: their ids, and what an empty one shows."""
_READ: Mapping[str, Callable[[str], object]] = {
    "event_type": EventType,
    "aggregate": lambda chosen: Aggregate(chosen) if chosen else None,
    "comparison": Comparison,
    "direction": Direction,
    "severity": Severity,
}
"""How those choices are read that are not taken as text."""
_DIRECTIONS = {
    Direction.INCREASE: "rises by",
    Direction.DECREASE: "falls by",
    Direction.ANY: "moves by",
}


class Fields(Vertical):
    """Every field of an automation: where, when, what and who."""

    BINDINGS: ClassVar = bindings_of("fields")

    def __init__(self, draft: Draft) -> None:
        super().__init__(id="fields")
        self.draft = draft
        self._collections: Sequence[Collection] | None = None
        """Those that are offered."""
        self.in_registry = draft.container.kind is ContainerKind.REGISTRY
        self.whole = Radio(scope_labels(draft.container), 0 if draft.whole else 1, id="whole")
        self.lines = {
            name: Line(getattr(draft, name), placeholder=placeholder, compact=True, id=id)
            for name, (id, placeholder) in _LINES.items()
        }
        self.choices = _choices(draft)
        self.action = Radio(
            list(ACTIONS.values()), list(ACTIONS).index(draft.action), id="action-type"
        )
        envelope = "empty: the Standard Webhooks envelope"
        self.payload = TemplateEditor(
            draft.payload, json=True, placeholder=envelope, id="payload-json"
        )
        self.message = TemplateEditor(
            draft.message, placeholder=_LINES["title"][1], id="slack-message"
        )
        self.shadow = Tick("shadow", value=draft.mode is Mode.SHADOW, id="shadow")

    def compose(self) -> ComposeResult:
        line, choice = self.lines, self.choices
        note = "" if self.draft.container.kind.covers_several else _UNREAD
        yield LabelledRow("Scope", self.whole, note=note, id="whole-or-part")
        if self.in_registry:
            yield LabelledRow("Collection", choice["collection"], id=Part.SCOPE)
        else:
            yield LabelledRow("Named", line["pattern"], choice["artifact_type"], id=Part.SCOPE)
        yield LabelledRow("Event", choice["event_type"], id=Part.EVENT)
        yield LabelledRow("Alias", line["alias"], note=_UNREAD, id=Part.ALIAS)
        yield LabelledRow("Tag", line["tag"], note=_UNREAD, id=Part.TAG)
        yield LabelledRow("State", choice["state"], id=Part.STATE)
        yield LabelledRow("Metric", line["metric"], id=Part.METRIC)
        yield LabelledRow("Take", choice["aggregate"], line["window"], id=Part.WINDOW)
        yield LabelledRow("Before", line["prior_window"], id=Part.PRIOR_WINDOW)
        fires = choice["comparison"], choice["direction"], line["amount"]
        yield LabelledRow("Fires", *fires, id=Part.AMOUNT)
        yield LabelledRow("Run", line["run_name"], id=Part.RUN_NAME)
        yield LabelledRow("Filter", line["filter"], id=Part.FILTER)
        yield LabelledRow("Action", self.action)
        yield LabelledRow("Endpoint", choice["endpoint"], id=Part.ACTION)
        yield LabelledRow("Payload", self.payload, below=self.payload.completions, id=Part.PAYLOAD)
        yield LabelledRow("Title", line["title"], id=Part.TITLE)
        yield LabelledRow("Message", self.message, below=self.message.completions, id=Part.MESSAGE)
        yield LabelledRow("Severity", choice["severity"], id="severity")
        yield LabelledRow("Name", line["name"], id=Part.NAME)
        yield LabelledRow("About", line["description"])
        yield LabelledRow("Cooldown", line["cooldown"], self.shadow, id=Part.COOLDOWN)

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
        typed: dict[str, Any] = {name: line.value for name, line in self.lines.items()}
        typed |= {name: _READ.get(name, str)(one.chosen) for name, one in self.choices.items()}
        hidden = ("pattern", "artifact_type") if self.in_registry else ("collection",)
        typed |= dict.fromkeys(hidden, "")
        if typed["event_type"] is not EventType.RUN_STATE:
            typed["state"] = self.draft.state
        if typed["endpoint"] == NEW:
            typed["endpoint"] = self.draft.endpoint
        self.draft = replace(
            self.draft,
            **typed,
            whole=self.whole.pressed_index == 0,
            action=list(ACTIONS)[self.action.pressed_index],
            payload=self.payload.text,
            message=self.message.text,
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
        self.choices["aggregate"].display = is_threshold or is_change
        self.choices["comparison"].display = is_threshold
        self.choices["direction"].display = not is_threshold
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
        self.lines["metric"].suggester = SuggestFromList(data.metrics)
        example = '{"config.lr": {"$gte": 0.1}}' if of_run else '{"metadata.f1": {"$gte": 0.9}}'
        self.lines["filter"].placeholder = f"optional: F7, or {example}"
        usual = "once a run in 24h" if of_metric else "none"
        self.lines["cooldown"].placeholder = f"{usual}; or 10m, 1h"
        self.choices["endpoint"].offer(endpoint_offers(data, endpoint_kind(draft)))
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
            self.choices["collection"].offer([Offer(name, name, type_) for name, type_ in names])
        else:
            types = sorted({one.type for one in collections} | {chosen_type} - {""})
            self.choices["artifact_type"].offer([Offer(one, one) for one in types])


def scope_labels(container: ContainerReference) -> list[str]:
    """Return what can be watched of a container, the whole first."""
    match container.kind:
        case ContainerKind.ORGANIZATION:
            return ["everything in the organization"]
        case ContainerKind.ENTITY:
            return [f"every project of {container}"]
        case ContainerKind.REGISTRY:
            return ["the whole registry", "one collection"]
    return ["the whole project", "the collections that match"]


def _choices(draft: Draft) -> dict[str, Choice]:
    """Return the choices by the draft's fields."""
    events, states = event_offers(draft.container.kind), state_offers(draft.state)
    aggregates = [Offer(one, one.word) for one in Aggregate]
    comparisons = [Offer(one, one.word) for one in Comparison]
    directions = [Offer(one, words) for one, words in _DIRECTIONS.items()]
    severities = [Offer(one, one) for one in Severity]
    any_value = "the newest value"
    return {
        "collection": Choice(value=draft.collection, id="collection"),
        "artifact_type": Choice(value=draft.artifact_type, empty="any type", id="type"),
        "event_type": Choice(events, draft.event_type, empty="", id="event-type"),
        "state": Choice(states, draft.state or "failed", empty="", id="run-state"),
        "aggregate": Choice(
            aggregates, draft.aggregate or "", empty=any_value, id="metric-aggregate"
        ),
        "comparison": Choice(comparisons, draft.comparison, empty="", id="metric-comparison"),
        "direction": Choice(directions, draft.direction, empty="", id="metric-direction"),
        "endpoint": Choice(value=draft.endpoint, id="endpoint"),
        "severity": Choice(severities, draft.severity, empty="", id="slack-severity"),
    }


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
    return KINDS.get(draft.action, EndpointKind.WEBHOOK)


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
