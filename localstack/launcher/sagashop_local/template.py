"""Reads the SAM template and makes the form of it that is deployed to the local engine.

The file stays plain SAM, as `sam deploy` requires it. For the engine, the functions' code becomes
the folder that the workers run it from, and the state machine's definition its uploaded copy.
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

type Template = dict[str, Any]

# LocalStack runs the code of this "bucket" from a folder: the object's key is the absolute path.
HOT_RELOAD_BUCKET = "hot-reload"
# LocalStack gives a REST API the id in this tag; without it the URL would change at every start.
CUSTOM_ID_TAG = "_custom_id_"


class _TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags (`!Ref`, `!Sub`, …) and without YAML's dates."""


_TemplateLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _construct_intrinsic(loader: _TemplateLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    """Turns a short tag into its long form: `!Sub x` is `{"Fn::Sub": "x"}`.

    See "Intrinsic function reference" in the CloudFormation user guide; `Ref` and `Condition` have
    no prefix, and `!GetAtt a.b` is a list in its long form.
    """
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_TemplateLoader.add_multi_constructor("!", _construct_intrinsic)


def parse_template(text: str) -> Template:
    """Parses a template's YAML, with intrinsic functions in their long form.

    >>> parse_template("Name: !Sub '${Stage}-orders'")
    {'Name': {'Fn::Sub': '${Stage}-orders'}}
    """
    template: Template = yaml.load(text, _TemplateLoader)  # noqa: S506 - a SafeLoader
    return template


def definition_files(template: Template, folder: Path) -> dict[str, Path]:
    """Returns the definition file of each state machine, by the machine's logical id."""
    return {
        logical_id: folder / resource["Properties"]["DefinitionUri"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::StateMachine"
    }


def localise(
    template: Template, package: Path, bucket: str, definitions: Mapping[str, str]
) -> Template:
    """Returns the template for the local engine.

    Args:
        template: as parsed; it stays unchanged.
        package: the absolute folder with the unzipped Lambda package.
        bucket: where the definitions were uploaded.
        definitions: the key of each state machine's definition, by the machine's logical id.
    """
    local = copy.deepcopy(template)
    functions = local.setdefault("Globals", {}).setdefault("Function", {})
    functions["CodeUri"] = {"Bucket": HOT_RELOAD_BUCKET, "Key": str(package)}
    for logical_id, key in definitions.items():
        local["Resources"][logical_id]["Properties"]["DefinitionUri"] = {
            "Bucket": bucket,
            "Key": key,
        }
    for logical_id, resource in local["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Api":
            api = resource.setdefault("Properties", {})
            api["Tags"] = {**api.get("Tags", {}), CUSTOM_ID_TAG: logical_id.lower()}
            api["PropagateTags"] = True  # SAM tags only the API's stage otherwise
    return local
