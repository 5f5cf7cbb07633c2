"""The team of the demo: its people, and what they work on."""

from dataclasses import dataclass
from typing import ClassVar

OPERATOR = "ines"
"""Who set up registries, endpoints and most automations."""
EVALUATOR = "eval-bot"
LOADER = "data-bot"

REGISTRIES = {
    "models": "Models that may serve traffic",
    "datasets": "Reviewed data that models may be trained on",
    "prompts": "Prompts of the assistant, as they are served",
}

PROJECTS = {
    "acme/vision": "Cameras on vehicles and in the plant",
    "acme/speech": "Voice control and call transcripts",
    "acme/ranking": "Search and the home feed",
    "orchard/assistant": "The support assistant",
}


@dataclass(frozen=True, slots=True)
class _Work:
    """One collection in a project, and one in a registry."""

    registry: ClassVar[str]
    name: str
    project: str

    @property
    def logged(self) -> str:
        """The collection that versions are logged to."""
        return f"{self.project}/{self.name}"

    @property
    def linked(self) -> str:
        """The collection in the registry."""
        return f"{self.registry}/{self.name}"


@dataclass(frozen=True, slots=True)
class Model(_Work):
    """A model that somebody trains again and again."""

    registry = "models"
    dataset: str
    owner: str
    reviewer: str
    framework: str
    accuracy: float
    """Of the first run; later ones come closer to one."""
    latency_ms: float
    megabytes: int


@dataclass(frozen=True, slots=True)
class Dataset(_Work):
    """A data set that is refreshed."""

    registry = "datasets"
    keeper: str
    rows: int
    gigabytes: float


@dataclass(frozen=True, slots=True)
class Prompt(_Work):
    """A prompt that is rewritten."""

    registry = "prompts"
    writer: str
    tokens: int
    win_rate: float


Line = Model | Dataset | Prompt
"""A line of work."""

_VISION, _SPEECH, _RANKING, _ASSISTANT = PROJECTS

MODELS = (
    Model("sign-detector", _VISION, "street-scenes", "tomas", "saskia", "torch", 0.871, 18.4, 214),
    Model("lane-segmenter", _VISION, "lane-masks", "tomas", "saskia", "torch", 0.842, 26.1, 388),
    Model(
        "defect-classifier", _VISION, "factory-photos", "marta", "yusuf", "torch", 0.904, 9.7, 97
    ),
    Model("plate-reader", _VISION, "plates", "marta", "saskia", "onnx", 0.917, 7.2, 41),
    Model("crossing-tracker", _VISION, "crossings", "kofi", "yusuf", "torch", 0.793, 31.5, 512),
    Model("wake-word", _SPEECH, "commands", "lena", "omar", "tflite", 0.948, 1.3, 4),
    Model("transcriber", _SPEECH, "calls-eu", "lena", "omar", "torch", 0.861, 142.0, 1_540),
    Model("speaker-id", _SPEECH, "speakers", "hiro", "omar", "torch", 0.889, 21.9, 176),
    Model("noise-gate", _SPEECH, "room-noise", "hiro", "lena", "onnx", 0.926, 2.8, 12),
    Model("feed-ranker", _RANKING, "clicks-daily", "noor", "felix", "jax", 0.741, 6.4, 830),
    Model("query-tagger", _RANKING, "queries", "noor", "felix", "torch", 0.822, 4.9, 260),
    Model("click-model", _RANKING, "clicks-daily", "bao", "felix", "lightgbm", 0.768, 0.6, 22),
    Model("dedup-encoder", _RANKING, "pairs", "bao", "noor", "torch", 0.901, 11.8, 438),
    Model("intent-router", _ASSISTANT, "chats", "ruth", "felix", "torch", 0.883, 8.8, 255),
    Model("answer-ranker", _ASSISTANT, "tickets", "ruth", "yusuf", "torch", 0.812, 24.3, 670),
)

DATASETS = (
    Dataset("street-scenes", _VISION, "tomas", 412_000, 318.5),
    Dataset("lane-masks", _VISION, "tomas", 96_000, 74.2),
    Dataset("factory-photos", _VISION, "marta", 58_300, 41.0),
    Dataset("plates", _VISION, "marta", 240_500, 22.7),
    Dataset("crossings", _VISION, "kofi", 18_900, 512.4),
    Dataset("commands", _SPEECH, "lena", 105_800, 3.4),
    Dataset("calls-eu", _SPEECH, "lena", 61_200, 890.1),
    Dataset("speakers", _SPEECH, "hiro", 7_300, 46.9),
    Dataset("room-noise", _SPEECH, "hiro", 4_100, 12.2),
    Dataset("clicks-daily", _RANKING, "bao", 38_400_000, 67.8),
    Dataset("queries", _RANKING, "noor", 2_150_000, 0.9),
    Dataset("pairs", _RANKING, "bao", 830_000, 1.6),
    Dataset("chats", _ASSISTANT, "ruth", 94_700, 2.3),
    Dataset("tickets", _ASSISTANT, "ruth", 151_000, 4.8),
)

PROMPTS = (
    Prompt("greeting", _ASSISTANT, "wren", 180, 0.52),
    Prompt("triage", _ASSISTANT, "wren", 640, 0.58),
    Prompt("summarize-ticket", _ASSISTANT, "ruth", 920, 0.61),
    Prompt("extract-order", _ASSISTANT, "ruth", 410, 0.66),
    Prompt("translate-reply", _ASSISTANT, "wren", 350, 0.57),
    Prompt("safety-check", _ASSISTANT, "yusuf", 780, 0.71),
    Prompt("rewrite-query", _ASSISTANT, "noor", 220, 0.55),
    Prompt("draft-reply", _ASSISTANT, "wren", 1_150, 0.49),
    Prompt("escalation", _ASSISTANT, "wren", 530, 0.63),
    Prompt("tone-guide", _ASSISTANT, "wren", 1_480, 0.54),
    Prompt("citation-check", _ASSISTANT, "yusuf", 460, 0.68),
    Prompt("refund-policy", _ASSISTANT, "ruth", 870, 0.60),
)

LINES: tuple[Line, ...] = (*MODELS, *DATASETS, *PROMPTS)
