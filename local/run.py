"""`python -m local`, which is `make run`: servers, migrations, demo data, then everything that serves."""

import time
from collections.abc import Mapping
from contextlib import suppress

from local.children import list_children, list_probes
from local.environment import (
    Plan,
    build_child_environment,
    build_variables,
    publish_variables,
    read_plan,
    withdraw_variables,
)
from local.folders import Folders, hold_lock, prepare_folders, resolve_data_dir
from local.interruption import Interrupted, Interruption
from local.keys import load_keys
from local.logs import LogFile
from local.owner import Owner, find_owner
from local.ports import HOST, require_free_port
from local.processes import end_leftovers, run_step
from local.screen import say
from local.servers import RUN_PORTS, run_servers
from local.supervisor import Supervisor

READY_SECONDS = 90


def run_everything(environ: Mapping[str, str]) -> int:
    """Serve until Ctrl-C, then stop everything and keep the data; the exit code.

    Raises `LocalError` for whatever a person has to mend first.
    """
    interruption = Interruption()
    interruption.listen()
    plan = read_plan(environ)
    owner = find_owner()
    folders = prepare_folders(resolve_data_dir(environ.get("DATA_DIR")), owner)
    with hold_lock(folders.data):
        withdraw_variables(folders.data)  # of a killed run: they point at nothing now
        for name in end_leftovers(folders.data / "children"):
            say(f"ended {name}, which a killed run had left behind")
        require_free_port(plan.web_port, variable="WEB_PORT")
        if plan.sandbox:
            require_free_port(plan.sandbox_port, variable="SANDBOX_PORT")
        with suppress(Interrupted):
            _serve(plan=plan, folders=folders, owner=owner, environ=environ, interruption=interruption)
    say("stopped; the data stay in " + str(folders.data))
    return 0


def _serve(
    *, plan: Plan, folders: Folders, owner: Owner, environ: Mapping[str, str], interruption: Interruption
) -> None:
    began = time.monotonic()
    say("starting PostgreSQL and Valkey")
    with run_servers(folders=folders, owner=owner, environ=environ, preferred_ports=RUN_PORTS) as servers:
        keys = load_keys(folders.data)
        variables = build_variables(environ, plan=plan, data=folders.data, urls=servers.urls, keys=keys)
        child_environ = build_child_environment(environ, variables)
        children = list_children(plan=plan, folders=folders, environ=child_environ)
        supervisor = Supervisor(children=children, servers=servers, interruption=interruption)
        publish_variables(folders.data, variables)
        try:
            access = _start(supervisor, plan=plan, folders=folders, environ=child_environ, interruption=interruption)
            _greet(plan, folders=folders, access=access, seconds=time.monotonic() - began)
            supervisor.watch()
        finally:
            say("stopping")
            supervisor.stop()
            withdraw_variables(folders.data)


def _start(
    supervisor: Supervisor,
    *,
    plan: Plan,
    folders: Folders,
    environ: Mapping[str, str],
    interruption: Interruption,
) -> str:
    """Bring database and children up; the demo sign-ins, for people to read."""

    def manage(*arguments: str) -> str:
        interruption.raise_if_asked()
        log = LogFile(folders.logs / f"{arguments[0]}.log")
        log.rotate()
        return run_step(list(arguments), environ=environ, log=log, interruption=interruption)

    if plan.sandbox:
        supervisor.start("sandbox")  # it needs no database, so it comes up meanwhile
    say("bringing the database up to date")
    manage("migrate", "--no-input")
    if plan.sandbox:
        say("loading demo data")
        manage("load_demo")
    say("starting " + ", ".join(child.name for child in reversed(supervisor.children)))
    supervisor.start_rest()
    access = manage("demo_access") if plan.sandbox else ""
    supervisor.wait_until_ready(list_probes(plan), seconds=READY_SECONDS)
    return access


def _greet(plan: Plan, *, folders: Folders, access: str, seconds: float) -> None:
    web = f"http://{HOST}:{plan.web_port}"
    say(f"\nStarhash is ready, after {seconds:.0f} s.\n")
    say(f"  home         {web}/")
    if plan.sandbox:
        say(f"  phone        {web}/simulator/")
    say(f"  back office  {web}/admin/")
    if plan.sandbox:
        say(f"  sandbox      http://{HOST}:{plan.sandbox_port}/")
    say(f"  logs         {folders.logs}")
    if access:
        say(f"\n{access.rstrip()}")
    say("\nCtrl-C stops everything; the data stay.\n")
