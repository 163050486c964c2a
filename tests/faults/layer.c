/* Fails, cuts short or kills a program at the n-th call that opens, writes, syncs, names or removes a file below one
 * folder, counted over all threads; and keeps what was synced, for a power cut to go back to.
 *
 *     cc -shared -fPIC -O2 -o layer.so layer.c
 *     LD_PRELOAD=layer.so FAULTS_BELOW=/store FAULTS_CONTROL=/file FAULTS_SYNCED=/folder program
 *
 * The kernel hands every such call to `on_call` (seccomp, SIGSYS), whoever makes it: libc, SQLite, or a library that
 * does not go through libc for it. FAULTS_CONTROL is a `struct control`, mapped, so faults come and go while the program
 * runs. With FAULTS_SYNCED (a folder of the same file system, for hard links) each fsync leaves there what it made
 * durable, and no more: a file's bytes as N, a folder's names as N.names, where N is the inode; N.keep is the file
 * itself, so that no number is used twice. `layer.py` reads both. x86-64 Linux. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

enum { OPEN = 1, CREATE = 2, READ = 4, WRITE = 8, SYNC = 16, TRUNCATE = 32, NAME = 64, REMOVE = 128 };
enum { FAIL, SHORT, KILL_BEFORE, KILL_AFTER };

static struct control {
    uint64_t count, hits;          /* calls of `kinds` so far, and how many of them were hit */
    uint64_t first, last;          /* which are hit, from 1; none while first is 0 */
    uint64_t seen[8];              /* calls so far, of each kind */
    uint32_t kinds, action, error; /* a mask of kinds; FAIL with this errno, or another action */
    char where[404];               /* the first that was hit */
} *control;
static const char *below, *synced;

/* Calls that are handed over: the kind, and which arguments name the file: a descriptor, a path, or a folder and a path. */
enum { FD, PATH, AT };
static const struct { short number, kind, by, argument; const char *name; } calls[] = {
    {SYS_open, OPEN, PATH, 0, "open"}, {SYS_openat, OPEN, AT, 0, "openat"}, {SYS_creat, CREATE, PATH, 0, "creat"},
    {SYS_read, READ, FD, 0, "read"}, {SYS_pread64, READ, FD, 0, "pread"},
    {SYS_write, WRITE, FD, 0, "write"}, {SYS_pwrite64, WRITE, FD, 0, "pwrite"}, {SYS_writev, WRITE, FD, 0, "writev"},
    {SYS_copy_file_range, WRITE, FD, 2, "copy_file_range"}, {SYS_sendfile, WRITE, FD, 0, "sendfile"},
    {SYS_fallocate, WRITE, FD, 0, "fallocate"}, {SYS_ftruncate, TRUNCATE, FD, 0, "ftruncate"},
    {SYS_truncate, TRUNCATE, PATH, 0, "truncate"}, {SYS_fsync, SYNC, FD, 0, "fsync"},
    {SYS_fdatasync, SYNC, FD, 0, "fdatasync"}, {SYS_rename, NAME, PATH, 1, "rename"},
    {SYS_renameat, NAME, AT, 2, "renameat"}, {SYS_renameat2, NAME, AT, 2, "renameat2"},
    {SYS_link, NAME, PATH, 1, "link"}, {SYS_linkat, NAME, AT, 2, "linkat"}, {SYS_mkdir, NAME, PATH, 0, "mkdir"},
    {SYS_mkdirat, NAME, AT, 0, "mkdirat"}, {SYS_unlink, REMOVE, PATH, 0, "unlink"},
    {SYS_unlinkat, REMOVE, AT, 0, "unlinkat"}, {SYS_rmdir, REMOVE, PATH, 0, "rmdir"},
};
enum { CALLS = sizeof calls / sizeof *calls };

/* The one place whose calls the kernel lets through. */
long layer_call(long number, long a, long b, long c, long d, long e, long f);
extern const char layer_called[];
__asm__(".text\n.globl layer_call\n.hidden layer_call\n.hidden layer_called\n.globl layer_called\nlayer_call:\n"
        "mov %rdi, %rax\nmov %rsi, %rdi\nmov %rdx, %rsi\nmov %rcx, %rdx\nmov %r8, %r10\nmov %r9, %r8\n"
        "mov 8(%rsp), %r9\nsyscall\nlayer_called:\nret\n");

static int opened(const char *path, int flags) { return layer_call(SYS_openat, AT_FDCWD, (long)path, flags, 0600, 0, 0); }

/* Where a descriptor, or a name in the folder of a descriptor, lies. */
static void locate(char *path, int fd, const char *name) {
    char link[64];
    ssize_t length = 0;
    if (!name || *name != '/') {
        if (fd == AT_FDCWD) strcpy(link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        length = readlink(link, path, PATH_MAX - 1);
        if (length < 0) length = 0;
        if (name && length < PATH_MAX - 1) path[length++] = '/';
    }
    path[length] = 0;
    if (name) strncat(path, name, PATH_MAX - 1 - length);
}

/* What an fsync has just made durable: the bytes of a file, or the names in a folder. */
static void keep(int fd) {
    struct stat found;
    char from[64], to[PATH_MAX], making[PATH_MAX], buffer[32768], line[NAME_MAX + 32];
    snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    if (fstat(fd, &found) || !(S_ISDIR(found.st_mode) || S_ISREG(found.st_mode))) return;
    int folder = S_ISDIR(found.st_mode);
    int reading = opened(from, O_RDONLY | O_CLOEXEC);
    snprintf(making, sizeof making, "%s/making-%d", synced, gettid());
    int writing = opened(making, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
    long got;
    while (folder && (got = syscall(SYS_getdents64, reading, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < got;) {
            struct dirent64 *entry = (struct dirent64 *)(buffer + at);
            at += entry->d_reclen;
            if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
            snprintf(to, sizeof to, "%s/%lu.keep", synced, entry->d_ino);
            if (entry->d_type == DT_REG) layer_call(SYS_linkat, reading, (long)entry->d_name, AT_FDCWD, (long)to, 0, 0);
            int length = snprintf(line, sizeof line, "%c %lu %s", entry->d_type == DT_DIR ? 'd' : 'f', entry->d_ino, entry->d_name);
            layer_call(SYS_write, writing, (long)line, length + 1, 0, 0, 0);
        }
    }
    while (!folder && (got = layer_call(SYS_read, reading, (long)buffer, sizeof buffer, 0, 0, 0)) > 0)
        layer_call(SYS_write, writing, (long)buffer, got, 0, 0, 0);
    close(writing);
    snprintf(to, sizeof to, "%s/%lu%s", synced, found.st_ino, folder ? ".names" : "");
    /* A folder has no hard links: its number is kept by leaving it open. */
    if (!folder || access(to, F_OK) == 0) close(reading);
    layer_call(SYS_rename, (long)making, (long)to, 0, 0, 0, 0);
    snprintf(to, sizeof to, "%s/%lu.keep", synced, found.st_ino);
    if (!folder) layer_call(SYS_linkat, AT_FDCWD, (long)from, AT_FDCWD, (long)to, AT_SYMLINK_FOLLOW, 0);
}

static long carry_out(int number, long *a) {
    int call = 0;
    while (call < CALLS - 1 && calls[call].number != number) call++;
    char path[PATH_MAX];
    long *argument = a + calls[call].argument;
    if (calls[call].by == PATH) locate(path, AT_FDCWD, (const char *)argument[0]);
    else locate(path, argument[0], calls[call].by == AT ? (const char *)argument[1] : NULL);
    size_t length = strlen(below);
    int ours = !strncmp(path, below, length) && (path[length] == '/' || !path[length]);
    unsigned kind = calls[call].kind;
    long flags = number == SYS_open ? a[1] : number == SYS_openat ? a[2] : 0;
    if (kind == OPEN && flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) kind = CREATE;
    int kill_after = 0;
    if (ours) __atomic_add_fetch(&control->seen[__builtin_ctz(kind)], 1, __ATOMIC_RELAXED);
    if (ours && control->kinds & kind) {
        uint64_t n = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
        if (control->first && n >= control->first && n <= control->last) {
            if (__atomic_add_fetch(&control->hits, 1, __ATOMIC_SEQ_CST) == 1)
                snprintf(control->where, sizeof control->where, "%s %s", calls[call].name, path + length);
            if (control->action == FAIL) return -(long)control->error;
            if (control->action == KILL_BEFORE) kill(getpid(), SIGKILL);
            kill_after = control->action == KILL_AFTER;
            if (control->action == SHORT && (number == SYS_write || number == SYS_pwrite64) && a[2] > 1) a[2] /= 2;
            if (control->action == SHORT && number == SYS_writev && a[2] > 1) a[2] = 1;
        }
    }
    long result = layer_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (ours && synced && kind == SYNC && result == 0) keep(a[0]);
    if (kill_after) kill(getpid(), SIGKILL);
    return result;
}

static void on_call(int signal, siginfo_t *info, void *context) {
    (void)signal;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    long arguments[] = {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
                        registers[REG_R10], registers[REG_R8], registers[REG_R9]};
    int before = errno;
    registers[REG_RAX] = carry_out(info->si_syscall, arguments);
    errno = before;
}

__attribute__((constructor)) static void begin(void) {
    below = getenv("FAULTS_BELOW"), synced = getenv("FAULTS_SYNCED");
    const char *file = getenv("FAULTS_CONTROL");
    if (!below || !file) return;
    int fd = open(file, O_RDWR | O_CLOEXEC);
    control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (control == MAP_FAILED) abort();
    /* No other handler on top of this one: its calls would be handed over while the signal is blocked. */
    struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO};
    sigfillset(&action.sa_mask);
    sigaction(SIGSYS, &action, NULL);
    uint64_t through = (uint64_t)layer_called;
    struct sock_filter filter[CALLS + 8] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)through, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(through >> 32), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    for (int call = 0; call < CALLS; call++)
        filter[6 + call] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[call].number, CALLS - call, 0);
    filter[6 + CALLS] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[7 + CALLS] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {.len = CALLS + 8, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) abort();
}
