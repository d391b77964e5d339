"""What the local engine is given instead of the plain template."""

from pathlib import Path

from sagashop_local.template import Template, definition_files, localise, parse_template

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = Path("/shop/.local/package")

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Globals:
  Function:
    CodeUri: functions/
    Runtime: python3.13
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Role: !GetAtt Role.Arn
      Environment: {Variables: {NAME: !Sub "${Stage}-orders", LOCAL: !If [IsLocal, "yes", "no"]}}
  HttpApi:
    Type: AWS::Serverless::Api
    Properties: {StageName: v1, Tags: {team: shop}}
  Saga:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: statemachine/saga.asl.json}
"""


def localised() -> Template:
    return localise(parse_template(TEMPLATE), PACKAGE, "artifacts", {"Saga": "abc"})


def test_short_tags_become_intrinsic_functions() -> None:
    properties = parse_template(TEMPLATE)["Resources"]["Orders"]["Properties"]

    assert properties["Role"] == {"Fn::GetAtt": ["Role", "Arn"]}
    assert properties["Environment"]["Variables"] == {
        "NAME": {"Fn::Sub": "${Stage}-orders"},
        "LOCAL": {"Fn::If": ["IsLocal", "yes", "no"]},
    }


def test_ref_and_condition_have_no_prefix() -> None:
    assert parse_template("a: !Ref b\nc: !Condition d") == {
        "a": {"Ref": "b"},
        "c": {"Condition": "d"},
    }


def test_the_format_version_stays_text() -> None:
    assert parse_template(TEMPLATE)["AWSTemplateFormatVersion"] == "2010-09-09"


def test_functions_run_from_the_package_folder() -> None:
    assert localised()["Globals"]["Function"] == {
        "CodeUri": {"Bucket": "hot-reload", "Key": "/shop/.local/package"},
        "Runtime": "python3.13",
    }


def test_the_state_machine_takes_its_uploaded_definition() -> None:
    saga = localised()["Resources"]["Saga"]["Properties"]

    assert saga["DefinitionUri"] == {"Bucket": "artifacts", "Key": "abc"}


def test_the_api_keeps_its_address_and_its_tags() -> None:
    api = localised()["Resources"]["HttpApi"]["Properties"]

    assert api["Tags"] == {"team": "shop", "_custom_id_": "httpapi"}
    assert api["PropagateTags"] is True


def test_the_template_itself_is_not_changed() -> None:
    template = parse_template(TEMPLATE)

    localise(template, PACKAGE, "artifacts", {"Saga": "abc"})

    assert template == parse_template(TEMPLATE)


def test_every_definition_of_the_projects_own_template_exists() -> None:
    template = parse_template((ROOT / "template.yaml").read_text(encoding="utf-8"))

    files = definition_files(template, ROOT)

    assert files
    assert all(path.is_file() for path in files.values())
