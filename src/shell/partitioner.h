#ifndef SLAD_SHELL_PARTITIONER_H
#define SLAD_SHELL_PARTITIONER_H

/* Which partition a key belongs to, as the producers of this world compute it. The enum is config.def's
 * order. */
#include "base/slice.h"
#include <stdint.h>

enum partitioner { PARTITIONER_MURMUR2, PARTITIONER_CRC32, PARTITIONER_ANY };

/* Java's clients: toPositive(murmur2(key)) % count (org.apache.kafka.common.utils.Utils; librdkafka:
 * "murmur2"). */
uint32_t partitioner_murmur2(struct slice key);
/* librdkafka's "consistent": CRC-32 (IEEE 802.3, reflected) of the key % count. */
uint32_t partitioner_crc32(struct slice key);

/* partitions_count >= 1; partitioner is not PARTITIONER_ANY. */
int32_t partitioner_partition(enum partitioner partitioner, struct slice key, int32_t partitions_count);
/* The one whose answer for this key is partition; PARTITIONER_ANY when none fits. */
enum partitioner partitioner_that_fits(struct slice key, int32_t partition, int32_t partitions_count);
const char *partitioner_text(enum partitioner partitioner); /* "murmur2", "crc32", "any" */

#endif
