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
    ready = run.server.ask("GET", "/api/ready")
    refused, wrong = len(run.ledger.refused), list(defects(run.ledger))
    run.ledger.refused.clear()
    return ready.status, refused, wrong


def begin(tools, disk):
    run = Run(tools)
    shutil.rmtree(run.store)
    mounted = disk(run.store)
    shutil.copytree(tools.store, run.store, dirs_exist_ok=True)
    run.take(tools.ledger)
    run.ledger.jobs_may_fail = True
    run.must_serve()
    return run, mounted


def end(run, what, problems):
    """After a restart: everything acknowledged, and nothing else."""
    if run.server.alive:
        run.server.stop()
    run.must_serve()
    problems += after("after a restart", run)
    run.server.stop()
    problems += doctor(run)
    print(f"{what}: {run.ledger.acknowledged} acknowledged, {len(problems)} wrong", *problems, sep="\n  ", flush=True)
    return bool(problems)


def full(tools, dice):
    run, disk = begin(tools, lambda at: Memory(at, 64))
    problems, refused = [], 0
    for free in (0, 4096, 65536, 300_000, MIB, 17 * MIB, 18 * MIB):
        disk.fill(free)
        _, more, wrong = all_steps(run, dice)
        refused += more
        problems += [f"{free} bytes free: {w}" for w in wrong]
        disk.make_room()
        run.becomes_ready()
        problems += [f"after {free} bytes free, {w}" for w in [*after("the same server", run), *run.problems]]
        run.problems.clear()
    failed = end(run, f"a full disk, {refused} refused", problems)
    disk.unmount()
    run.close()
    return failed


def read_only(tools, dice):
    run, disk = begin(tools, Ext4)
    disk.turn_read_only()
    ready, refused, problems = all_steps(run, dice)
    if ready != 503:
        problems.append(f"/api/ready says {ready} on a disk that takes nothing")
    run.server.kill()
    disk.repair()
    failed = end(run, f"a disk that turned read-only, {refused} refused", problems)
    disk.unmount()
    run.close()
    return failed


def unwritten(tools, dice):
    """The disk takes what is written and cannot keep it: fsync says EIO, and sooner or later all is read-only."""
    run, disk = begin(tools, Ext4)
    sh("sync", "-f", run.store)
    disk.below.fill(0)
    _, refused, problems = all_steps(run, dice)
    run.server.kill()
    disk.repair()
    failed = end(run, f"a disk that fails to write, {refused} refused", problems)
    disk.unmount()
    run.close()
    return failed


def descriptors(tools, dice):
    run, problems, refused = Run(tools, tools.store, tools.ledger), [], 0
    run.ledger.jobs_may_fail = True
    run.must_serve()
    process = run.server.child.pid
    limits = resource.prlimit(process, resource.RLIMIT_NOFILE)
    for spare in (2, 3, 4, 5, 6, 8, 10, 12):
        open_now = len(os.listdir(f"/proc/{process}/fd"))
        resource.prlimit(process, resource.RLIMIT_NOFILE, (open_now + spare, limits[1]))
        _, more, wrong = all_steps(run, dice)
        refused += more
        problems += [f"{spare} descriptors free: {w}" for w in wrong]
        resource.prlimit(process, resource.RLIMIT_NOFILE, limits)
        run.becomes_ready()
        problems += [f"after {spare} descriptors free, {w}" for w in [*after("the same server", run), *run.problems]]
        run.problems.clear()
    failed = end(run, f"no descriptors, {refused} refused", problems)
    run.close()
    return failed


def disks(tools, args):
    if os.geteuid() != 0:
        raise SystemExit("faults: mounting needs root")
    dice = random.Random(args.seed)
    return sum(mode(tools, dice) for mode in (full, read_only, unwritten, descriptors))
