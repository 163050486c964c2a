"""Mixed work by several clients, and the server killed in the middle of it, again and again."""

import itertools
import random
import threading
import time

from calls import Run, doctor
from ledger import plant, report

CLIENTS = 4
# What a client does, and how often.
WORK = {"upload": 3, "parse": 4, "parse-job": 3, "clean": 2, "clean-job": 3, "rename": 4, "rename-while-parsed": 4, "move": 2,
        "delete": 3, "restore": 3, "purge": 2, "train": 1}


class Client:
    """Works on sessions that no other client touches, one request after the other, until the server is gone."""

    def __init__(self, number, run, numbers):
        self.number, self.run, self.numbers, self.mine, self.done = number, run, numbers, [], 0

    def pick(self, dice, state, parsed=False):
        self.mine = [session for session in self.mine if session in self.run.ledger.sessions]
        # One parse at a time: a second is refused, or fails.
        waiting = [session.id for session in self.run.ledger.jobs.values()]
        of_state = [s for s in self.mine if s.certain and s.states == {state} and (s.promised or not parsed) and s.id not in waiting]
        return dice.choice(of_state) if of_state else None

    def work(self, server, dice):
        while server.alive:
            what = dice.choices(list(WORK), WORK.values())[0]
            before = self.run.ledger.acknowledged
            self.one(what, server, dice)
            self.done += 1
            if self.run.ledger.acknowledged == before:
                time.sleep(0.005)

    def one(self, what, server, dice):
        ledger = self.run.ledger
        if what == "upload" and len(self.mine) < 5:
            number = next(self.numbers)
            self.mine.append(ledger.upload(server, report(number, rows=24 + number % 200), f"storm {number}"))
        elif what == "train":
            ledger.train(server, ledger.of_name("plant"), f"model-{self.number}")
        elif session := self.pick(dice, "deleted" if what in ("restore", "purge") else "live", parsed=what.startswith("clean")):
            name = f"{session.named} {next(self.numbers)}"
            match what:
                case "parse": ledger.parse(server, session, force=dice.random() < 0.5)
                case "parse-job": ledger.parse(server, session, wait=False, force=True)
                case "clean": ledger.clean(server, session)
                case "clean-job": ledger.clean(server, session, wait=False)
                case "rename": ledger.rename(server, session, name)
                case "move": ledger.move(server, session, f"SITE {next(self.numbers)}")
                case "delete": ledger.delete(server, session)
                case "restore": ledger.restore(server, session)
                case "purge": ledger.purge(server, session)
                case "rename-while-parsed":
                    parsing = threading.Thread(target=ledger.parse, args=(server, session), kwargs={"force": True})
                    parsing.start()
                    time.sleep(dice.random() * 0.03)
                    ledger.rename(server, session, name)
                    parsing.join()


def storm(tools, args):
    """`args.n` kills. With `args.power`, each is a power cut."""
    dice, run, failures = random.Random(args.seed), Run(tools), 0
    numbers = itertools.count(1)
    run.must_serve()
    run.ledger.parse(run.server, run.ledger.upload(run.server, plant(), "plant"))
    run.server.stop()
    clients = [Client(number, run, numbers) for number in range(CLIENTS)]
    for kill in range(1, args.n + 1):
        if args.power:
            run.under_faults(synced=True)
        run.must_serve()
        server = run.server
        threads = [threading.Thread(target=client.work, args=(server, random.Random(f"{args.seed}/{kill}/{client.number}")))
                   for client in clients]
        for thread in threads:
            thread.start()
        time.sleep(dice.random() * args.seconds)
        server.kill()
        for thread in threads:
            thread.join()
        if args.power:
            run.layer.cut_power(dice)
            run.without_faults()
        run.must_serve()
        ledger = run.ledger
        problems = ledger.check(run.server, run.store, patience=120)
        # A session that is parsed, models that refer to it, or the end of the server may refuse; nothing else may.
        problems += [f"{what}: {said}" for what, status, said in ledger.refused if status not in (0, 404, 409, 503)]
        ledger.refused.clear()
        run.server.stop() if kill % 2 else run.server.kill()
        if kill % 10 == 0 or kill == args.n or problems:
            problems += doctor(run)
        if problems:
            failures += 1
            print(f"\nscripts/faults kills --seed {args.seed}: kill {kill}", *problems, sep="\n  ", flush=True)
    live = len(run.ledger.sessions)
    versions = sum(len(session.promised) for session in run.ledger.sessions)
    print(f"{args.n} {'power cuts' if args.power else 'kills'}, {sum(client.done for client in clients)} requests, "
          f"{run.ledger.acknowledged} acknowledged; at the end {live} sessions, {versions} versions, {len(run.ledger.models)} models")
    run.close()
    return failures
