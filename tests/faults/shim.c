/* Counts the calls that change files below one folder, and lets the n-th of them go wrong.

   Loaded with LD_PRELOAD. What to do is read from a small file that SHIM_CONTROL names, mapped
   into every process: so a test may arm it, and forked or spawned processes share one count. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { OFF, LIST, KILL, TORN, ONCE, EVER };
enum kind { WRITE = 1, SYNC = 2, CUT = 4, NAME = 8, REMOVE = 16, MAKE = 32 };

struct control {
    int64_t mode, target, error, kinds, count, fired; /* kinds: a mask of those that count */
    char folder[464];
};
static struct control *control;
static int list = -1;

__attribute__((constructor)) static void load(void) {
    const char *path = getenv("SHIM_CONTROL");
    if (!path) return;
    int file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0) return;
    void *seen = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    if (seen == MAP_FAILED) return;
    char log[4200];
    snprintf(log, sizeof log, "%s.list", path);
    int made = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    list = fcntl(made, F_DUPFD_CLOEXEC, 700); /* out of the way of numbers that programs expect */
    syscall(SYS_close, made);
    control = seen;
}

static int below(const char *path) {
    size_t length = strlen(control->folder);
    return length && !strncmp(path, control->folder, length) && path[length] == '/';
}

static const char *of_fd(int fd, char *buffer) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, buffer, 4095);
    buffer[length < 0 ? 0 : length] = 0;
    return buffer;
}

static const char *of_name(int folder, const char *path, char *buffer) {
    if (path[0] == '/') return path;
    char base[4096];
    if (folder == AT_FDCWD) { if (!getcwd(base, sizeof base)) base[0] = 0; }
    else of_fd(folder, base);
    snprintf(buffer, 4096, "%.2000s/%.2000s", base, path);
    return buffer;
}

enum verdict { PASS, FAIL, HALF };

static void die(void) { syscall(SYS_kill, getpid(), SIGKILL); for (;;) pause(); }

static enum verdict judge(enum kind kind, const char *name, const char *path) {
    if (!control || control->mode == OFF || !(control->kinds & kind) || !below(path)) return PASS;
    int64_t mine = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
    if (control->mode == LIST) {
        char line[4300];
        int n = snprintf(line, sizeof line, "%ld\t%s\t%s\n", (long)mine, name,
                         path + strlen(control->folder) + 1);
        syscall(SYS_write, list, line, n);
        return PASS;
    }
    if (mine < control->target || (mine > control->target && control->mode != EVER)) return PASS;
    /* a full disk still lets files be removed */
    if (control->mode >= ONCE && control->error == ENOSPC && kind == REMOVE) return PASS;
    __atomic_store_n(&control->fired, 1, __ATOMIC_SEQ_CST);
    if (control->mode == KILL) die();
    if (control->mode == TORN) return HALF;
    errno = control->error;
    if (mine == control->target && control->mode == EVER && kind == WRITE) return HALF;
    return FAIL;
}

/* a call that cannot be done by half is done, and then the process ends */
#define WHOLE(kind, name, path, call) do { \
    enum verdict v = judge(kind, name, path); \
    if (v == FAIL) return -1; \
    long r = (call); int kept = errno; \
    if (v == HALF && control->mode == TORN) die(); \
    errno = kept; return r; } while (0)

#define TORN_WRITE(name, fd, length, whole, half) do { \
    char b[4096]; enum verdict v = judge(WRITE, name, of_fd(fd, b)); \
    if (v == FAIL) return -1; \
    if (v == PASS) return (whole); \
    long r = (length) / 2 ? (half) : 0; \
    if (control->mode == TORN) die(); \
    if (r <= 0) { errno = control->error; return -1; } \
    return r; } while (0)

ssize_t write(int fd, const void *data, size_t n) {
    TORN_WRITE("write", fd, n, syscall(SYS_write, fd, data, n), syscall(SYS_write, fd, data, n / 2));
}
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) {
    TORN_WRITE("pwrite", fd, n, syscall(SYS_pwrite64, fd, data, n, at),
               syscall(SYS_pwrite64, fd, data, n / 2, at));
}
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { return pwrite64(fd, data, n, at); }
ssize_t writev(int fd, const struct iovec *parts, int n) {
    TORN_WRITE("writev", fd, n, syscall(SYS_writev, fd, parts, n),
               syscall(SYS_writev, fd, parts, n / 2));
}
ssize_t sendfile64(int out, int in, off64_t *at, size_t n) {
    TORN_WRITE("sendfile", out, n, syscall(SYS_sendfile, out, in, at, n),
               syscall(SYS_sendfile, out, in, at, (size_t)100));
}
ssize_t sendfile(int out, int in, off_t *at, size_t n) { return sendfile64(out, in, at, n); }
ssize_t copy_file_range(int in, off64_t *ai, int out, off64_t *ao, size_t n, unsigned f) {
    TORN_WRITE("copy_file_range", out, n, syscall(SYS_copy_file_range, in, ai, out, ao, n, f),
               syscall(SYS_copy_file_range, in, ai, out, ao, (size_t)100, f));
}

int fsync(int fd) { char b[4096]; WHOLE(SYNC, "fsync", of_fd(fd, b), syscall(SYS_fsync, fd)); }
int fdatasync(int fd) {
    char b[4096]; WHOLE(SYNC, "fdatasync", of_fd(fd, b), syscall(SYS_fdatasync, fd));
}
int ftruncate64(int fd, off64_t n) {
    char b[4096]; WHOLE(CUT, "ftruncate", of_fd(fd, b), syscall(SYS_ftruncate, fd, n));
}
int ftruncate(int fd, off_t n) { return ftruncate64(fd, n); }

int renameat2(int from, const char *a, int to, const char *b, unsigned flags) {
    char buffer[4096];
    WHOLE(NAME, "rename", of_name(to, b, buffer), syscall(SYS_renameat2, from, a, to, b, flags));
}
int renameat(int from, const char *a, int to, const char *b) { return renameat2(from, a, to, b, 0); }
int rename(const char *a, const char *b) { return renameat2(AT_FDCWD, a, AT_FDCWD, b, 0); }
int linkat(int from, const char *a, int to, const char *b, int flags) {
    char buffer[4096];
    WHOLE(NAME, "link", of_name(to, b, buffer), syscall(SYS_linkat, from, a, to, b, flags));
}
int link(const char *a, const char *b) { return linkat(AT_FDCWD, a, AT_FDCWD, b, 0); }

int unlinkat(int folder, const char *path, int flags) {
    char buffer[4096];
    WHOLE(REMOVE, "unlink", of_name(folder, path, buffer), syscall(SYS_unlinkat, folder, path, flags));
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdirat(int folder, const char *path, mode_t mode) {
    char buffer[4096];
    WHOLE(MAKE, "mkdir", of_name(folder, path, buffer), syscall(SYS_mkdirat, folder, path, mode));
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

static int opened(int folder, const char *path, int flags, mode_t mode) {
    char buffer[4096];
    int makes = (flags & O_TRUNC)
        || ((flags & O_CREAT) && syscall(SYS_faccessat, folder, path, F_OK));
    if (!makes) return syscall(SYS_openat, folder, path, flags, mode);
    WHOLE(MAKE, "open", of_name(folder, path, buffer),
          syscall(SYS_openat, folder, path, flags, mode));
}
#define MODE(flags) mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) \
        { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
int openat(int folder, const char *path, int flags, ...)
    { MODE(flags) return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...)
    { MODE(flags) return opened(folder, path, flags | O_LARGEFILE, mode); }
int open(const char *path, int flags, ...)
    { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...)
    { MODE(flags) return opened(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int creat(const char *path, mode_t mode)
    { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }
