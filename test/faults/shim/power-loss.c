// Preloaded into the process under test: keeps, beside the store's files, what of them would be there after a power cut.
// POWER_LOSS_FOLDER/NAME is the file as its last fsync left it; NAME.pending holds what was written since, one record after
// the other: offset (8 bytes), length (4 bytes, all ones: cut to the offset), the bytes. Whoever pulled the plug reads both.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))
#define CUT 0xffffffffu

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

struct header {
  uint64_t offset;
  uint32_t length;
} __attribute__((packed));

struct tracked {
  const char *name;
  int synced;
  int pending;
};

static struct tracked files[] = {{"gatehouse.db", -1, -1}, {"gatehouse.db-wal", -1, -1}};

static void refuse(const char *why) {
  perror(why);
  abort();
}

static ssize_t real_pwrite(int fd, const void *bytes, size_t count, off64_t at) {
  return REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)(fd, bytes, count, at);
}

static int real_ftruncate(int fd, off64_t length) { return REAL(int, "ftruncate64", int, off64_t)(fd, length); }

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("POWER_LOSS_FOLDER");
  if (folder == NULL) return;
  for (size_t index = 0; index < sizeof files / sizeof *files; index++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, files[index].name);
    files[index].synced = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    snprintf(path, sizeof path, "%s/%s.pending", folder, files[index].name);
    files[index].pending = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (files[index].synced == -1 || files[index].pending == -1) refuse("the files beside the store can't be opened");
  }
}

static struct tracked *tracked_path(const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL || files[0].synced == -1) return NULL;
  for (size_t index = 0; index < sizeof files / sizeof *files; index++)
    if (strcmp(slash + 1, files[index].name) == 0) return &files[index];
  return NULL;
}

static struct tracked *tracked_fd(int fd) {
  char link[32], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return NULL;
  path[size] = 0;
  return tracked_path(path);
}

// One write, so that a kill leaves the record whole or not at all.
static void remember(struct tracked *file, uint64_t offset, uint32_t length, const void *bytes) {
  size_t size = sizeof(struct header) + (length == CUT ? 0 : length);
  char *record = malloc(size);
  struct header header = {offset, length};
  memcpy(record, &header, sizeof header);
  if (length != CUT) memcpy(record + sizeof header, bytes, length);
  if (write(file->pending, record, size) != (ssize_t)size) refuse("the record beside the store can't be written");
  free(record);
}

// What was pending is on the disk now.
static void settle(struct tracked *file) {
  struct stat status;
  if (fstat(file->pending, &status) != 0) refuse("the records beside the store can't be read");
  if (status.st_size == 0) return;
  char *records = malloc(status.st_size);
  if (pread(file->pending, records, status.st_size, 0) != status.st_size) refuse("the records beside the store can't be read");
  for (off64_t at = 0; at < status.st_size;) {
    struct header header;
    memcpy(&header, records + at, sizeof header);
    at += sizeof header;
    if (header.length == CUT) {
      if (real_ftruncate(file->synced, (off64_t)header.offset) != 0) refuse("the file beside the store can't be cut");
      continue;
    }
    if (real_pwrite(file->synced, records + at, header.length, (off64_t)header.offset) != (ssize_t)header.length)
      refuse("the file beside the store can't be written");
    at += header.length;
  }
  free(records);
  if (real_ftruncate(file->pending, 0) != 0) refuse("the records beside the store can't be dropped");
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  struct tracked *file = tracked_fd(fd);
  if (file == NULL) return real_pwrite(fd, bytes, count, at);
  pthread_mutex_lock(&turn);
  ssize_t written = real_pwrite(fd, bytes, count, at);
  if (written > 0) remember(file, (uint64_t)at, (uint32_t)written, bytes);
  pthread_mutex_unlock(&turn);
  return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

int ftruncate64(int fd, off64_t length) {
  struct tracked *file = tracked_fd(fd);
  if (file == NULL) return real_ftruncate(fd, length);
  pthread_mutex_lock(&turn);
  int result = real_ftruncate(fd, length);
  if (result == 0) remember(file, (uint64_t)length, CUT, NULL);
  pthread_mutex_unlock(&turn);
  return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

// The name is gone, but not for good before the folder is synced: until then the old content may come back.
int unlink(const char *path) {
  struct tracked *file = tracked_path(path);
  if (file == NULL) return REAL(int, "unlink", const char *)(path);
  pthread_mutex_lock(&turn);
  int result = REAL(int, "unlink", const char *)(path);
  if (result == 0) remember(file, 0, CUT, NULL);
  pthread_mutex_unlock(&turn);
  return result;
}

static int sync_as(const char *name, int fd) {
  struct tracked *file = tracked_fd(fd);
  if (file == NULL) return REAL(int, name, int)(fd);
  pthread_mutex_lock(&turn);
  int result = REAL(int, name, int)(fd);
  if (result == 0) settle(file);
  pthread_mutex_unlock(&turn);
  return result;
}

int fsync(int fd) { return sync_as("fsync", fd); }
int fdatasync(int fd) { return sync_as("fdatasync", fd); }
