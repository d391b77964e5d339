"""What a deployment changes in a running store, and what happens when it fails.

The store here belongs to a copy of the project, so that its files may be broken.
"""

import json
import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from sagashop_local.errors import DeployFailed
from sagashop_local.paths import StorePaths
from sagashop_local.progress import SILENT
from sagashop_local.store import Store
from sagashop_ops.aws import client_of
from sagashop_ops.client import Line, StoreClient
from sagashop_ops.stack import PROJECT_ROOT
from support.saga_history import entered_states

DEPLOYED = ("functions", "statemachine", "storefront_s3", "template.yaml")


# A store of its own, deployed half a dozen times: a minute. Every run of the tests begins with a
# deployment, and test_restart.py has more of them.
pytestmark = pytest.mark.full


class Project:
    """A copy of what is deployed, and its store."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        for name in DEPLOYED:
            self.restore(name)
        self.store = Store(StorePaths(port, root), SILENT)

    def restore(self, name: str) -> None:
        """Brings back one of the deployed files or folders as it is in the project."""
        original = PROJECT_ROOT / name
        if original.is_dir():
            shutil.copytree(original, self.root / name, dirs_exist_ok=True)
        else:
            shutil.copy(original, self.root / name)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replaces text that the file must have."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        (self.root / name).write_text(text.replace(old, new), encoding="utf-8")

    def follow_the_readme(self) -> None:
        """Adds a saga step as the README says: a copied state, and the handler that it prints."""
        definition = self.root / "statemachine" / "order_saga.asl.json"
        saga = json.loads(definition.read_text(encoding="utf-8"))
        step = json.loads(json.dumps(saga["States"]["CommitStock"]))
        step["Arguments"]["FunctionName"] = "${OrderSteps}"
        step["Next"] = "PaymentGiven"
        saga["States"]["ScreenOrder"] = step
        saga["States"]["RecordReservation"]["Next"] = "ScreenOrder"
        definition.write_text(json.dumps(saga), encoding="utf-8")
        readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
        section = readme.partition("## Add a saga step")[2].partition("\n## ")[0]
        (handler,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        with (self.root / "functions" / "order" / "saga.py").open("a", encoding="utf-8") as saga_py:
            saga_py.write(f"\n\n{textwrap.dedent(handler)}")

    def break_the_saga(self) -> None:
        self.edit("statemachine/order_saga.asl.json", '"StartAt"', '"StartsAt"')

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.store.stack().api_url}{path}", timeout=30)

    def processes(self) -> list[int | None]:
        """The servers' ids, None for one that doesn't run."""
        return [server.pid for server in self.store.status()]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, stack: dict[str, Any]) -> Iterator[Project]:
    port = (urlsplit(stack["endpoint_url"]).port or 0) + 4  # each store takes two
    project = Project(tmp_path_factory.mktemp("project"), port)
    yield project
    project.store.down()


@pytest.fixture(scope="module")
def running(project: Project) -> Project:
    """The project with its store up."""
    for name in DEPLOYED:
        project.restore(name)
    project.store.up()
    return project


def test_a_store_that_cannot_be_deployed_is_not_left_half_started(project: Project) -> None:
    project.break_the_saga()

    with pytest.raises(DeployFailed, match=r"OrderSaga \(AWS::StepFunctions::StateMachine\).*Star"):
        project.store.up()

    assert project.processes() == [None, None]
    assert not project.store.paths.stack_file.exists()


def test_a_second_up_changes_nothing(running: Project) -> None:
    stack, processes = running.store.stack(), running.processes()

    assert running.store.up() == stack
    assert running.processes() == processes


def test_changed_code_answers_after_a_deployment(running: Project) -> None:
    running.edit("functions/shared/http.py", '"status": "ok"', '"status": "better than ever"')

    running.store.deploy()

    assert running.get("/payment/health").json()["status"] == "better than ever"


def test_a_new_route_is_open_after_a_deployment(running: Project) -> None:
    assert running.get("/pay/health").status_code == 404
    running.edit("template.yaml", 'Path: "/payment/health"', 'Path: "/pay/health"')
    running.edit("functions/payment/api.py", 'ServiceApi("payment")', 'ServiceApi("pay")')

    running.store.deploy()

    assert running.get("/pay/health").status_code == 200
    assert running.get("/payment/health").status_code == 404


def test_following_the_readme_adds_a_saga_step_without_a_change_to_the_template(
    running: Project,
) -> None:
    # Given a store whose template is the project's own
    running.restore("template.yaml")
    running.restore("functions")
    running.follow_the_readme()

    # When it is deployed, and an order is placed
    stack = running.store.deploy()
    store = StoreClient(stack.api_url)
    order = store.wait_until_ended(store.place_order([Line("product-003", 1)], "tok_visa"))

    # Then the order has come by the new step, and completed
    assert order["status"] == "COMPLETED"
    history = client_of(stack, "stepfunctions").get_execution_history(
        executionArn=stack.state_machine_arn.replace(":stateMachine:", ":execution:")
        + f":{order['order_id']}",
        maxResults=1000,
    )["events"]
    path = entered_states(history)
    assert path[path.index("RecordReservation") :][:3] == [
        "RecordReservation",
        "ScreenOrder",
        "PaymentGiven",
    ]
    running.restore("statemachine")
    running.restore("functions")


def test_a_failed_update_names_what_failed_and_the_next_one_fixes_it(running: Project) -> None:
    running.break_the_saga()
    with pytest.raises(DeployFailed, match=r"OrderSaga \(AWS::StepFunctions::StateMachine\).*Star"):
        running.store.deploy()

    running.restore("statemachine")
    running.store.deploy()

    assert running.get("/products").json()["products"]


def test_servers_that_run_other_code_are_started_anew(running: Project) -> None:
    before = running.processes()
    running.store.paths.version_file.write_text("an earlier one", encoding="utf-8")

    running.store.deploy()

    assert not set(before) & set(running.processes())
    assert running.get("/products").json()["products"]
