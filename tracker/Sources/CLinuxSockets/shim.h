/* What Linux offers beyond POSIX for many datagrams and connections at once, which Swift's Glibc module leaves out. */
#ifndef DROVER_CLINUXSOCKETS_SHIM_H
#define DROVER_CLINUXSOCKETS_SHIM_H

#include <sys/socket.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <asm/socket.h> /* SO_MEMINFO */

/* One datagram of a batch; the layout of the kernel's struct mmsghdr, which glibc declares for GNU programs only. */
struct datagram_slot {
    struct msghdr header;
    unsigned int byte_count;
};

extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int recvmmsg(int, struct datagram_slot *, unsigned int, int, void *);
extern int sendmmsg(int, struct datagram_slot *, unsigned int, int);

#endif
