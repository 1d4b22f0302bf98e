"""Events per second to a webhook on loopback, beside the same POSTs by the same client without the platform, in turns.

    python bench/webhooks.py                  # SQLite in a temporary folder; about a minute
    python bench/webhooks.py postgresql://…   # in this database, which must be empty

The receiver is another process, and answers at once. An event is the change of a record of its own with twelve fields, or
(«one record») of the same record as all others. The limit sends the bodies of such events, signed, in as many threads as
the platform does. Shown are events per second, and their share of the limit, in the middle of all rounds, with the least
and the greatest share of a round.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from threading import Thread

from change_log import make, values

from xrm_core.auth.secret_box import SecretBox
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.sealing import seal_all
from xrm_core.events import cursors, webhook_changes
from xrm_core.events.run_together import run_of
from xrm_core.events.webhook_posting import Signed
from xrm_core.events.webhook_sending import LANES, WebhookSource
from xrm_core.events.webhooks import Subject, Wanted, new_secret
from xrm_core.jobs.place import Place
from xrm_core.outgoing import Outgoing
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import system
from xrm_core.permissions.fitting import put_first
from xrm_core.permissions.in_force import in_force
from xrm_core.permissions.policy import load
from xrm_core.plugins import Plugins
from xrm_core.storage.engines import Database

ROUNDS, EVENTS = 5, 1_000
BODY = b'{"specversion":"1.0","data":{"record":{' + b'"f":"some text of a record",' * 25 + b'"g":1}}}'


@contextmanager
def receiving() -> Iterator[str]:
    """The address of the receiver."""
    command = [sys.executable, str(Path(__file__).with_name("webhook_receiver.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/hook"
        finally:
            process.kill()


def limit(url: str, outgoing: Outgoing) -> float:
    """Requests per second without the platform, signed as it does it."""
    key, left = new_secret(), iter(range(EVENTS))

    def work() -> None:
        for number in left:
            sent = Signed(url, f"evt_{number}", BODY, [key]).post(outgoing, "")
            assert sent.error is None, sent

    threads = [Thread(target=work) for _ in range(LANES)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return EVENTS / (time.perf_counter() - began)


class Platform:
    """A database with customers and a webhook."""

    def __init__(self, database: Database, url: str, outgoing: Outgoing) -> None:
        self.database = database
        self.records = make(database)
        self.place = Place("", database, Plugins())
        self.source = WebhookSource(SecretBox("k" * 40), outgoing)
        self.caller = system(self.records.model, "benchmark")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "roles.json").write_text('{"roles": {"admin": {}}}')
            (Path(folder) / "policies.csv").write_text("role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n")
            policies = load([Path(folder)], self.records.model)
        with database.begin() as connection:
            put_first(connection, policies)
            authority = Authority(self.records.model, in_force(connection, self.records.model))
            wanted = Wanted("bench", url, [Subject("customer")], "admin")
            webhook_changes.create(connection, self.source.box, authority, wanted)

    def write(self, *, one: bool) -> None:
        """So many changes, sealed."""
        with self.database.begin() as connection:
            made = [values(number) for number in range(1 if one else EVENTS)]
            [id_, *_] = self.records.create_many(connection, self.caller, "customer", made)
            for number in range(EVENTS - 1 if one else 0):
                self.records.update(connection, self.caller, "customer", id_, {"f1": f"other {number}"})
        seal_all(self.database, ChainKeys(""))

    def send(self) -> float:
        """Events per second."""
        began = time.perf_counter()
        while True:
            with self.database.read() as connection:
                [sender] = self.source(self.place, connection)
                cursor = cursors.cursors(connection, [sender.name])[sender.name]
                if cursor.position == cursors.head(connection):
                    return EVENTS / (time.perf_counter() - began)
            with self.database.begin() as connection:
                lease = cursors.claim(connection, sender.name, "bench")
            assert lease is not None
            run_of(self.place, sender, lease, 0, lambda: False).work()


def main(url: str) -> None:
    """Measure, and print."""
    outgoing = Outgoing([ip_network("127.0.0.0/8")])
    database = Database(url)
    with receiving() as address:
        platform = Platform(database, address, outgoing)
        found: dict[str, list[tuple[float, float]]] = {}
        for number in range(ROUNDS + 1):
            for what in ("many records", "one record"):
                platform.write(one=what == "one record")
                measures: list[Callable[[], float]] = [lambda: limit(address, outgoing), platform.send]
                rates = [measure() for measure in (measures if number % 2 else reversed(measures))]
                if number:  # the first warms up
                    found.setdefault(what, []).append((rates[0], rates[1]) if number % 2 else (rates[1], rates[0]))
    database.close()
    outgoing.close()
    for what, pairs in found.items():
        shares = [platform_rate / limit_rate for limit_rate, platform_rate in pairs]
        least, events = (statistics.median(each) for each in zip(*pairs, strict=True))
        share = f"{statistics.median(shares):5.0%}  ({min(shares):.0%} … {max(shares):.0%})"
        print(f"{what:13} {events:6.0f} events/s   limit {least:6.0f}/s   {share}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(f"sqlite:///{Path(temporary) / 'hooks.db'}")
