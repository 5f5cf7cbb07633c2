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
    assert shell.run("automation", "edit", "ship").returncode == 2
    shell.ok(*automation("--project", "acme/vision", "--collections", "/^res/", "--shadow"))
    assert shell.objects("automation", "show", "new")[0]["mode"] == "shadow"
    shell.ok("automation", "edit", "new", "--name", "it's new")
    deleted = shell.run("automation", "delete", "it's new").stderr
    assert """undelete 'it'"'"'s new'` brings it back""" in deleted
    shell.ok("automation", "delete", "ship")
    assert "resnet" not in shell.ok("automation", "list")
    shell.ok("automation", "undelete", "ship")
    assert len(shell.objects("automation", "show", "ship", "--revisions")) == 9
    assert shell.run("automation", "undelete", "ship").returncode == 1
    missing = shell.run("automation", "restore", "ship", "99").stderr
    assert "ship has no revision 99" in missing
    assert "`firetower automation show ship --revisions`" in missing


def test_event_help_lists_the_types_by_container(prepared: Shell) -> None:
    help_ = " ".join(prepared.ok("automation", "create", "--help").split())
    assert "In a project: CREATE_ARTIFACT (new version), RUN_STATE (run state), RUN_ALERT" in help_


def test_create_warns_of_an_overlap(shell: Shell) -> None:
    again = ("--registry", "models", "--event", "ADD_ARTIFACT_ALIAS", "--webhook", "ci")
    done = shell.run("automation", "create", "again", *again)
    assert "Note: deploy may send the same event to ci too." in done.stderr
    other = shell.run("automation", "edit", "again", "--event", "LINK_ARTIFACT")
    assert "Note:" not in other.stderr


def test_entity_and_organization_take_every_event(shell: Shell) -> None:
    wide = ("automation", "create", "--no-op", "--event")
    shell.ok(*wide, "LINK_ARTIFACT", "links", "--organization")
    shell.ok(*wide, "CREATE_ARTIFACT", "versions", "--entity", "acme")
    shell.ok("log", "acme/speech/asr", "--type", "model", "--empty", "--alias", "candidate")
    shell.ok("link", "acme/speech/asr:v0", "models/asr")
    shell.ok("worker", "--once")
    assert {one["automation"] for one in shell.objects("feed")} == {"links", "versions"}
    listed = {one["automation"]: one for one in shell.objects("automation", "list")}
    assert {listed[name]["sentence"] for name in ("links", "versions")} == {
        "When a version is linked in the organization, record it.",
        "When a new version is logged in any project of acme, record it.",
    }
    refused = shell.run(*wide, "LINK_ARTIFACT", "nowhere", "--entity", "acne")
    assert refused.stderr.startswith("there is no entity acne\nDid you mean acme?")
