"""Starts, stops and describes one store: what `make up` and `make down` do, step by step."""

import fcntl
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from localstack_embedded.settings import DynamoDbEngine
from sagashop_local import servers
from sagashop_local.deploy import deploy, is_wrecked
from sagashop_local.errors import StoreBusy
from sagashop_local.operator import provide_operator
from sagashop_local.package import build_package, site_packages
from sagashop_local.parameters import STACK_NAME, local_parameters
from sagashop_local.paths import StorePaths, environment_python
from sagashop_local.processes import ProcessRecord, ProcessTable
from sagashop_local.progress import SILENT, Progress
from sagashop_local.seed import read_catalogue, seed
from sagashop_local.servers import Server
from sagashop_local.upgrade import mark_unsettled_orders
from sagashop_ops.aws import REGION, Aws, Deployment, call_function
from sagashop_ops.errors import OperationRefused, StoreNotRunning
from sagashop_ops.stack import PROJECT_ROOT, Stack, stack_of, write_atomically
from sagashop_ops.storefront import publish
from sagashop_ops.token_keys import keep_keys, read_keys, restore_keys

LOCK_WAIT_SECONDS = 60.0
LOCK_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class ServerStatus:
    """Whether one of the store's servers runs and answers; `pid` is None where it doesn't run."""

    title: str
    port: int
    pid: int | None
    ready: bool


class Store:
    """The store on one port. Its methods show their steps on `progress`."""

    def __init__(
        self, paths: StorePaths, progress: Progress, dynamodb_engine: DynamoDbEngine = "embedded"
    ) -> None:
        self.paths = paths
        self.aws = Aws(servers.endpoint_url(paths.port))
        self._progress = progress
        self._parameters = local_parameters(paths.port)
        self._servers = servers.describe_servers(paths, dynamodb_engine)
        self._processes = ProcessTable(paths.processes_file)

    def up(self) -> Stack:
        """Starts what isn't running, deploys, seeds and publishes; a running store keeps running.

        A new engine resumes the orders that were under way when the last one stopped. After a
        failure or an interruption, the servers that this call started are stopped again.
        """
        with self._locked():
            started: list[Server] = []
            try:
                self._stop_another_version()
                self._start(started)
                self._replace_broken_engine(started)
                engine_is_new = self._servers[-1] in started
                stack = self._bring_up_to_date(engine_is_new=engine_is_new)
                if engine_is_new:
                    self._recover(stack)
            except BaseException:
                self._stop(started)
                raise
            return stack

    def down(self) -> bool:
        """Stops what `up` started, keeps the tables; returns whether anything was running."""
        with self._locked():
            return self._stop(self._servers)

    def reset(self) -> None:
        """Deletes every order and restores the seeded stock; a running store runs again afterwards.

        The engine is restarted as well: an execution under way would write its order again.
        """
        with self._locked():
            was_running = self._stop(self._servers)
            with self._progress.step("delete the tables"):
                shutil.rmtree(self.paths.dynamodb_data, ignore_errors=True)
                self.paths.session_file.unlink(missing_ok=True)  # its account is gone
        if was_running:
            self.up()

    def deploy(self) -> Stack:
        """Brings the running store up to date; raises `StoreNotRunning` where there is none."""
        self.stack()
        return self.up()

    def publish(self, stack: Stack | None = None) -> None:
        """Publishes the storefront of the running store."""
        stack = stack or self.stack()
        with self._progress.step("publish the storefront") as step:
            step.outcome = f"{publish(stack, self.paths.root / 'storefront_s3')} files"

    def seed(self, stack: Stack | None = None) -> None:
        """Adds missing products to the running store's catalogue."""
        stack = stack or self.stack()
        with self._progress.step("seed the catalogue") as step:
            catalogue = read_catalogue()
            new = seed(self.aws.client("dynamodb"), stack.tables["inventory"], catalogue)
            step.outcome = f"{len(catalogue)} products, {new} new"

    def update_package(self) -> None:
        """Brings changed code to the workers."""
        with self._progress.step("build the Lambda package") as step:
            dependencies = site_packages(environment_python("functions"))
            functions = self.paths.root / "functions"
            changed = build_package(dependencies, functions, self.paths.package)
            step.outcome = "changed" if changed else "no changes"

    def stack(self) -> Stack:
        """Returns the running store's stack.json; raises `StoreNotRunning` where there is none."""
        if not all(status.ready for status in self.status()):
            raise StoreNotRunning(self.paths.port)
        try:
            return Stack.load(self.paths.stack_file)
        except FileNotFoundError as exc:
            raise StoreNotRunning(self.paths.port) from exc

    def status(self) -> list[ServerStatus]:
        """Looks at each of the store's servers."""
        found = []
        for server in self._servers:
            record = self._processes.running(server.name)
            ready = record is not None and servers.answers(server.readiness_url)
            pid = record.pid if record else None
            found.append(ServerStatus(server.title, server.port, pid, ready))
        return found

    def _start(self, started: list[Server]) -> None:
        """Starts the servers that don't run, notes them in `started`, builds the package meanwhile.

        Also waits for servers that another call started: that call may have been killed before
        they were ready.
        """
        side_by_side = ThreadPoolExecutor()
        try:
            tasks = [side_by_side.submit(self.update_package)]
            for server in self._servers:
                record = self._processes.running(server.name)
                shown = SILENT if record else self._progress
                record = record or self._start_server(server, started)
                tasks.append(side_by_side.submit(self._wait_for, server, record, shown))
            for task in tasks:
                task.result()
        finally:
            # Not `with`: after Ctrl-C the servers must be stopped before the tasks can end.
            side_by_side.shutdown(wait=False)

    def _stop_another_version(self) -> None:
        """Stops servers that were started from other code: the new code may require other ones."""
        version = servers.version(PROJECT_ROOT / "uv.lock")
        file = self.paths.version_file
        known = file.read_text(encoding="utf-8") if file.exists() else None
        running = [server for server in self._servers if self._processes.running(server.name)]
        if running and known != version:
            self._stop(running)
        write_atomically(self.paths.version_file, version)

    def _start_server(self, server: Server, started: list[Server]) -> ProcessRecord:
        # A dead server may have left workers.
        self._processes.stop(server.name, server.stop_grace_seconds)
        started.append(server)
        return servers.start(server, self._processes)

    def _wait_for(self, server: Server, record: ProcessRecord, shown: Progress) -> None:
        with shown.step(f"start {server.title}") as step:
            servers.wait_until_ready(server, record)
            step.outcome = f"port {server.port}"

    def _replace_broken_engine(self, started: list[Server]) -> None:
        """Restarts the engine where its stack can no longer be updated.

        Deleting the stack would delete the tables; stopping the engine keeps them.
        """
        if is_wrecked(self.aws, STACK_NAME):
            engine = self._servers[-1]
            with self._progress.step(f"restart {engine.title}: its stack is broken"):
                record = self._start_server(engine, started)
                servers.wait_until_ready(engine, record)

    def _stop(self, unwanted: Sequence[Server]) -> bool:
        """Stops servers, the last started first; returns whether any was running."""
        if unwanted:
            self.paths.stack_file.unlink(missing_ok=True)
        running = [server for server in unwanted if self._processes.running(server.name)]
        for server in reversed(unwanted):
            shown = self._progress if server in running else SILENT
            with shown.step(f"stop {server.title}"):
                self._processes.stop(server.name, server.stop_grace_seconds)
        return bool(running)

    def _bring_up_to_date(self, *, engine_is_new: bool) -> Stack:
        """Deploys, seeds and publishes the project's files; writes stack.json."""
        dynamodb = self.aws.client("dynamodb")
        if marked := mark_unsettled_orders(dynamodb, f"{STACK_NAME}-order"):
            with self._progress.step("migrate the orders of an earlier version") as step:
                step.outcome = f"{marked} orders"
        with self._progress.step("deploy template.yaml") as step:
            deployment = deploy(
                self.aws,
                STACK_NAME,
                self.paths.root / "template.yaml",
                self.paths.package,
                self._parameters,
            )
            step.outcome = "changed" if deployment.changed else "no changes"
        self._keep_token_keys(deployment.outputs["TokenKeysArn"], engine_is_new=engine_is_new)
        stack = stack_of(
            deployment.outputs,
            stack_name=STACK_NAME,
            region=REGION,
            endpoint_url=self.aws.endpoint_url,
            log_file=str(self.paths.engine_log),
        )
        self.seed(stack)
        with self._progress.step("provide an operator") as step:
            is_new = provide_operator(dynamodb, stack, self.paths.operator_file)
            step.outcome = "new" if is_new else "no changes"
        self.publish(stack)
        stack.save(self.paths.stack_file)
        return stack

    def _keep_token_keys(self, arn: str, *, engine_is_new: bool) -> None:
        """Tokens outlive the engine, as orders do, so their keys have to."""
        secrets = self.aws.client("secretsmanager")
        if engine_is_new:
            restore_keys(secrets, arn, self.paths.token_keys_file)
        keep_keys(self.paths.token_keys_file, read_keys(secrets, arn))

    def _recover(self, stack: Stack) -> None:
        """Makes the order service resume its open orders, whose sagas ended with their engine.

        Its sweeper would do so some minutes later, so a failure is only reported.
        """
        with self._progress.step("resume open orders") as step:
            try:
                swept = call_function(Deployment.of(stack), "SweepOrders", {"grace_seconds": 0})
            except OperationRefused:
                step.outcome = "failed; see `make logs F=SweepOrders`"
            else:
                step.outcome = f"{len(swept['repaired'])} orders"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keeps two commands from starting or stopping the same store at once."""
        self.paths.lock_file.parent.mkdir(parents=True, exist_ok=True)
        with self.paths.lock_file.open("w") as lock:
            deadline = time.monotonic() + LOCK_WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as exc:
                    if time.monotonic() > deadline:
                        raise StoreBusy(self.paths.port) from exc
                time.sleep(LOCK_POLL_SECONDS)
            yield
