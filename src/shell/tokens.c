/*
 * What: the token file read, and a token looked up.
 *
 * Why this way: a file can be written by any tool that keeps secrets, mode 0600, and replaced while we run;
 * hashes in it (and in memory) mean that who reads it cannot act. Comparing hashes makes the time independent
 * of how much of a guess is right; that every line is compared makes it independent of which line.
 *
 * Always true: a file with one bad line is refused whole, so that a slip takes nobody's rights or gives more;
 * no error and no log line holds a token.
 *
 * Not here: when it is read again, who is asked for a token (access.c).
 */
#include "shell/tokens.h"
#include "base/memory.h"
#include "base/panic.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const roles[] = {"full", "read", "customer"};

const char *
token_role_text(enum token_role role)
{
    return roles[role];
}

static void
hash_of(struct slice token, unsigned char hash[32])
{
    must(EVP_Digest(token.at, token.bytes, hash, NULL, EVP_sha256(), NULL) == 1);
}

static void
say(struct buffer *error, size_t line, const char *what)
{
    buffer_append_text(error, "line ");
    buffer_append_int64(error, (int64_t)line);
    buffer_append_text(error, ": ");
    buffer_append_text(error, what);
}

static int
digit_of(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 0x20);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static int
read_hash(struct slice digits, unsigned char hash[32])
{
    if (digits.bytes != 64)
        return -1;
    for (size_t i = 0; i < 32; i++) {
        int high = digit_of(digits.at[2 * i]), low = digit_of(digits.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return -1;
        hash[i] = (unsigned char)(high * 16 + low);
    }
    return 0;
}

/* The next word of a line; bytes 0: none is left. */
static struct slice
take_word(struct slice *line)
{
    struct slice word;
    size_t bytes = 0;

    while (line->bytes > 0 && (*line->at == ' ' || *line->at == '\t'))
        *line = (struct slice){line->at + 1, line->bytes - 1};
    while (bytes < line->bytes && line->at[bytes] != ' ' && line->at[bytes] != '\t')
        bytes++;
    word = (struct slice){line->at, bytes};
    *line = (struct slice){line->at + bytes, line->bytes - bytes};
    return word;
}

/* %20 and the like; NULL: it is not sound, or empty. */
static char *
decode(struct slice text)
{
    char *copy = memory_allocate(text.bytes + 1);
    size_t count = 0;

    for (size_t i = 0; i < text.bytes; i++) {
        char byte = text.at[i];

        if (byte == '%') {
            int high = i + 2 < text.bytes ? digit_of(text.at[i + 1]) : -1;
            int low = high >= 0 ? digit_of(text.at[i + 2]) : -1;

            if (low < 0 || (high == 0 && low == 0)) {
                count = 0;
                break;
            }
            byte = (char)(high * 16 + low);
            i += 2;
        }
        copy[count++] = byte;
    }
    copy[count] = '\0';
    if (count > 0)
        return copy;
    memory_free(copy);
    return NULL;
}

/* What is wrong, or NULL. */
static const char *
read_secret(struct slice word, struct token *token)
{
    static const char prefix[] = "sha256:";

    if (word.bytes >= sizeof prefix - 1 && memcmp(word.at, prefix, sizeof prefix - 1) == 0)
        return read_hash((struct slice){word.at + 7, word.bytes - 7}, token->hash) == 0
                   ? NULL
                   : "sha256: expected 64 hex digits";
    if (word.bytes < TOKEN_BYTES_MIN || word.bytes > TOKEN_BYTES_MAX)
        return "a token has 16 to 512 characters";
    for (size_t i = 0; i < word.bytes; i++)
        if (word.at[i] <= ' ' || word.at[i] > '~' || strchr("\",;\\", word.at[i]) != NULL)
            return "a token has printable ASCII characters but for \" , ; and \\";
    hash_of(word, token->hash);
    return NULL;
}

static const char *
read_role(struct slice word, struct token *token)
{
    static const char prefix[] = "customer=";

    for (token->role = TOKEN_FULL; token->role <= TOKEN_READ; token->role++)
        if (slice_is(word, roles[token->role]))
            return NULL;
    if (word.bytes < sizeof prefix - 1 || memcmp(word.at, prefix, sizeof prefix - 1) != 0)
        return "expected a role: full, read or customer=NAME";
    token->customer = decode((struct slice){word.at + sizeof prefix - 1, word.bytes - (sizeof prefix - 1)});
    return token->customer != NULL ? NULL : "customer=: expected a name, blanks written %20";
}

static const char *
read_line(struct slice line, struct tokens *tokens)
{
    struct token token = {.role = TOKEN_READ};
    const char *wrong = read_secret(take_word(&line), &token);
    struct slice name;

    if (wrong == NULL)
        wrong = read_role(take_word(&line), &token);
    name = take_word(&line);
    if (wrong == NULL && (name.bytes == 0 || take_word(&line).bytes > 0))
        wrong = "expected TOKEN ROLE NAME";
    for (size_t i = 0; wrong == NULL && i < tokens->count; i++)
        if (CRYPTO_memcmp(tokens->list[i].hash, token.hash, sizeof token.hash) == 0)
            wrong = "this token stands in an earlier line too";
    if (wrong == NULL && tokens->count == TOKENS_MAX)
        wrong = "more than 1024 tokens";
    if (wrong != NULL) {
        memory_free(token.customer);
        return wrong;
    }
    token.name = slice_copy(name);
    tokens->list = memory_resize(tokens->list, (tokens->count + 1) * sizeof *tokens->list);
    tokens->list[tokens->count++] = token;
    return NULL;
}

int
tokens_read(struct slice text, struct tokens *ret_tokens, struct buffer *error)
{
    struct tokens tokens = {0};

    for (size_t number = 1; text.bytes > 0; number++) {
        const char *end = memchr(text.at, '\n', text.bytes);
        struct slice line = {text.at, end != NULL ? (size_t)(end - text.at) : text.bytes};
        const char *wrong = NULL;
        struct slice rest = line;

        text = (struct slice){text.at + line.bytes + (end != NULL), text.bytes - line.bytes - (end != NULL)};
        if (line.bytes > 0 && line.at[line.bytes - 1] == '\r')
            rest.bytes--;
        line = rest;
        if (take_word(&rest).bytes == 0 || *line.at == '#')
            continue;
        wrong = read_line(line, &tokens);
        if (wrong != NULL) {
            say(error, number, wrong);
            tokens_done(&tokens);
            return -1;
        }
    }
    if (tokens.count == 0) {
        buffer_append_text(error, "no token stands in it");
        return -1;
    }
    *ret_tokens = tokens;
    return 0;
}

int
tokens_load(const char *path, struct tokens *ret_tokens, struct buffer *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct buffer text = {0};
    ssize_t bytes = descriptor < 0 ? -1 : 0;
    int status = -1;

    while (descriptor >= 0 && text.bytes <= TOKENS_FILE_BYTES_MAX &&
           (bytes = read(descriptor, buffer_reserve(&text, 4096), 4096)) > 0)
        buffer_advance(&text, (size_t)bytes);
    if (bytes < 0)
        buffer_append_text(error, strerror(errno));
    else if (text.bytes > TOKENS_FILE_BYTES_MAX)
        buffer_append_text(error, "larger than 1 MiB");
    else
        status = tokens_read(buffer_slice(&text), ret_tokens, error);
    if (descriptor >= 0)
        close(descriptor);
    if (text.at != NULL)
        OPENSSL_cleanse(text.at, text.room);
    buffer_free(&text);
    return status;
}

void
tokens_done(struct tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        memory_free(tokens->list[i].customer);
        memory_free(tokens->list[i].name);
    }
    memory_free(tokens->list);
    *tokens = (struct tokens){0};
}

const struct token *
tokens_find(const struct tokens *tokens, struct slice token)
{
    unsigned char hash[32];
    const struct token *found = NULL;

    if (token.bytes < TOKEN_BYTES_MIN || token.bytes > TOKEN_BYTES_MAX)
        return NULL;
    hash_of(token, hash);
    for (size_t i = 0; i < tokens->count; i++)
        if (CRYPTO_memcmp(tokens->list[i].hash, hash, sizeof hash) == 0)
            found = &tokens->list[i];
    return found;
}

bool
tokens_have(const struct tokens *tokens, const struct token *token)
{
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *one = &tokens->list[i];

        if (CRYPTO_memcmp(one->hash, token->hash, sizeof one->hash) == 0)
            return one->role == token->role &&
                   (one->customer == NULL || strcmp(one->customer, token->customer) == 0);
    }
    return false;
}
