/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4) of several equally long messages at once, by the processor's SHA instructions.
 *
 * One message's rounds depend on each other, so that a processor that hashes one at a time waits most of the time for its own
 * results. Leaves of a merkle tree do not depend on each other: four of them side by side fill those gaps. */
#ifndef DROVER_LEAF_HASH_H
#define DROVER_LEAF_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this processor has what leaf_hash_sha256 needs. */
bool leaf_hash_is_available(void);

/* Writes the digests, 32 bytes each, of `count` messages of `length` bytes each that lie one behind the other.
 * Only where leaf_hash_is_available(), and only for a length that is a multiple of 64. */
void leaf_hash_sha256(const void *messages, size_t length, size_t count, void *digests);

#endif
