// Preloaded into the process under test: the FAIL_AT-th sync of a write-ahead log fails once with EIO, as a dying disk's
// would, and every later one "succeeds". Each is told on descriptor 2.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int syncs;

static int is_log(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  return length > 4 && strncmp(path + length - 4, "-wal", 4) == 0;
}

static int sync_as(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (!is_log(fd)) return real(fd);
  int now = __sync_add_and_fetch(&syncs, 1);
  int fails = now == atoi(getenv("FAIL_AT"));
  dprintf(2, "sync %d %s\n", now, fails ? "failed" : "done");
  if (!fails) return real(fd);
  errno = EIO;
  return -1;
}

int fsync(int fd) { return sync_as("fsync", fd); }
int fdatasync(int fd) { return sync_as("fdatasync", fd); }
