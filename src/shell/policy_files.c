/*
 * Policies and zones, from files into a policy_set.
 *
 * Why this way: the core and the wire know no files, so that tests, replay and the daemon read policies by
 * the same code from bytes. All bad files are named in one go: whoever mends a policy directory wants the
 * whole list.
 *
 * Always true: either every file was sound and there is a set, or there is none and at least one error line.
 * No more is read of a file than a policy (a zone) may be large. Nothing is logged.
 *
 * Not here: when to load again (daemon), versions kept in slad.state.
 */
#include "shell/policy_files.h"
#include "base/memory.h"
#include "base/panic.h"
#include "wire/yaml.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ZONE_BYTES_MAX = 256 * 1024, READ_BYTES = 64 * 1024, PATH_BYTES = 4096 };

struct loading {
    struct policy_zone_reader reader;
    struct symbols *symbols;
    struct buffer *errors;
    struct policy *policies[POLICY_FILES_VERSIONS_MAX];
    size_t policies_count;
    bool failed;
};

static void
report(struct loading *loading, const struct policy_error *error)
{
    loading->failed = true;
    policy_error_format(error, loading->errors);
    buffer_append_text(loading->errors, " [");
    buffer_append_text(loading->errors, policy_error_code_text(error->code));
    buffer_append_text(loading->errors, "]\n");
}

static void
report_unreadable(struct loading *loading, const char *path, const char *why)
{
    struct policy_error error = {.file = slice_of(path)};

    policy_error_set(&error, POLICY_ERROR_UNREADABLE, 1, 1, "cannot be read as a policy: %s", why);
    report(loading, &error);
}

/* Appends a regular file's bytes, one more than bytes_max at most. 0, or -1 and errno. */
static int
read_bytes(const char *path, size_t bytes_max, struct buffer *out)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    ssize_t count = -1;
    int error;

    if (descriptor < 0)
        return -1;
    if (fstat(descriptor, &status) == 0) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        while (S_ISREG(status.st_mode) && out->bytes <= bytes_max) {
            size_t most = bytes_max + 1 - out->bytes < READ_BYTES ? bytes_max + 1 - out->bytes : READ_BYTES;

            count = read(descriptor, buffer_reserve(out, most), most);
            if (count <= 0)
                break;
            buffer_advance(out, (size_t)count);
        }
    }
    error = errno;
    (void)close(descriptor);
    errno = error;
    return count < 0 ? -1 : 0;
}

/* ---- zones ---- */

static int
read_zone(void *context, struct slice name, struct buffer *out)
{
    char path[PATH_BYTES];
    int bytes = snprintf(path, sizeof path, "%s/%.*s", (const char *)context, (int)name.bytes, name.at);

    if (bytes < 0 || (size_t)bytes >= sizeof path)
        return -1;
    return read_bytes(path, ZONE_BYTES_MAX, out);
}

struct policy_zone_reader
policy_files_zone_reader(const char *zoneinfo_dir)
{
    return (struct policy_zone_reader){(void *)(uintptr_t)zoneinfo_dir, read_zone};
}

const char *
policy_files_zoneinfo_default(void)
{
    const char *said = getenv("SLAD_ZONEINFO");

    return said != NULL && said[0] != '\0' ? said : "/usr/share/zoneinfo";
}

/* ---- policies ---- */

static void
load_file(struct loading *loading, const char *path)
{
    struct buffer text = {0};
    struct policy_error error;
    struct policy *policy;

    if (loading->policies_count == POLICY_FILES_VERSIONS_MAX) {
        report_unreadable(loading, path, "there are more than 1000 versions");
    } else if (read_bytes(path, YAML_BYTES_MAX, &text) != 0) {
        report_unreadable(loading, path, strerror(errno));
    } else {
        policy =
            policy_yaml_load(buffer_slice(&text), slice_of(path), &loading->reader, loading->symbols, &error);
        if (policy != NULL)
            loading->policies[loading->policies_count++] = policy;
        else
            report(loading, &error);
    }
    buffer_free(&text);
}

static int
is_policy_name(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return entry->d_name[0] != '.' && dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void
load_directory(struct loading *loading, const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_policy_name, compare_names);

    if (count < 0)
        report_unreadable(loading, path, strerror(errno));
    if (count == 0)
        report_unreadable(loading, path, "the directory has no file named *.yaml or *.yml");
    for (int i = 0; i < count; i++) {
        char file[PATH_BYTES];
        int bytes = snprintf(file, sizeof file, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/",
                             entries[i]->d_name);

        if (bytes > 0 && (size_t)bytes < sizeof file)
            load_file(loading, file);
        else
            report_unreadable(loading, entries[i]->d_name, "its path is too long");
        free(entries[i]);
    }
    free(entries);
}

static struct policy_set *
finish(struct loading *loading)
{
    struct policy_error error;

    if (!loading->failed && policy_yaml_check_set(loading->policies, loading->policies_count, &error) != 0)
        report(loading, &error);
    if (!loading->failed)
        return policy_set_new(loading->policies, loading->policies_count, loading->symbols);
    for (size_t i = 0; i < loading->policies_count; i++)
        policy_free(loading->policies[i]);
    return NULL;
}

struct policy_set *
policy_files_load(const char *path, const char *zoneinfo_dir, struct symbols *symbols, struct buffer *errors)
{
    struct loading *loading = memory_allocate_zeroed(1, sizeof *loading);
    struct policy_set *set;
    struct stat status;

    loading->reader = policy_files_zone_reader(zoneinfo_dir);
    loading->symbols = symbols;
    loading->errors = errors;
    if (stat(path, &status) != 0)
        report_unreadable(loading, path, strerror(errno));
    else if (S_ISDIR(status.st_mode))
        load_directory(loading, path);
    else
        load_file(loading, path);
    set = finish(loading);
    memory_free(loading);
    return set;
}
