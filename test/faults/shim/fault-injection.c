// Preloaded into the process under test: the n-th call of a kind on the store's files fails, as it would on a bad disk.
// Another process says which, through a small file that both have mapped (FAULT_CONTROL), while the process runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { WRITE = 1, SYNC = 2, READ = 4, TRUNCATE = 8, OPEN = 16 };

struct control {
  uint32_t kinds;      // which calls count
  uint32_t fail_at;    // the number of the call that fails; 0: none
  uint32_t error;      // errno; 0: half of what was to be written is written
  uint32_t persistent; // whether every later one fails too
  uint32_t calls;      // so many have counted
  uint32_t failed;     // so many have failed
};

static volatile struct control *control;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULT_CONTROL");
  int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd == -1) return;
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) control = mapped;
  close(fd);
}

static int names_store(const char *path) { return strstr(path, "gatehouse.db") != NULL && strstr(path, "-shm") == NULL; }

static int is_store(int fd) {
  char link[32], path[4096];
  strcpy(link, "/proc/self/fd/");
  char digits[12];
  int length = 0;
  do digits[length++] = '0' + fd % 10; while ((fd /= 10) > 0);
  char *end = link + strlen(link);
  while (length > 0) *end++ = digits[--length];
  *end = 0;
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  return names_store(path);
}

// Whether this call is one that fails.
static int fails(enum kind kind) {
  if (control == NULL || (control->kinds & kind) == 0 || control->fail_at == 0) return 0;
  uint32_t call = __sync_add_and_fetch(&control->calls, 1);
  if (call != control->fail_at && !(control->persistent && call > control->fail_at)) return 0;
  __sync_add_and_fetch(&control->failed, 1);
  return 1;
}

#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

static ssize_t half_or_error(int fd, const void *bytes, size_t count, off64_t at) {
  uint32_t error = control->error;
  if (error == 0) return REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)(fd, bytes, count / 2, at);
  errno = (int)error;
  return -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  if (is_store(fd) && fails(WRITE)) return half_or_error(fd, bytes, count, at);
  return REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

ssize_t pread64(int fd, void *bytes, size_t count, off64_t at) {
  if (is_store(fd) && fails(READ)) {
    errno = (int)control->error;
    return -1;
  }
  return REAL(ssize_t, "pread64", int, void *, size_t, off64_t)(fd, bytes, count, at);
}

ssize_t pread(int fd, void *bytes, size_t count, off_t at) { return pread64(fd, bytes, count, at); }

static int fails_with_error(int fd, enum kind kind) {
  if (!is_store(fd) || !fails(kind)) return 0;
  errno = (int)control->error;
  return 1;
}

int fsync(int fd) { return fails_with_error(fd, SYNC) ? -1 : REAL(int, "fsync", int)(fd); }
int fdatasync(int fd) { return fails_with_error(fd, SYNC) ? -1 : REAL(int, "fdatasync", int)(fd); }

int ftruncate64(int fd, off64_t length) {
  return fails_with_error(fd, TRUNCATE) ? -1 : REAL(int, "ftruncate64", int, off64_t)(fd, length);
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (names_store(path) && fails(OPEN)) {
    errno = (int)control->error;
    return -1;
  }
  return REAL(int, "open64", const char *, int, ...)(path, flags, mode);
}
