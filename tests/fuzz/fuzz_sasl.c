/* Log-in exchanges: "c" or "s" for the side under test, a letter for the mechanism, and then what
 * the peer says, a line each. */
#include "base/alloc.h"
#include "imap/sasl.h"
#include "fuzz/fuzz.h"

#define PASSWORD "secret"

/* A peer may ask for a minute of work within the limit: not here. */
static bool asks_for_much(struct str input)
{
    for (size_t i = 0; i + 6 < input.len; i++) {
        if (memcmp(input.ptr + i, "i=", 2) == 0 && (uint8_t)(input.ptr[i + 5] - '0') < 10) {
            return true;
        }
    }
    return false;
}

/* What the peer said itself may be told. */
static bool tells_secret(const struct error *err, struct str said)
{
    return strstr(err->text, PASSWORD) != NULL && memmem(said.ptr, said.len, PASSWORD, 6) == NULL;
}

static void as_client(enum sasl_mechanism mechanism, struct str lines)
{
    const struct sasl_credentials credentials = {.user = "user",
                                                 .password = PASSWORD,
                                                 .token = PASSWORD,
                                                 .host = "mail.example",
                                                 .port = 993,
                                                 .channel_binding =
                                                     STR("0123456789abcdef0123456789abcdef")};
    struct error err = ERROR_INIT;
    struct sasl_client *client = NULL;
    struct buf out AUTO_BUF = BUF_INIT(65536);
    enum sasl_step step = SASL_STEP_MORE;
    struct str line = STR_EMPTY, all = lines;
    if (mechanism == SASL_GSSAPI || sasl_client_new(mechanism, &credentials, &client, &err) < 0) {
        return;
    }
    if (sasl_client_goes_first(client)) {
        FUZZ_REQUIRE(sasl_client_step(client, STR_EMPTY, &out, &step, &err) == 0, lines);
    }
    while (str_split(&lines, '\n', &line)) {
        if (sasl_client_step(client, line, &out, &step, &err) < 0) {
            FUZZ_REQUIRE(!tells_secret(&err, all), line);
            break;
        }
    }
    (void)sasl_client_is_complete(client);
    sasl_client_free(&client);
}

static bool find_password(void *self, struct str user, struct buf *out)
{
    (void)self;
    buf_add_cstr(out, PASSWORD);
    return str_eq(user, STR("user"));
}

static void as_server(enum sasl_mechanism mechanism, struct str lines)
{
    const struct sasl_passwords passwords = {find_password, NULL};
    struct error err = ERROR_INIT;
    struct sasl_server *server = NULL;
    struct buf out AUTO_BUF = BUF_INIT(65536);
    enum sasl_step step = SASL_STEP_MORE;
    struct str line, all = lines;
    if (sasl_server_new(mechanism, &passwords, STR("0123456789abcdef0123456789abcdef"), &server,
                        &err) < 0) {
        return;
    }
    while (step == SASL_STEP_MORE && str_split(&lines, '\n', &line)) {
        if (sasl_server_step(server, line, &out, &step, &err) < 0) {
            FUZZ_REQUIRE(!tells_secret(&err, all), line);
            break;
        }
        FUZZ_REQUIRE(step != SASL_STEP_DONE || strcmp(sasl_server_user(server), "user") == 0, line);
    }
    sasl_server_free(&server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_copy(data, size);
    if (size >= 2 && !asks_for_much(input)) {
        enum sasl_mechanism mechanism = data[1] % SASL_MECHANISMS;
        char words[200];
        sasl_oauth_error_words(str_from_offset(input, 2), words, sizeof words);
        FUZZ_REQUIRE(str_is_utf8(str_from(words)), input);
        if (data[0] == 'c') {
            as_client(mechanism, str_from_offset(input, 2));
        } else if (data[0] == 's') {
            as_server(mechanism, str_from_offset(input, 2));
        }
    }
    xfree(&input.ptr);
    return 0;
}
