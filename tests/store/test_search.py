"""Finding anything by a part of its name."""

import firetower
from firetower.core.actions import NoAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.tower import Tower


def furnish(tower: Tower) -> None:
    tower.create_registry("models", "")
    for number in range(2):
        tower.log("acme/vision/resnet", type="model", references=[f"s3://r/{number}"])
    tower.log("acme/nlp/bert_100%", type="model", references=["s3://b/0"])
    tower.link("acme/vision/resnet:v1", "models/resnet", aliases=["production"])
    for name in ("deploy-resnet", "deploy-on-prod"):
        tower.automations.create(
            Definition(
                name=name,
                scope=ContainerScope(container=ContainerReference.registry("models")),
                event_type=EventType.ADD_ARTIFACT_ALIAS,
                action=NoAction(),
            )
        )


def test_search_finds_a_few_of_each_kind_by_words(database_url: str) -> None:
    with firetower.connect(database_url, author="ada") as tower:
        furnish(tower)

        def found(text: str) -> list[str]:
            return [f"{one.kind} {one.label}" for one in tower.search(text)]

        assert found("Deploy PROD") == ["automation deploy-on-prod"]
        assert found("resnet") == [
            "automation deploy-resnet",
            "collection models/resnet",
            "collection acme/vision/resnet",
        ]
        assert found("prod") == ["automation deploy-on-prod", "version models/resnet:production"]
        assert found("resnet:v1") == ["version acme/vision/resnet:v1"]
        assert found("resnet:v0") == ["version models/resnet:v0", "version acme/vision/resnet:v0"]
        assert found("models/resnet:prod") == ["version models/resnet:production"]
        run = tower.runs.start("acme/vision", id="x3k9", name="lr 0.1")
        assert found("vision lr") == found("x3k9") == ["run acme/vision/lr 0.1"]
        assert tower.search("X3K")[0].name == str(run)
        assert tower.search("resnet:prod")[0].name == "models/resnet:v0"
        assert found("100%") == ["collection acme/nlp/bert_100%"]
        assert found("0%") == ["collection acme/nlp/bert_100%"]
        assert found("t_1") == ["collection acme/nlp/bert_100%"]
        assert found("acme/") == [
            "container acme/nlp",
            "container acme/vision",
            "collection acme/nlp/bert_100%",
            "collection acme/vision/resnet",
            "run acme/vision/lr 0.1",
        ]
        assert found("resnet:V1") == ["version acme/vision/resnet:v1"]
        tower.create_registry("Übung")
        assert found("übung") == found("ÜBUNG") == found("U\u0308bung") == ["container Übung"]
        assert found("#1") == []
        assert found("  ") == []
        tower.automations.delete("deploy-on-prod")
        assert found("deploy") == ["automation deploy-resnet"]
