/*
 * Secrets from files.
 *
 * What: a small file, its lines, and forgetting it.
 *
 * Why so: a token in an argument stands in every process list; a file has an owner and a mode, can be changed
 * while its reader runs, and may be one that systemd hands over.
 *
 * Always true: no part of a secret gets into an error.
 *
 * Not here: what a secret is for.
 */
#include "slactl/secret.h"
#include "base/memory.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static FILE *
open_named(const char *name)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    struct buffer path = {0};
    FILE *file;

    if (credentials == NULL || strchr(name, '/') != NULL)
        return fopen(name, "re");
    buffer_append_text(&path, credentials);
    buffer_append_byte(&path, '/');
    buffer_append(&path, name, strlen(name) + 1);
    file = fopen(path.at, "re");
    buffer_free(&path);
    return file;
}

static int
refuse(const char *name, const char *why, char error[SECRET_ERROR_BYTES])
{
    snprintf(error, SECRET_ERROR_BYTES, "%.400s: %s", name, why);
    return -1;
}

int
secret_read(const char *name, struct buffer *ret_text, char error[SECRET_ERROR_BYTES])
{
    FILE *file = open_named(name);
    struct buffer text = {0};
    struct slice rest, line;
    int failed;

    if (file == NULL)
        return refuse(name, strerror(errno), error);
    setvbuf(file, NULL, _IONBF, 0); /* no copy of it stays behind */
    buffer_advance(&text, fread(buffer_reserve(&text, SECRET_BYTES_MAX + 1), 1, SECRET_BYTES_MAX + 1, file));
    failed = ferror(file) ? errno : 0;
    fclose(file);
    rest = buffer_slice(&text);
    if (failed == 0 && text.bytes <= SECRET_BYTES_MAX && secret_next_line(&rest, &line)) {
        *ret_text = text;
        return 0;
    }
    secret_free(&text);
    return refuse(name, failed != 0 ? strerror(failed) : "there is no line in it, or it is too large", error);
}

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\0';
}

bool
secret_next_line(struct slice *rest, struct slice *ret_line)
{
    while (rest->bytes > 0) {
        const char *end = memchr(rest->at, '\n', rest->bytes);
        size_t bytes = end != NULL ? (size_t)(end - rest->at) : rest->bytes;
        struct slice line = {rest->at, bytes};

        rest->at += bytes + (end != NULL);
        rest->bytes -= bytes + (end != NULL);
        while (line.bytes > 0 && is_blank(line.at[line.bytes - 1]))
            line.bytes--;
        while (line.bytes > 0 && is_blank(*line.at))
            line.at++, line.bytes--;
        if (line.bytes > 0 && *line.at != '#') {
            *ret_line = line;
            return true;
        }
    }
    return false;
}

void
secret_free(struct buffer *text)
{
    if (text->room > 0)
        explicit_bzero(text->at, text->room);
    buffer_free(text);
}
