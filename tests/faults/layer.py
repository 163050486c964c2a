"""The preloaded layer (`layer.c`): builds it, arms it while a program runs, and cuts the power after a kill."""

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

OPEN, CREATE, READ, WRITE, SYNC, TRUNCATE, NAME, REMOVE = (1 << bit for bit in range(8))
FAIL, SHORT, KILL_BEFORE, KILL_AFTER = range(4)
CHANGES = CREATE | WRITE | SYNC | TRUNCATE | NAME | REMOVE
EVER = 2**64 - 1
# struct control of layer.c
LAYOUT = struct.Struct("<4Q8Q3I404s")


def build(folder):
    library = Path(folder) / "layer.so"
    source = Path(__file__).with_name("layer.c")
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
    return library


class Layer:
    """Faults below `store`; with `synced`, a folder beside it, also what a power cut would leave."""

    def __init__(self, library, folder, store, synced=False):
        self.control = Path(folder) / "control"
        self.control.write_bytes(bytes(LAYOUT.size))
        with open(self.control, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size)
        self.variables = {"LD_PRELOAD": str(library), "FAULTS_BELOW": str(store), "FAULTS_CONTROL": str(self.control)}
        self.store, self.synced, self.held = Path(store), None, []
        if synced:
            self.synced = Path(folder) / "synced"
            self.variables["FAULTS_SYNCED"] = str(self.synced)
            self.remember()

    def arm(self, kinds, first, last=None, action=FAIL, error=0):
        self.map[:] = LAYOUT.pack(0, 0, first, first if last is None else last, *[0] * 8, kinds, action, error, b"")

    def disarm(self):
        self.map[16:24] = bytes(8)

    @property
    def hits(self):
        return LAYOUT.unpack(self.map[:])[1]

    @property
    def seen(self):
        """Calls so far, by kind."""
        return {1 << bit: count for bit, count in enumerate(LAYOUT.unpack(self.map[:])[4:12])}

    @property
    def where(self):
        return LAYOUT.unpack(self.map[:])[-1].split(b"\0")[0].decode(errors="replace")

    def close(self):
        self.map.close()
        for folder in self.held:
            os.close(folder)

    def remember(self):
        """All that is there now is on the disk."""
        shutil.rmtree(self.synced, ignore_errors=True)
        self.synced.mkdir()
        for folder, folders, files in os.walk(self.store):
            inode = os.stat(folder).st_ino
            # Held open, so that a folder that is removed leaves its number to no other.
            self.held.append(os.open(folder, os.O_PATH))
            names = [("d", name) for name in folders] + [("f", name) for name in files]
            lines = [f"{kind} {os.lstat(os.path.join(folder, name)).st_ino} {name}\0" for kind, name in names]
            (self.synced / f"{inode}.names").write_text("".join(lines))
            for name in files:
                path = os.path.join(folder, name)
                inode = os.stat(path).st_ino
                shutil.copyfile(path, self.synced / str(inode))
                os.link(path, self.synced / f"{inode}.keep")

    def cut_power(self, random):
        """What the disk has after the power went: of each file its bytes, of each folder its names, as they were last
        synced. Or, by chance, as they were last seen: what nobody asked to be written may have been.

        A journalling file system keeps more than that: a commit of ext4 has every name that was changed before it.
        None promises more."""
        lost = 1.0 if random.random() < 0.5 else random.random()
        now = self.store.with_name("now")
        self.store.rename(now)
        seen_names, seen_files = {}, {}
        for folder, folders, files in os.walk(now):
            inode = os.stat(folder).st_ino
            seen_names[inode] = {name: ("d", os.stat(os.path.join(folder, name)).st_ino) for name in folders}
            seen_names[inode] |= {name: ("f", os.stat(os.path.join(folder, name)).st_ino) for name in files}
            seen_files |= {os.stat(os.path.join(folder, name)).st_ino: os.path.join(folder, name) for name in files}

        def names_of(inode):
            path = self.synced / f"{inode}.names"
            if inode in seen_names and (random.random() >= lost):
                return seen_names[inode]
            lines = path.read_text().split("\0")[:-1] if path.exists() else []
            fields = (line.split(" ", 2) for line in lines)
            return {name: (kind, int(inode)) for kind, inode, name in fields}

        def bytes_of(inode):
            synced, kept = self.synced / str(inode), self.synced / f"{inode}.keep"
            seen = seen_files.get(inode) or (kept if kept.exists() else None)
            if seen and random.random() >= lost:
                return Path(seen).read_bytes()
            return synced.read_bytes() if synced.exists() else b""

        def write(folder, inode):
            folder.mkdir()
            for name, (kind, inode) in names_of(inode).items():
                if kind == "d":
                    write(folder / name, inode)
                else:
                    (folder / name).write_bytes(bytes_of(inode))

        write(self.store, os.stat(now).st_ino)
        shutil.rmtree(now)
