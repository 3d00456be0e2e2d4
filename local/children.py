"""Which programs `make run` keeps running, and how each is started."""

import sys
from collections.abc import Mapping

from local.environment import Plan
from local.folders import Folders
from local.ports import HOST
from local.processes import Child
from local.supervisor import Probe

WEB = "gunicorn config.wsgi:application --worker-class gthread --workers 2 --threads 8 --graceful-timeout 8"
# Threads, because a payout mostly waits for its provider.
WORKER = "celery -A config worker -Q payouts,exports,notifications,default --pool threads --concurrency 8"
BEAT = "celery -A config beat --scheduler django_celery_beat.schedulers:DatabaseScheduler"


def list_children(*, plan: Plan, folders: Folders, environ: Mapping[str, str]) -> list[Child]:
    """The children in the order of their start. They stop the other way round: web must take no more
    work before the worker goes, and the worker may still be speaking with the sandbox."""

    def make_child(name: str, command: str, *options: str, stop_seconds: float) -> Child:
        return Child(
            name=name,
            argv=[sys.executable, "-m", *command.split(), *options],
            environ=environ,
            logs=folders.logs,
            notes=folders.data / "children",
            stop_seconds=stop_seconds,
        )

    sandbox_options = {
        "--port": str(plan.sandbox_port),
        "--data": str(folders.data / "sandbox"),
        "--delivery-url": f"http://{HOST}:{plan.web_port}/api/v1/webhooks/ussd/delivery/",
    }
    words = [word for option in sandbox_options.items() for word in option]
    sandbox = make_child("sandbox", "sandbox", *words, stop_seconds=8)
    beat = make_child("beat", BEAT, "--loglevel", "INFO", stop_seconds=10)
    # one worker process group: it has nobody to gossip with
    worker = make_child("worker", WORKER, "--loglevel", "INFO", "--without-gossip", "--without-mingle", stop_seconds=20)
    web = make_child("web", WEB, "--bind", f"{HOST}:{plan.web_port}", "--no-control-socket", stop_seconds=12)
    return [*([sandbox] if plan.sandbox else []), beat, worker, web]


def list_probes(plan: Plan) -> list[Probe]:
    web = Probe(child="web", port=plan.web_port, path="/healthz/ready")
    sandbox = Probe(child="sandbox", port=plan.sandbox_port, path="/_sandbox/health")
    return [*([sandbox] if plan.sandbox else []), web]
