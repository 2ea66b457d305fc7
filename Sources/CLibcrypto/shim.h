/* The two digests Drover needs from libcrypto, as plain functions.
 *
 * The low-level interface is used on purpose: OpenSSL 3's one-shot calls look the algorithm up on every call, which
 * costs more than hashing a 64-byte tree node does. */
#ifndef DROVER_CLIBCRYPTO_SHIM_H
#define DROVER_CLIBCRYPTO_SHIM_H

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>

static inline void libcrypto_sha256(const void *bytes, size_t count, uint8_t *digest) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes, count);
    SHA256_Final(digest, &context);
}

static inline void libcrypto_sha1(const void *bytes, size_t count, uint8_t *digest) {
    SHA_CTX context;
    SHA1_Init(&context);
    SHA1_Update(&context, bytes, count);
    SHA1_Final(digest, &context);
}

#endif
