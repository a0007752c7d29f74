// Preloaded into a process, kills it before one of the calls that change files below a folder. STILLVEC_KILL_FOLDER names
// the folder, STILLVEC_KILL_AT the number of the call, from 1.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static void count_path(const char *path) {
  static atomic_long count;
  const char *folder = getenv("STILLVEC_KILL_FOLDER");
  const char *at = getenv("STILLVEC_KILL_AT");
  if (folder == NULL || at == NULL || strncmp(path, folder, strlen(folder)) != 0) return;
  if (atomic_fetch_add(&count, 1) + 1 == atol(at)) raise(SIGKILL);
}

static void count_file(int file) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return;
  path[length] = 0;
  count_path(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define BY_PATH(type, name, parameters, arguments, path) \
  type name parameters {                                 \
    count_path(path);                                    \
    return REAL(name) arguments;                         \
  }
#define BY_FILE(type, name, parameters, arguments) \
  type name parameters {                           \
    count_file(file);                              \
    return REAL(name) arguments;                   \
  }

BY_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode), path)
BY_PATH(int, rename, (const char *from, const char *to), (from, to), to)
BY_PATH(int, link, (const char *from, const char *to), (from, to), to)
BY_PATH(int, unlink, (const char *path), (path), path)
BY_PATH(int, rmdir, (const char *path), (path), path)
BY_FILE(int, fsync, (int file), (file))
BY_FILE(int, fdatasync, (int file), (file))
BY_FILE(int, ftruncate, (int file, off_t length), (file, length))
BY_FILE(ssize_t, write, (int file, const void *bytes, size_t count), (file, bytes, count))
BY_FILE(ssize_t, pwrite, (int file, const void *bytes, size_t count, off_t at), (file, bytes, count, at))
BY_FILE(ssize_t, pwrite64, (int file, const void *bytes, size_t count, off64_t at), (file, bytes, count, at))
BY_FILE(ssize_t, writev, (int file, const struct iovec *parts, int count), (file, parts, count))
BY_FILE(ssize_t, pwritev, (int file, const struct iovec *parts, int count, off_t at), (file, parts, count, at))
BY_FILE(ssize_t, pwritev64, (int file, const struct iovec *parts, int count, off64_t at), (file, parts, count, at))

static int open_counted(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  if (flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR)) count_path(path);
  return real(path, flags, mode);
}

#define OPEN(name)                                            \
  int name(const char *path, int flags, ...) {                \
    va_list rest;                                             \
    va_start(rest, flags);                                    \
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                             \
    return open_counted(REAL(name), path, flags, mode);       \
  }
OPEN(open)
OPEN(open64)
