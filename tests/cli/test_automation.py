"""`firetower automation`."""

from cli.shell import Shell, automation


def test_automation_can_be_edited_switched_and_deleted(shell: Shell) -> None:
    shell.ok("automation", "edit", "deploy", "--name", "ship", "--cooldown", "10m")
    shell.ok(
        "automation",
        "edit",
        "ship",
        "--collection",
        "resnet",
        "--tag-regex",
        "x",
        "--event",
        "ADD_ARTIFACT_TAG",
        "--slack",
        "team",
        "--severity",
        "warn",
    )
    shell.ok("automation", "edit", "ship", "--cooldown", "none", "--title", "Tag ${tag}")
    [edited] = shell.objects("automation", "show", "ship")
    assert edited["cooldown"] is None
    assert edited["action"] == {
        "type": "NOTIFICATION",
        "endpoint": "team",
        "title": "Tag ${tag}",
        "message": None,
        "severity": "WARN",
    }
    for verb, mode in (("disable", "disabled"), ("shadow", "shadow"), ("enable", "enabled")):
        shell.ok("automation", verb, "ship")
        assert shell.objects("automation", "show", "ship")[0]["mode"] == mode
    assert len(shell.objects("automation", "show", "ship", "--revisions")) == 7
    shell.ok(*automation("--project", "acme/vision", "--collections", "/^res/", "--shadow"))
    assert shell.objects("automation", "show", "new")[0]["mode"] == "shadow"
    shell.ok("automation", "delete", "ship")
    assert "resnet" not in shell.ok("automation", "list")


def test_event_help_lists_the_types_by_container(prepared: Shell) -> None:
    help_ = " ".join(prepared.ok("automation", "create", "--help").split())
    assert "In a project: CREATE_ARTIFACT (new version)." in help_


def test_create_warns_of_an_overlap(shell: Shell) -> None:
    again = ("--registry", "models", "--event", "ADD_ARTIFACT_ALIAS", "--webhook", "ci")
    done = shell.run("automation", "create", "again", *again)
    assert "Note: deploy may send the same event to ci too." in done.stderr
    other = shell.run("automation", "edit", "again", "--event", "LINK_ARTIFACT")
    assert "Note:" not in other.stderr
