/* What Linux offers beyond POSIX for many datagrams and connections at once, which Swift's Glibc module leaves out. */
#ifndef DROVER_CLINUXSOCKETS_SHIM_H
#define DROVER_CLINUXSOCKETS_SHIM_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <asm/socket.h> /* SO_MEMINFO */

/* One datagram of a batch; the layout of the kernel's struct mmsghdr, which glibc declares for GNU programs only. */
struct datagram_slot {
    struct msghdr header;
    unsigned int byte_count;
};

/* Room for what the kernel tells of a datagram: the address at which it came. */
struct datagram_control {
    _Alignas(struct cmsghdr) unsigned char bytes[64];
};

/* The kernel's struct in6_pktinfo, which glibc declares for GNU programs only. */
struct datagram_source6 {
    struct in6_addr address;
    unsigned int interface;
};

/* Has an answer leave from the address at which its request came, whose header this was. The kernel chooses the interface,
   except where the address means nothing without one. */
static inline void datagram_keep_source(struct msghdr *header) {
    struct cmsghdr *told = CMSG_FIRSTHDR(header);
    if (told && told->cmsg_level == IPPROTO_IP && told->cmsg_type == IP_PKTINFO
        && told->cmsg_len >= CMSG_LEN(sizeof(struct in_pktinfo))) {
        ((struct in_pktinfo *)CMSG_DATA(told))->ipi_ifindex = 0;
    } else if (told && told->cmsg_level == IPPROTO_IPV6 && told->cmsg_type == IPV6_PKTINFO
               && told->cmsg_len >= CMSG_LEN(sizeof(struct datagram_source6))) {
        struct datagram_source6 *source = (struct datagram_source6 *)CMSG_DATA(told);
        if (!IN6_IS_ADDR_LINKLOCAL(&source->address)) source->interface = 0;
    } else {
        header->msg_control = NULL;
        header->msg_controllen = 0;
    }
}

/* MSG_WAITFORONE, which glibc declares for GNU programs only: recvmmsg waits for one datagram, and takes those that are there
   with it. */
static const int datagrams_wait_for_one = 0x10000;

extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int recvmmsg(int, struct datagram_slot *, unsigned int, int, void *);
extern int sendmmsg(int, struct datagram_slot *, unsigned int, int);

#endif
