"""The command line: `make bench`, `make bench ARGS="generation redemption --quick"`.

`python -m local exec --data .local/bench -- python -m benchmarks` gives it servers of its own, as safe as those of
`make run`; with DATABASE_URL and REDIS_URL set it uses those, in databases and under keys of its own.
"""

import argparse
import os
import signal
import sys
import time

from benchmarks.bench import Bench
from benchmarks.databases import Databases
from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe_machine
from benchmarks.report import print_table, write_json
from benchmarks.suites import SUITES


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"some of {', '.join(SUITES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, measures little")
    options = parser.parse_args(arguments)
    if unknown := set(options.suites) - set(SUITES):
        parser.error(f"no suite {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    try:
        urls = os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
    except KeyError as error:
        parser.error(f"{error.args[0]} is not set: use `make bench`, which starts servers for it")
    # Asked to end, we still end what we started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        run_suites(options.suites or list(SUITES), urls=urls, quick=options.quick)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def run_suites(names: list[str], *, urls: tuple[str, str], quick: bool) -> None:
    """Measure, print, write. Raises BenchmarkError; then nothing is written."""
    machine = describe_machine()
    databases = Databases(urls[0])
    bench = Bench(databases=databases, redis_url=urls[1], quick=quick)
    started = time.monotonic()
    with databases.held():
        servers = {"postgres": databases.facts(), "redis": bench.redis_facts()}
        _say("preparing")
        bench.prepare()
        for name in names:
            _say(name)
            SUITES[name](bench)
    busy = machine["load_average_at_start"][0]
    if busy > machine["cores"] / 2:
        bench.findings.remark(f"The machine was busy at the start (load {busy:g}): read the ratios, not the rest.")
    if quick:
        bench.findings.remark("Quick run: sizes are too small to say anything about speed.")
    if servers["postgres"]["fsync"] != "on" or servers["postgres"]["synchronous_commit"] != "on":
        bench.findings.remark("PostgreSQL does not wait for the disk here: production does, and is slower.")
    seconds = round(time.monotonic() - started)
    print_table(bench.findings)
    path = write_json(
        bench.findings,
        about={"quick": quick, "suites": names, "seconds": seconds, "machine": machine, "servers": servers},
    )
    print(f"\n{seconds} s; written to {path.parent.name}/{path.name} and {path.parent.name}/latest.json")


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
