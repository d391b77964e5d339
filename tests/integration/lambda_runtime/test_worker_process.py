"""One worker process with AWS's runtime client in it, without the engine around it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from localstack_embedded.lambda_runtime.models import FunctionSpec, Invocation, Outcome
from localstack_embedded.lambda_runtime.worker import Worker
from localstack_embedded.lambda_runtime.zygote import Zygotes

StartWorker = Callable[..., Worker]


def spec_of(package: Path, variables: dict[str, str], timeout_seconds: int) -> FunctionSpec:
    return FunctionSpec(
        qualifier="$LATEST",
        handler="app.handler",
        package=package,
        timeout_seconds=timeout_seconds,
        memory_mb=256,
        variables={"LAMBDA_TASK_ROOT": str(package), "PATH": os.defpath} | variables,
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    folder.mkdir()
    return folder


@pytest.fixture
def start_worker(tmp_path: Path, package: Path) -> Iterator[StartWorker]:
    """Starts a worker for a module's source; the other arguments are the function's."""
    zygotes = Zygotes(Path(sys.executable))
    workers: list[Worker] = []

    def start(
        source: str,
        *,
        timeout_seconds: int = 10,
        generation: str = "",
        variables: dict[str, str] | None = None,
    ) -> Worker:
        (package / "app.py").write_text(source)
        spec = spec_of(package, variables or {}, timeout_seconds)
        worker = Worker(spec, zygotes, generation=generation, scratch=tmp_path / "scratch")
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.retire()
    zygotes.close()


def a_call(event: object = None, *, request_id: str = "request-1") -> Invocation:
    return Invocation(
        request_id=request_id,
        function_arn="arn:aws:lambda:us-east-1:000000000000:function:app",
        payload=json.dumps(event).encode(),
        trace_header="Root=1-0-1;Parent=0000000000000001;Sampled=1",
        client_context=None,
    )


def answer_of(outcome: Outcome) -> Any:
    return json.loads(outcome.payload)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_ended(pid: int) -> None:
    deadline = time.monotonic() + 5
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} is still running"
        time.sleep(0.01)


def test_one_process_serves_call_after_call(start_worker: StartWorker) -> None:
    worker = start_worker("import os\ndef handler(event, context): return [os.getpid(), event]")

    answers = [answer_of(worker.invoke(a_call(number))) for number in range(3)]

    assert answers == [[worker.pid, 0], [worker.pid, 1], [worker.pid, 2]]


def test_only_the_first_call_reports_the_init(start_worker: StartWorker) -> None:
    worker = start_worker("print('loading')\ndef handler(event, context): print('working')")

    cold, warm = worker.invoke(a_call()), worker.invoke(a_call())

    assert cold.logs.splitlines()[:3] == [
        "loading",
        "START RequestId: request-1 Version: $LATEST",
        "working",
    ]
    assert "Init Duration" in cold.logs
    assert "loading" not in warm.logs
    assert "Init Duration" not in warm.logs


def test_output_larger_than_a_pipe_is_kept_whole(start_worker: StartWorker) -> None:
    worker = start_worker(
        "def handler(event, context):\n  for n in range(20000): print('line', n)\n  return n"
    )

    outcome = worker.invoke(a_call())

    assert answer_of(outcome) == 19999
    assert [line for line in outcome.logs.splitlines() if line.startswith("line")] == [
        f"line {number}" for number in range(20000)
    ]


def test_an_exception_leaves_the_worker_warm(start_worker: StartWorker) -> None:
    worker = start_worker(
        "class OutOfStock(Exception): pass\n"
        "def handler(event, context):\n"
        "  if event: raise OutOfStock('none left')\n"
        "  return 'fine'"
    )

    failed = worker.invoke(a_call(True))

    assert failed.is_error
    assert answer_of(failed)["errorType"] == "OutOfStock"
    assert answer_of(worker.invoke(a_call(False))) == "fine"


def test_a_timeout_kills_the_worker_and_what_it_started(start_worker: StartWorker) -> None:
    worker = start_worker(
        "import subprocess, time\n"
        "def handler(event, context):\n"
        "  print('child', subprocess.Popen(['sleep', '60']).pid)\n"
        "  time.sleep(60)",
        timeout_seconds=1,
    )

    outcome = worker.invoke(a_call())

    assert answer_of(outcome) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: request-1 Error: Task timed out after 1.00 seconds",
    }
    assert not worker.is_alive()
    child = next(line for line in outcome.logs.splitlines() if line.startswith("child"))
    wait_until_ended(int(child.split()[1]))


def test_a_worker_that_prints_without_end_still_times_out(start_worker: StartWorker) -> None:
    worker = start_worker(
        "def handler(event, context):\n  while True: print('x' * 1000)", timeout_seconds=1
    )

    assert answer_of(worker.invoke(a_call()))["errorType"] == "Sandbox.Timedout"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("os._exit(3)", "Error: Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Error: Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "Error: Runtime exited with error: signal: killed"),
    ],
)
def test_a_worker_that_ends_during_a_call_is_an_exit_error(
    start_worker: StartWorker, statement: str, reason: str
) -> None:
    worker = start_worker(f"import os\ndef handler(event, context): {statement}")

    outcome = worker.invoke(a_call())

    assert answer_of(outcome) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: request-1 {reason}",
    }
    assert not worker.is_alive()


@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("import there_is_no_such_module", "Runtime.ImportModuleError"),
        ("def handler(event, context) return 1", "Runtime.UserCodeSyntaxError"),
        ("answer = 42", "Runtime.HandlerNotFound"),
        ("raise ValueError('bad setting')", "ValueError"),
        ("import sys; sys.exit(7)", "Runtime.ExitError"),
    ],
)
def test_a_module_that_does_not_load_names_why(
    start_worker: StartWorker, source: str, error_type: str
) -> None:
    worker = start_worker(source)

    outcome = worker.invoke(a_call())

    assert outcome.is_error
    assert answer_of(outcome)["errorType"] == error_type
    assert "Status: error" in outcome.logs
    assert not worker.is_alive()


def test_a_response_over_6_mb_is_refused_and_the_worker_kept(start_worker: StartWorker) -> None:
    worker = start_worker("def handler(event, context): return 'x' * event")

    outcome = worker.invoke(a_call(6 * 1024 * 1024 + 99))

    assert answer_of(outcome)["errorType"] == "Function.ResponseSizeTooLarge"
    # 100 bytes of grace, two of which are the quotes.
    assert not worker.invoke(a_call(6 * 1024 * 1024 + 98)).is_error


AN_ENGINE = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_worker_process import Worker, Zygotes, a_call, spec_of
package = Path(sys.argv[1])
zygotes = Zygotes(Path(sys.executable))
worker = Worker(spec_of(package, {}, 10), zygotes, generation="", scratch=package / "scratch")
worker.invoke(a_call())
print(worker.pid, flush=True)
time.sleep(60)
"""


def test_workers_and_zygotes_die_with_the_engine(package: Path) -> None:
    # Given a process with a worker
    (package / "app.py").write_text("def handler(event, context): return 1")
    command = [sys.executable, "-c", AN_ENGINE, package, Path(__file__).parent, *sys.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        worker = psutil.Process(int(engine.stdout.readline()))
        zygote = worker.parent()
        assert zygote is not None
        assert is_running(worker.pid)

        # When it is killed, then the others end
        engine.kill()
    wait_until_ended(worker.pid)
    wait_until_ended(zygote.pid)


def test_a_zygote_that_was_killed_is_replaced_and_its_workers_go_on(
    start_worker: StartWorker,
) -> None:
    source = "import os\ndef handler(event, context): return os.getppid()"
    orphan = start_worker(source)
    zygote = answer_of(orphan.invoke(a_call()))

    os.kill(zygote, signal.SIGKILL)
    wait_until_ended(zygote)

    assert answer_of(start_worker(source).invoke(a_call())) != zygote
    assert not orphan.invoke(a_call()).is_error
    orphan.retire()
    wait_until_ended(orphan.pid)


def test_workers_of_one_generation_share_a_zygote(start_worker: StartWorker) -> None:
    source = "import os\ndef handler(event, context): return os.getppid()"
    generations = ("1", "1", "2")

    first, second, changed = (
        answer_of(start_worker(source, generation=generation).invoke(a_call()))
        for generation in generations
    )

    assert first == second != changed


def test_the_packages_modules_win_over_the_runtimes(
    start_worker: StartWorker, package: Path
) -> None:
    (package / "boto3.py").write_text("__version__ = 'of the package'")

    worker = start_worker("import boto3\ndef handler(event, context): return boto3.__version__")

    assert answer_of(worker.invoke(a_call())) == "of the package"


def test_a_function_s_pythonpath_is_searched_after_its_package(
    start_worker: StartWorker, package: Path, tmp_path: Path
) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "of_layer.py").write_text("WORD = 'layer'")
    (layer / "of_both.py").write_text("WORD = 'layer'")
    (package / "of_both.py").write_text("WORD = 'package'")

    worker = start_worker(
        "import of_both, of_layer\ndef handler(event, context): return of_layer.WORD, of_both.WORD",
        variables={"PYTHONPATH": str(layer)},
    )

    assert answer_of(worker.invoke(a_call())) == ["layer", "package"]


def test_the_sdk_reads_each_workers_own_environment(start_worker: StartWorker) -> None:
    source = (
        "import boto3\n"
        "def handler(event, context):\n"
        "  client = boto3.client('dynamodb')\n"
        "  keys = boto3.Session().get_credentials()\n"
        "  return [client.meta.region_name, client.meta.endpoint_url, keys.access_key]"
    )

    def seen_in(region: str) -> object:
        url = f"http://{region}.invalid"
        variables = {
            "AWS_DEFAULT_REGION": region,
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": f"key of {region}",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        return answer_of(start_worker(source, variables=variables).invoke(a_call()))

    assert seen_in("eu-west-1") == ["eu-west-1", "http://eu-west-1.invalid", "key of eu-west-1"]
    assert seen_in("us-east-2") == ["us-east-2", "http://us-east-2.invalid", "key of us-east-2"]


def test_workers_have_no_threads_or_descriptors_of_each_other(start_worker: StartWorker) -> None:
    source = (
        "import os, threading\n"
        "def handler(event, context):\n"
        "  return [threading.active_count(), len(os.listdir('/dev/fd'))]"
    )

    first = answer_of(start_worker(source).invoke(a_call()))
    second = answer_of(start_worker(source).invoke(a_call()))

    assert first == second
    assert first[0] == len(["main", "die_with_the_engine"])


def test_a_worker_sees_only_its_own_environment(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
    worker = start_worker("import os\ndef handler(event, context): return sorted(os.environ)")

    names = answer_of(worker.invoke(a_call()))

    assert set(names) - {"LC_CTYPE"} == {
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "PATH",
        "TMPDIR",
        "_X_AMZN_TRACE_ID",
    }


def test_temporary_files_end_with_the_worker(start_worker: StartWorker, tmp_path: Path) -> None:
    worker = start_worker(
        "import tempfile\ndef handler(event, context): return tempfile.mkstemp()[1]"
    )
    made = Path(answer_of(worker.invoke(a_call())))
    assert made.exists()

    worker.retire()

    assert not made.exists()
    assert tmp_path in made.parents
