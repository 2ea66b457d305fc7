/* The I/O priority of a thread, for which glibc has no functions. */
#ifndef DROVER_CLINUXPRIORITY_SHIM_H
#define DROVER_CLINUXPRIORITY_SHIM_H

#include <sys/syscall.h>
#include <unistd.h>

/* Of the calling thread; -1 where it cannot be told. */
static inline int io_priority(void) { return (int)syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0); }

static inline int set_io_priority(int priority) {
    return (int)syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, priority);
}

/* Only when nothing else wants the disk (IOPRIO_CLASS_IDLE). */
static const int io_priority_idle = 3 << 13;

#endif
