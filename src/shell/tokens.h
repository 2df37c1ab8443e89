#ifndef SLAD_SHELL_TOKENS_H
#define SLAD_SHELL_TOKENS_H

/*
 * Bearer tokens out of a file, and what each may do. A line is
 *
 *     TOKEN ROLE NAME
 *
 * TOKEN: 16 characters at least, without blanks, or sha256: and 64 hex digits. ROLE: full, read (everything
 * but changes) or customer=CUSTOMER (what is one customer's own; blanks and % as %20, %25). NAME is for the
 * log. Empty lines and lines that begin with # are passed over.
 *
 * Only hashes are kept, and every one of them is compared whatever is found. The loop thread only.
 */
#include "base/buffer.h"

enum token_role { TOKEN_FULL, TOKEN_READ, TOKEN_CUSTOMER };

enum { TOKENS_MAX = 1024, TOKENS_FILE_BYTES_MAX = 1 << 20, TOKEN_BYTES_MIN = 16, TOKEN_BYTES_MAX = 512 };

struct token {
    unsigned char hash[32]; /* SHA-256 of the token */
    enum token_role role;
    char *customer; /* of TOKEN_CUSTOMER, else NULL */
    char *name;
};

struct tokens {
    struct token *list;
    size_t count;
};

/* Reads a whole text. -1: nothing is taken, and error says which line is wrong (never what stands there). */
int tokens_read(struct slice text, struct tokens *ret_tokens, struct buffer *error);
/* The same of a file. */
int tokens_load(const char *path, struct tokens *ret_tokens, struct buffer *error);
void tokens_done(struct tokens *tokens);

/* NULL: no such token, or one that is too short, whatever its hash. Borrowed. */
const struct token *tokens_find(const struct tokens *tokens, struct slice token);
/* Whether this very token still stands in the list with the same rights: for who came with it and stays. */
bool tokens_have(const struct tokens *tokens, const struct token *token);
const char *token_role_text(enum token_role role);

#endif
