/* Preloaded into a test's child: writes a line to the file descriptor FSYNC_FD for each time that the disk was
   asked to keep what it has been given, after it has agreed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int report(const char *name, int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = real(fd);
    const char *to = getenv("FSYNC_FD");
    if (result == 0 && to && write(atoi(to), "fsync\n", 6) != 6)
        abort();
    return result;
}

int fsync(int fd) { return report("fsync", fd); }
int fdatasync(int fd) { return report("fdatasync", fd); }
