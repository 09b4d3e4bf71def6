/* C functions and constants that Swift's C library modules do not export: functions for the global
   variables of getopt_long, GNU calls that need _GNU_SOURCE, and macros. */
#ifndef PMAPUTILS_CSYSTEM_H
#define PMAPUTILS_CSYSTEM_H

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/types.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

static inline int cs_optind(void) { return optind; }
/* Starts a new scan. The value 0 makes glibc read the `+` of the short options again. */
static inline void cs_reset_getopt(void) { optind = 0; }
static inline int cs_optopt(void) { return optopt; }
static inline void cs_silence_getopt(void) { opterr = 0; }
static inline const char *cs_optarg(void) { return optarg; }

extern char **environ;
static inline char **cs_environ(void) { return environ; }

extern int pipe2(int fds[2], int flags);
extern ssize_t splice(int in, long long *in_offset, int out,
                      long long *out_offset, size_t length, unsigned flags);
extern ssize_t tee(int in, int out, size_t length, unsigned flags);
extern int sched_getaffinity(pid_t pid, size_t size, void *mask);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int from);
extern int fallocate(int fd, int mode, long offset, long length);
extern void *memrchr(const void *bytes, int byte, size_t count);
static inline const void *cs_last_occurrence(const void *bytes, int byte, size_t count) {
    return memrchr(bytes, byte, count);
}
extern void *mremap(void *old, size_t old_size, size_t new_size, int flags, ...);
#define CS_MREMAP_MAYMOVE 1
static inline void *cs_remap(void *old, size_t old_size, size_t new_size) {
    return mremap(old, old_size, new_size, CS_MREMAP_MAYMOVE);
}
extern int mallopt(int parameter, int value);
#define CS_M_TRIM_THRESHOLD -1
#define CS_M_MMAP_THRESHOLD -3
/* O_TMPFILE, from the kernel's asm-generic/fcntl.h. */
static inline int cs_tmpfile_flag(void) { return 020000000 | O_DIRECTORY; }
#define CS_FALLOC_FL_KEEP_SIZE 1
#define CS_FALLOC_FL_PUNCH_HOLE 2
#define CS_F_SETPIPE_SZ 1031
#define CS_F_GETPIPE_SZ 1032
#define CS_SPLICE_F_MOVE 1
#define CS_SPLICE_F_NONBLOCK 2

/* In the system's header the handlers are in a union, which Swift does not import. */
static inline void cs_set_handler(struct sigaction *action, void (*handler)(int)) {
    action->sa_handler = handler;
}
static inline void cs_set_informed_handler(struct sigaction *action,
                                           void (*handler)(int, siginfo_t *, void *)) {
    action->sa_sigaction = handler;
}
/* Whether a process sent the signal, and not the kernel. A signal that the user types on a terminal
   comes from the kernel, and goes to the whole foreground process group. */
static inline int cs_sent_by_process(const siginfo_t *info) {
    return info->si_code <= 0;
}
/* These are macros in the system's header, which Swift does not import. */
static inline int cs_first_real_time_signal(void) { return SIGRTMIN; }
static inline int cs_last_real_time_signal(void) { return SIGRTMAX; }
static inline int cs_is_ignored(const struct sigaction *action) {
    return action->sa_handler == SIG_IGN;
}
static inline void cs_set_ignored(struct sigaction *action) { action->sa_handler = SIG_IGN; }
static inline void cs_set_default(struct sigaction *action) { action->sa_handler = SIG_DFL; }

/* The number of read(2) in /proc/PID/syscall. */
static inline int cs_read_number(void) { return SYS_read; }
/* Bytes in a pipe that are not read yet, 0 if unknown: pipe(7), FIONREAD. */
static inline int cs_unread_bytes(int fd) {
    int count = 0;
    return ioctl(fd, FIONREAD, &count) == 0 ? count : 0;
}
static inline int cs_window_columns(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
/* Whether the terminal edits lines, as shells leave it for commands; less(1) and editors do not. */
static inline int cs_edits_lines(int fd) {
    struct termios modes;
    return tcgetattr(fd, &modes) == 0 && (modes.c_lflag & ICANON) != 0;
}
/* Locks of processes on a byte of a file (fcntl_locking(2)). A process never waits for them. */
static inline int cs_lock_byte(int fd, off_t byte, int locks) {
    struct flock lock = {
        .l_type = locks ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_SETLK, &lock);
}
static inline int cs_other_locks_byte(int fd, off_t byte) {
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
/* For pseudo-terminals; only the tests open them. */
extern int grantpt(int fd);
extern int unlockpt(int fd);
extern int ptsname_r(int fd, char *name, size_t size);
static inline int cs_set_window(int fd, unsigned short columns, unsigned short rows) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(fd, TIOCSWINSZ, &size);
}

/* Asks the processor to load a place into the cache before it is read. Any address is allowed. */
static inline void cs_prefetch(const void *place) { __builtin_prefetch(place); }

/* A mask of the first `count` of 16 bytes, 0 to 16, as two words. The first byte of each word is
   the lowest. */
struct cs_masks { unsigned long long first, second; };
static inline struct cs_masks cs_low_bytes(int count) {
    static const struct cs_masks masks[17] = {
#define CS_LOW(n) ((n) >= 8 ? ~0ULL : (1ULL << ((n) & 7) * 8) - 1)
#define CS_MASKS(n) {CS_LOW(n), (n) <= 8 ? 0 : CS_LOW((n) - 8)}
        CS_MASKS(0), CS_MASKS(1), CS_MASKS(2), CS_MASKS(3), CS_MASKS(4), CS_MASKS(5),
        CS_MASKS(6), CS_MASKS(7), CS_MASKS(8), CS_MASKS(9), CS_MASKS(10), CS_MASKS(11),
        CS_MASKS(12), CS_MASKS(13), CS_MASKS(14), CS_MASKS(15), CS_MASKS(16)};
    return masks[count];
}

/* Asks waitid(2) whether a child has exited or stopped; any child if `process` is 0. An exited
   child stays a zombie, so that its process ID is not reused. A stop is reported once.
   Returns the child's process ID, and sets its status in the format of wait(2). Returns 0 if there
   is nothing to report. */
static inline pid_t cs_child_news(pid_t process, int *status) {
    siginfo_t info, again;
    const idtype_t type = process ? P_PID : P_ALL;
    int result;
    do {
        info.si_pid = 0;
        result = waitid(type, (id_t)process, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT);
    } while (result == -1 && errno == EINTR);
    if (result == -1 || info.si_pid == 0) return 0;
    switch (info.si_code) {
    case CLD_EXITED: *status = (info.si_status & 0xFF) << 8; break;
    case CLD_KILLED: *status = info.si_status; break;
    case CLD_DUMPED: *status = info.si_status | 0x80; break;
    default:
        *status = info.si_status << 8 | 0x7F;
        waitid(P_PID, (id_t)info.si_pid, &again, WSTOPPED | WNOHANG);
    }
    return info.si_pid;
}

/* The macros of <sys/wait.h>. */
static inline int cs_stopped(int status) { return WIFSTOPPED(status); }
static inline int cs_stop_signal(int status) { return WSTOPSIG(status); }
static inline int cs_exited(int status) { return WIFEXITED(status); }
static inline int cs_exit_status(int status) { return WEXITSTATUS(status); }
static inline int cs_term_signal(int status) { return WTERMSIG(status); }

#endif
