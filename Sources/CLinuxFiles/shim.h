/* Reading without waiting for a disk, for which glibc's Swift module has no function. */
#ifndef DROVER_CLINUXFILES_SHIM_H
#define DROVER_CLINUXFILES_SHIM_H

#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

/* As pread, of bytes that are in memory: fewer, or -1 and EAGAIN, where a disk would have to be waited for (RWF_NOWAIT). */
static inline ssize_t read_cached(int descriptor, void *buffer, size_t count, off_t offset) {
    struct iovec part = {buffer, count};
    /* The offset's upper half comes apart; on machines of 64 bits it counts for nothing. */
    return syscall(SYS_preadv2, descriptor, &part, 1L, (long)offset, 0L, 8L);
}

/* Whether a file's file system is memory (tmpfs) that goes nowhere else (swap). Such a one knows no RWF_NOWAIT, and never has to
 * wait. */
static inline int is_in_memory(int descriptor) {
    struct statfs system;
    struct sysinfo machine;
    return fstatfs(descriptor, &system) == 0 && system.f_type == 0x01021994 && sysinfo(&machine) == 0 &&
           machine.totalswap == 0;
}

#endif
