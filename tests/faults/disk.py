"""Real machines that break: a full disk, one that turned read-only or does not take what is written, no descriptors left.

The disks are mounted, so this needs root."""

import os
import random
import resource
import shutil
import subprocess
import time

from calls import STEPS, Run, after, doctor
from ledger import defects
from program import Unanswered

MIB = 1 << 20


def sh(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode > 1:
        raise SystemExit(f"faults: {' '.join(map(str, command))}: {done.stderr}")
    return done.stdout.strip()


class Memory:
    """A file system in memory that can be filled up."""

    def __init__(self, at, mib):
        self.at, self.filler = at, at / "filler"
        at.mkdir(parents=True, exist_ok=True)
        sh("mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", at)

    def fill(self, free):
        """Leaves only so many bytes."""
        self.make_room()
        with open(self.filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(shutil.disk_usage(self.at).free - free, 1))

    def make_room(self):
        self.filler.unlink(missing_ok=True)

    def unmount(self):
        sh("umount", "-l", self.at)


class Ext4:
    """A file system on an image that lies in memory, and may find no room there for what it has promised to write."""

    def __init__(self, at, mib=64):
        self.at, self.below = at, Memory(at.with_name("below"), mib)
        self.image = self.below.at / "image"
        sh("truncate", "-s", f"{mib}M", self.image)
        sh("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,nodiscard", self.image)
        self.mount()

    def mount(self):
        self.at.mkdir(parents=True, exist_ok=True)
        sh("mount", "-o", "loop,errors=remount-ro,nodiscard", self.image, self.at)

    def turn_read_only(self):
        device = os.path.basename(sh("findmnt", "-no", "SOURCE", self.at))
        with open(f"/sys/fs/ext4/{device}/trigger_fs_error", "w") as trigger:
            trigger.write("told to")

    def repair(self):
        """As an operator does: unmount, check, mount again."""
        self.below.make_room()
        sh("umount", self.at)
        sh("fsck.ext4", "-fy", self.image)
        self.mount()

    def unmount(self):
        sh("umount", "-l", self.at)
        self.below.unmount()


def all_steps(run, dice, patience=8):
    """Every step, in any order, while something is wrong; what was refused must have said what."""
    names = list(STEPS)
    dice.shuffle(names)
    for name in names:
        STEPS[name](run)
    run.wait_until_quiet(patience)
    try:
        ready = run.server.ask("GET", "/api/ready").status
    except Unanswered:
        ready = None
    refused, wrong = len(run.ledger.refused), list(defects(run.ledger))
    run.ledger.refused.clear()
    return ready, refused, wrong


class Broken:
    """A run on a disk of its own that is going to break; afterwards, whether all is as it should be."""

    def __init__(self, tools, what, disk=None):
        self.run, self.what, self.problems, self.refused = Run(tools), what, [], 0
        shutil.rmtree(self.run.store)
        self.disk = disk and disk(self.run.store)
        shutil.copytree(tools.store, self.run.store, dirs_exist_ok=True)
        os.sync()
        self.run.take(tools.ledger)
        # A job is tried three times within some seconds.
        self.run.ledger.jobs_may_fail = True

    def __enter__(self):
        self.run.must_serve()
        return self

    def steps(self, dice, when=""):
        ready, refused, wrong = all_steps(self.run, dice)
        self.refused += refused
        self.problems += [f"{when}{w}" for w in wrong]
        return ready

    def works_again(self, when):
        self.run.becomes_ready()
        self.problems += [f"{when}{w}" for w in [*after("the same server", self.run), *self.run.problems]]
        self.run.problems.clear()

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                if self.run.server.alive:
                    self.run.server.stop()
                self.run.must_serve()
                self.problems += after("after a restart", self.run)
                self.run.server.stop()
                self.problems += doctor(self.run)
                print(f"{self.what}: {self.run.ledger.acknowledged} acknowledged, {self.refused} refused, {len(self.problems)} wrong",
                      *self.problems, sep="\n  ", flush=True)
        finally:
            self.run.close()
            if self.disk:
                self.disk.unmount()


def full(tools, dice):
    with Broken(tools, "a full disk", lambda at: Memory(at, 64)) as broken:
        for free in (0, 4096, 65536, 300_000, MIB, 17 * MIB, 18 * MIB):
            broken.disk.fill(free)
            broken.steps(dice, f"{free} bytes free: ")
            broken.disk.make_room()
            broken.works_again(f"after {free} bytes free, ")
    return len(broken.problems)


def read_only(tools, dice):
    with Broken(tools, "a disk that turned read-only", Ext4) as broken:
        broken.disk.turn_read_only()
        if (ready := broken.steps(dice)) != 503:
            broken.problems.append(f"/api/ready says {ready} on a disk that takes nothing")
        broken.run.server.kill()
        broken.disk.repair()
    return len(broken.problems)


def unwritten(tools, dice):
    """The disk takes what is written and cannot keep it: fsync says EIO, and sooner or later all is read-only."""
    with Broken(tools, "a disk that fails to write", Ext4) as broken:
        broken.disk.below.fill(0)
        broken.steps(dice)
        broken.run.server.kill()
        broken.disk.repair()
    return len(broken.problems)


def descriptors(tools, dice):
    with Broken(tools, "no descriptors") as broken:
        process = broken.run.server.child.pid
        limits = resource.prlimit(process, resource.RLIMIT_NOFILE)
        for spare in (3, 5, 8, 12):
            open_now = len(os.listdir(f"/proc/{process}/fd"))
            resource.prlimit(process, resource.RLIMIT_NOFILE, (open_now + spare, limits[1]))
            # Where a connection takes the last one, its request waits in the queue.
            broken.run.server.patience = 3
            broken.steps(dice, f"{spare} descriptors free: ")
            resource.prlimit(process, resource.RLIMIT_NOFILE, limits)
            broken.run.server.patience = 60
            # Requests that were given up are done now, if at all.
            time.sleep(2)
            broken.works_again(f"after {spare} descriptors free, ")
    return len(broken.problems)


def disks(tools, args):
    """Each in turn."""
    if os.geteuid() != 0:
        raise SystemExit("faults: mounting needs root")
    dice = random.Random(args.seed)
    return sum(mode(tools, dice) for mode in (full, read_only, unwritten, descriptors))
