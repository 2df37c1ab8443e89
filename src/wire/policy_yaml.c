/*
 * A policy file, whole: the top level, the order of the sections, the hash.
 *
 * Why this way: each section has its reader (policy_yaml_calendars, _agreements, _clocks, _experience,
 * _contracts), all on one loader whose first error stays. The hash is over the text and the zone files that
 * were read while loading: what a verdict was judged by (ruling R16).
 *
 * Always true: a policy that comes out is sound for the core, which checks nothing again; on an error nothing
 * is left behind, no symbol, no zone.
 *
 * Not here: files and directories (shell/policy_files), several versions together (core/policy_set), warnings
 * (lint).
 */
#include "wire/policy_yaml.h"
#include "base/panic.h"
#include "wire/policy_yaml_loader.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { TREE_BLOCK_BYTES = 64 * 1024, LABEL_HASH_BYTES = 3 };

/* ---- the hash ---- */

static int
compare_zones(const void *a, const void *b)
{
    return slice_compare((*(const struct policy_zone *const *)a)->name,
                         (*(const struct policy_zone *const *)b)->name);
}

static void
digest(EVP_MD_CTX *context, struct slice bytes)
{
    must(EVP_DigestUpdate(context, bytes.at, bytes.bytes) == 1);
}

/* SHA-256 of the text, then of each zone, in order of their names, the name and the bytes. */
static void
hash_policy(struct policy_yaml_loader *loader)
{
    struct policy *policy = loader->policy;
    const struct policy_zone **zones =
        policy_yaml_parts_allocate(loader, policy->zones_count, sizeof(const struct policy_zone *));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned bytes = sizeof policy->hash;

    must(context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    digest(context, policy->text);
    for (size_t i = 0; i < policy->zones_count; i++)
        zones[i] = &policy->zones[i];
    qsort(zones, policy->zones_count, sizeof(const struct policy_zone *), compare_zones);
    for (size_t i = 0; i < policy->zones_count; i++) {
        digest(context, zones[i]->name);
        digest(context, zones[i]->bytes);
    }
    must(EVP_DigestFinal_ex(context, policy->hash, &bytes) == 1 && bytes == sizeof policy->hash);
    EVP_MD_CTX_free(context);
}

/* VERSION@ and the hash's first six hex digits. */
static void
write_label(struct policy_yaml_loader *loader)
{
    struct policy *policy = loader->policy;
    size_t bytes = policy->version.bytes + 1 + (size_t)2 * LABEL_HASH_BYTES;
    char *label = arena_allocate(loader->arena, bytes + 1);

    memcpy(label, policy->version.at, policy->version.bytes);
    (void)snprintf(label + policy->version.bytes, bytes + 1 - policy->version.bytes, "@%02x%02x%02x",
                   policy->hash[0], policy->hash[1], policy->hash[2]);
    policy->label = (struct slice){label, bytes};
}

/* ---- the top level ---- */

static void
read_settings(struct policy_yaml_loader *loader)
{
    static const char *const unknown[] = {"open", "reject", NULL};
    static const char *const merges[] = {"earliest_contact", "own_clock", NULL};
    const struct yaml_node *root = loader->root;
    struct policy *policy = loader->policy;
    struct {
        const char *key;
        int64_t *ms;
    } windows[] = {{"reopen_window", &policy->reopen_window_ms},
                   {"courtesy_window", &policy->courtesy_window_ms},
                   {"flip_window", &policy->flip_window_ms}};

    if (yaml_find(root, "from") != NULL)
        policy->from_ms = yaml_get_instant_ms(loader->error, yaml_find(root, "from"));
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++)
        if (yaml_find(root, windows[i].key) != NULL)
            *windows[i].ms = yaml_get_duration_ms(loader->error, yaml_find(root, windows[i].key));
    policy->unknown_status_rejects =
        yaml_get_word(loader->error, yaml_find(root, "unknown_status"), "unknown_status", unknown) == 1;
    policy->merge_own_clock = yaml_get_word(loader->error, yaml_find(root, "merge"), "merge", merges) == 1;
    policy->apply_to_running = yaml_get_boolean(loader->error, yaml_find(root, "apply_to_running"));
}

/* Free text, but fit for a label in logs and on terminals. */
static void
read_version(struct policy_yaml_loader *loader)
{
    const struct yaml_node *node = yaml_get_required(loader->error, loader->root, "version");
    struct slice version = policy_yaml_parts_text(loader, node, "the version's name");

    for (size_t i = 0; i < version.bytes; i++)
        if ((unsigned char)version.at[i] < 0x20 || version.at[i] == 0x7F)
            yaml_get_fail_found(loader->error, POLICY_ERROR_BAD_TEXT, node,
                                "a text without control characters");
    loader->policy->version = version;
}

static void
read_all(struct policy_yaml_loader *loader)
{
    static const char *const keys[] = {"version",     "from",           "calendars",        "statuses",
                                       "groups",      "agreements",     "experience",       "contracts",
                                       "foresight",   "unknown_status", "reopen_window",    "courtesy_window",
                                       "flip_window", "merge",          "apply_to_running", NULL};

    if (!yaml_get_record(loader->error, loader->root, "a policy", keys))
        return;
    read_version(loader);
    read_settings(loader);
    policy_yaml_calendars_read(loader);
    if (!policy_yaml_loader_failed(loader))
        policy_yaml_agreements_read(loader);
    if (!policy_yaml_loader_failed(loader))
        policy_yaml_experience_read(loader);
    if (!policy_yaml_loader_failed(loader))
        policy_yaml_contracts_read(loader);
    if (!policy_yaml_loader_failed(loader))
        policy_yaml_foresight_read(loader);
}

struct policy *
policy_yaml_load(struct slice text, struct slice file, const struct policy_zone_reader *reader,
                 struct symbols *symbols, struct policy_error *ret_error)
{
    struct policy_error error = {.file = file};
    struct arena *tree = arena_new(TREE_BLOCK_BYTES);
    struct policy_yaml_loader loader = {
        .error = &error, .reader = reader, .root = yaml_read(text, tree, &error)};

    if (loader.root != NULL) {
        loader.policy = policy_new(symbols);
        loader.arena = loader.policy->arena;
        loader.policy->text = arena_copy_slice(loader.arena, text);
        loader.policy->file = arena_copy_slice(loader.arena, file);
        read_all(&loader);
    }
    arena_free(tree);
    if (error.code != POLICY_ERROR_NONE) {
        policy_free(loader.policy);
        *ret_error = error;
        return NULL;
    }
    must(loader.policy != NULL); /* without a root there is an error */
    hash_policy(&loader);
    write_label(&loader);
    return loader.policy;
}

/* ---- several versions ---- */

/* The last part of its path: the messages stand behind a whole one. */
static struct slice
file_name(const struct policy *policy)
{
    struct slice name = policy->file;
    const char *slash = memrchr(name.at, '/', name.bytes);

    if (slash != NULL)
        name = (struct slice){slash + 1, (size_t)(name.at + name.bytes - (slash + 1))};
    return name;
}

static void
compare_pair(const struct policy *first, const struct policy *second, struct policy_error *error)
{
    if (slice_equal(first->version, second->version))
        policy_error_set(error, POLICY_ERROR_VERSION_TWICE, 1, 1, "this is version %s, and so is %s",
                         policy_error_quote(second->version).text, policy_error_quote(file_name(first)).text);
    else if (first->from_ms == second->from_ms)
        policy_error_set(error, POLICY_ERROR_FROM_TWICE, 1, 1,
                         "version %s has the same `from` as %s (version %s)",
                         policy_error_quote(second->version).text, policy_error_quote(file_name(first)).text,
                         policy_error_quote(first->version).text);
}

int
policy_yaml_check_set(struct policy *const *policies, size_t policies_count, struct policy_error *ret_error)
{
    struct policy_error error = {0};

    for (size_t j = 1; j < policies_count; j++) {
        for (size_t i = 0; i < j; i++)
            compare_pair(policies[i], policies[j], &error);
        if (error.code == POLICY_ERROR_NONE)
            continue;
        error.file = policies[j]->file;
        *ret_error = error;
        return -1;
    }
    return 0;
}
