#ifndef SLAD_WIRE_POLICY_YAML_H
#define SLAD_WIRE_POLICY_YAML_H

/* A policy file (semantics.md sections 3, 8, 9; docs/policy.md) into a struct policy, strictly. */
#include "base/buffer.h"
#include "slad/policy.h"
#include "wire/policy_error.h"

/* How the bytes of an IANA zone come in. read appends the TZif file of this name and returns 0, or -1 when
 * there is none. The name is checked before: letters, digits, _ + - and single slashes between them, at most
 * 64 bytes. */
struct policy_zone_reader {
    void *context;
    int (*read)(void *context, struct slice name, struct buffer *out);
};

/* NULL and *ret_error (whole, with file = the slice given) when the text is not a sound policy. text and file
 * are copied; symbols is borrowed and must outlive the policy. Give the policy to a policy_set or to
 * policy_free. */
struct policy *policy_yaml_load(struct slice text, struct slice file, const struct policy_zone_reader *reader,
                                struct symbols *symbols, struct policy_error *ret_error);

/* Two versions of one name or one `from` are an error of the later one in the array: -1 and *ret_error, whose
 * file lives as long as that policy. Else 0. */
int policy_yaml_check_set(struct policy *const *policies, size_t policies_count,
                          struct policy_error *ret_error);

#endif
