/*
 * An alert as a webhook.
 *
 * What: body, id and signature as Standard Webhooks 1.0.0 wants them.
 *
 * Why so: receivers verify and de-duplicate with libraries that exist. The id is a hash of the record, not
 * its key: keys are strangers' texts, and the specification wants nothing of a stranger in what is signed but
 * the body.
 *
 * Always true: the id has no dot and is fit for a header; the data of a body is the record, byte for byte.
 *
 * Not here: sending it (relay_queue.c).
 */
#include "slactl/relay_webhook.h"
#include "base/panic.h"
#include "wire/print.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

enum { SECRET_TEXT_MAX = 88, SECRET_MIN = 24, SECRET_MAX = 64, DIGEST_BYTES = 32, ID_BYTES = 20 };

void
relay_webhook_print(const struct relay_alert *alert, struct buffer *out)
{
    buffer_append_text(out, "{\"type\":\"slad.alert.");
    buffer_append_text(out, relay_alert_state_text(alert->state));
    buffer_append_byte(out, '"');
    print_key(out, "timestamp");
    print_instant(out, alert->detected_at_ms);
    print_key(out, "data");
    if (alert->value.at != NULL)
        buffer_append_slice(out, alert->value);
    else {
        buffer_append_byte(out, '{');
        print_key(out, "key");
        print_text(out, alert->key);
        print_key(out, "state");
        buffer_append_text(out, "\"removed\"}");
    }
    buffer_append_byte(out, '}');
}

void
relay_webhook_id(const struct relay_alert *alert, int32_t partition, int64_t offset,
                 char ret_id[RELAY_WEBHOOK_ID_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct buffer text = {0};

    buffer_append_varint_slice(&text, alert->key);
    if (alert->value.at != NULL)
        buffer_append_slice(&text, alert->value);
    else {
        buffer_append_text(&text, "removed ");
        buffer_append_int64(&text, partition);
        buffer_append_byte(&text, ' ');
        buffer_append_int64(&text, offset);
    }
    must(EVP_Digest(text.at, text.bytes, digest, NULL, EVP_sha256(), NULL) == 1);
    buffer_free(&text);
    memcpy(ret_id, "msg_", 4);
    for (int i = 0; i < ID_BYTES; i++) {
        ret_id[4 + 2 * i] = digits[digest[i] >> 4];
        ret_id[5 + 2 * i] = digits[digest[i] & 15];
    }
    ret_id[4 + 2 * ID_BYTES] = '\0';
}

/* How many bytes, or -1. */
static int
decode_secret(struct slice secret, unsigned char ret_key[SECRET_TEXT_MAX])
{
    static const char prefix[] = "whsec_";
    int count;

    if (secret.bytes > sizeof prefix - 1 && memcmp(secret.at, prefix, sizeof prefix - 1) == 0) {
        secret.at += sizeof prefix - 1;
        secret.bytes -= sizeof prefix - 1;
    }
    if (secret.bytes == 0 || secret.bytes > SECRET_TEXT_MAX || secret.bytes % 4 != 0)
        return -1;
    count = EVP_DecodeBlock(ret_key, (const unsigned char *)secret.at, (int)secret.bytes);
    for (size_t i = secret.bytes; count > 0 && i > secret.bytes - 2 && secret.at[i - 1] == '='; i--)
        count--;
    return count >= SECRET_MIN && count <= SECRET_MAX ? count : -1;
}

int
relay_webhook_sign(struct slice secret, const char *id, int64_t timestamp_s, struct slice body,
                   char ret_signature[RELAY_WEBHOOK_SIGNATURE_BYTES])
{
    unsigned char key[SECRET_TEXT_MAX], digest[DIGEST_BYTES];
    unsigned digest_bytes = 0;
    struct buffer text = {0};
    int key_bytes = decode_secret(secret, key);

    if (key_bytes < 0)
        return -1;
    buffer_append_text(&text, id);
    buffer_append_byte(&text, '.');
    buffer_append_int64(&text, timestamp_s);
    buffer_append_byte(&text, '.');
    buffer_append_slice(&text, body);
    must(HMAC(EVP_sha256(), key, key_bytes, (const unsigned char *)text.at, text.bytes, digest,
              &digest_bytes) != NULL);
    must(digest_bytes == DIGEST_BYTES);
    explicit_bzero(key, sizeof key);
    buffer_free(&text);
    memcpy(ret_signature, "v1,", 3);
    must(EVP_EncodeBlock((unsigned char *)ret_signature + 3, digest, DIGEST_BYTES) == 44);
    return 0;
}
