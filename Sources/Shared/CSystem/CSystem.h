/* What Swift's C library modules do not show: getopt_long with its global
   state behind functions, and the GNU calls that need _GNU_SOURCE. */
#ifndef PMAPUTILS_CSYSTEM_H
#define PMAPUTILS_CSYSTEM_H

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <sys/wait.h>

static inline int cs_optind(void) { return optind; }
/* To begin anew: 0 has glibc and musl read the short options' `+` again. */
#ifdef __linux__
static inline void cs_reset_getopt(void) { optind = 0; }
#else
static inline void cs_reset_getopt(void) { optreset = optind = 1; }
#endif
static inline int cs_optopt(void) { return optopt; }
static inline void cs_silence_getopt(void) { opterr = 0; }
static inline const char *cs_optarg(void) { return optarg; }

extern char **environ;
static inline char **cs_environ(void) { return environ; }

#ifdef __linux__
#include <sys/epoll.h>
extern int pipe2(int fds[2], int flags);
extern ssize_t splice(int in, long long *in_offset, int out,
                      long long *out_offset, size_t length, unsigned flags);
extern int sched_getaffinity(pid_t pid, size_t size, void *mask);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int from);
extern int fallocate(int fd, int mode, long offset, long length);
#define CS_FALLOC_FL_KEEP_SIZE 1
#define CS_FALLOC_FL_PUNCH_HOLE 2
#define CS_F_SETPIPE_SZ 1031
#define CS_SPLICE_F_MOVE 1
#define CS_SPLICE_F_NONBLOCK 2
#endif

/* A union in the system's header, reached differently on each system. */
static inline void cs_set_handler(struct sigaction *action, void (*handler)(int)) {
    action->sa_handler = handler;
}
static inline int cs_is_ignored(const struct sigaction *action) {
    return action->sa_handler == SIG_IGN;
}
static inline void cs_set_ignored(struct sigaction *action) { action->sa_handler = SIG_IGN; }
static inline void cs_set_default(struct sigaction *action) { action->sa_handler = SIG_DFL; }

static inline int cs_window_columns(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
/* For a pseudo-terminal, which only the tests open. */
extern int grantpt(int fd);
extern int unlockpt(int fd);
extern char *ptsname(int fd);
static inline int cs_set_window(int fd, unsigned short columns, unsigned short rows) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(fd, TIOCSWINSZ, &size);
}

/* The macros of <sys/wait.h>. */
static inline int cs_exited(int status) { return WIFEXITED(status); }
static inline int cs_exit_status(int status) { return WEXITSTATUS(status); }
static inline int cs_term_signal(int status) { return WTERMSIG(status); }

#endif
