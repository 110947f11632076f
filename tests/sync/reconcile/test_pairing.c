#include "reconcile/foreign.h"
#include "reconcile/pairing.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/*
 * A side is told as words. A file: letters, then KEY=VALUE; h: header, s: wire size, o:
 * book-keeping of it, l: lines, H and S: header and size as stored, u: wanted UID, e: EMAILID; `t`
 * trusted, `g` a ghost, `y` once synced, `m` marked. A message the same, its UID by its place from
 * 1 on.
 */

#define SIDE_MAX 16

static struct digest header(char c)
{
    struct digest d = {{0}};
    d.bytes[0] = (uint8_t)c;
    return d;
}

static uint64_t number(struct str s)
{
    uint64_t n = 0;
    assert_true(str_to_u64(s, &n));
    return n;
}

static void read_file(struct str word, struct pairing_file *f)
{
    struct str part;
    *f = (struct pairing_file){.partner = PAIRING_NONE};
    while (str_split(&word, ',', &part)) {
        struct str value = str_from_offset(part, 1);
        switch (part.ptr[0]) {
        case 'h':
            f->header = header(value.ptr[0]);
            f->has_content = true;
            break;
        case 'H':
            f->stored_header = header(value.ptr[0]);
            f->has_stored = true;
            break;
        case 's':
            f->size = number(value);
            break;
        case 'S':
            f->stored_size = number(value);
            break;
        case 'o':
            f->left_out = number(value);
            break;
        case 'l':
            f->lines = number(value);
            break;
        case 'u':
            f->wanted_uid = (uint32_t)number(value);
            break;
        case 'e':
            f->email_id = value;
            break;
        case 't':
            f->trusted = true;
            break;
        case 'g':
            f->ghost = true;
            break;
        case 'y':
            f->once_synced = true;
            break;
        case 'm':
            f->marked = true;
            break;
        default:
            fail();
        }
    }
}

static void read_message(struct str word, uint32_t uid, struct pairing_message *m)
{
    struct pairing_file f;
    read_file(word, &f);
    *m = (struct pairing_message){.uid = uid,
                                  .has_content = f.has_content,
                                  .size = f.size,
                                  .left_out = f.left_out,
                                  .header = f.header,
                                  .email_id = f.email_id,
                                  .marked = f.marked,
                                  .partner = PAIRING_NONE};
}

/* The partner of each file, by UID; - for none, + where the stored bytes agreed. */
static void tell(const struct pairing_file *files, size_t len,
                 const struct pairing_message *messages, char *out)
{
    for (size_t i = 0; i < len; i++) {
        if (files[i].partner == PAIRING_NONE) {
            *out++ = '-';
            continue;
        }
        *out++ = (char)('0' + messages[files[i].partner].uid);
        if (files[i].by_stored) {
            *out++ = '+';
        }
    }
    *out = '\0';
}

static const struct {
    const char *files, *messages, *partners;
} MEETINGS[] = {
    {"", "", ""},
    {"ha,s10", "", "-"},
    {"", "ha,s10", ""},
    {"ha,s10", "ha,s10", "1"},
    {"ha,s10", "hb,s10", "-"},
    {"ha,s10", "ha,s11", "-"},
    {"ha,s10 hb,s10", "hb,s10 ha,s10", "21"},
    /* Nothing is known of one. */
    {"s10", "ha,s10", "-"},
    {"ha,s10", "s10", "-"},
    /* Identical ones, by count and in order. */
    {"ha,s1 ha,s1 ha,s1", "ha,s1 ha,s1", "12-"},
    {"ha,s1", "ha,s1 ha,s1", "1"},
    {"ha,s1 ha,s2 ha,s1", "ha,s1 ha,s1 ha,s2", "132"},
    /* A wanted UID goes first where the content agrees, and is no more than a guess. */
    {"ha,s1 ha,s1,u1", "ha,s1 ha,s1", "21"},
    {"ha,s1,u2", "ha,s1 hb,s1", "1"},
    {"ha,s1,u7", "ha,s1", "1"},
    {"ha,s1,u1 ha,s1,u1", "ha,s1 ha,s1", "12"},
    /* A record that holds needs no content. */
    {"u2,t", "ha,s1 hb,s1", "2"},
    {"ha,s1 ha,s1,u1,t", "ha,s1", "-1"},
    /* Book-keeping on one side or the other. */
    {"ha,s32,o22", "ha,s10", "1"},
    {"ha,s10", "ha,s32,o22", "1"},
    {"ha,s32", "ha,s32,o22", "1"},
    {"ha,s32,o22", "ha,s43,o33", "1"},
    /* The bytes as they are stored. */
    {"ha,s10,Hb,S8", "hb,s8", "1+"},
    {"ha,s10,Hb,S8", "hb,s9", "-"},
    {"ha,s10,Hb,S8", "ha,s10 hb,s8", "1"},
    /* Bare line ends on the server. */
    {"ha,s10,l3", "ha,s8", "1"},
    {"ha,s10,l3", "ha,s7", "1"},
    {"ha,s10,l3", "ha,s6", "-"},
    {"ha,s10,l3", "ha,s11", "-"},
    {"ha,s10,l3 ha,s9,l3", "ha,s9", "-1"},
    /* EMAILID before content, after a wanted UID that agrees. */
    {"ex", "ex", "1"},
    {"ex ex", "ex", "1-"},
    {"ex ey", "ey ex", "21"},
    {"ha,s1,ex", "ha,s1,ey hb,s1,ex", "2"},
    {"hc,s1,ex,u2", "ex ex", "2"},
    /* What was removed here comes after what is here. */
    {"ha,s1,g ha,s1", "ha,s1", "-1"},
    {"ha,s1,g ha,s1", "ha,s1 ha,s1", "21"},
    {"u1,t,g ha,s1", "ha,s1 ha,s1", "12"},
    /* What was deleted there, too, is no message that is not marked. */
    {"ha,s1,g,m", "ha,s1", "-"},
    {"ha,s1,u1,g,m", "ha,s1", "-"},
    {"ha,s1,g,m", "ha,s1 ha,s1,m", "2"},
    {"ex,u1,g,m", "ex ex,m", "2"},
    {"ha,s2,g,m,l3", "ha,s1 ha,s1,m", "2"},
    {"hb,s9,Ha,S1,g,m", "ha,s1 ha,s1,m", "2+"},
    {"ha,s1 ha,s1,g,m", "ha,s1,m", "1-"},
    {"u1,t,g,m", "ha,s1", "1"},
};

static void law6_files_meet_their_messages(void **state)
{
    for (size_t i = 0; i < sizeof MEETINGS / sizeof *MEETINGS; i++) {
        struct pairing_file files[SIDE_MAX];
        struct pairing_message messages[SIDE_MAX];
        size_t files_len = 0, messages_len = 0;
        struct str word, rest = str_from(MEETINGS[i].files);
        while (str_split(&rest, ' ', &word)) {
            read_file(word, &files[files_len++]);
        }
        rest = str_from(MEETINGS[i].messages);
        while (str_split(&rest, ' ', &word)) {
            read_message(word, (uint32_t)messages_len + 1, &messages[messages_len]);
            messages_len++;
        }
        char partners[2 * SIDE_MAX + 1];
        for (int again = 0; again < 2; again++) { /* a second time changes nothing */
            pairing_match(files, files_len, messages, messages_len);
            tell(files, files_len, messages, partners);
            if (strcmp(partners, MEETINGS[i].partners) != 0) {
                fail_msg("\"%s\" and \"%s\": %s, not %s", MEETINGS[i].files, MEETINGS[i].messages,
                         partners, MEETINGS[i].partners);
            }
        }
        for (size_t m = 0; m < messages_len; m++) {
            assert_true(messages[m].partner == PAIRING_NONE ||
                        files[messages[m].partner].partner == m);
        }
    }
}

/* Thousands of the same are no trouble. */
static void many_identical_ones_are_paired_in_time(void **state)
{
    enum { COUNT = 50000 };
    struct pairing_file *files = xcalloc(COUNT, sizeof *files);
    struct pairing_message *messages = xcalloc(COUNT, sizeof *messages);
    for (size_t i = 0; i < COUNT; i++) {
        files[i] = (struct pairing_file){
            .has_content = true, .size = 5, .header = header('a'), .partner = PAIRING_NONE};
        messages[i] = (struct pairing_message){.uid = (uint32_t)i + 1,
                                               .has_content = true,
                                               .size = 5,
                                               .header = header('a'),
                                               .partner = PAIRING_NONE};
    }
    pairing_match(files, COUNT, messages, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(files[i].partner, i);
    }
    xfree(&files);
    xfree(&messages);
}

static void law6_what_finds_no_partner_has_a_fate(void **state)
{
    static const struct {
        unsigned paired, fresh, synced, ghosts;
        enum pairing_fate of_fresh;
    } cases[] = {
        {0, 9, 0, 0, PAIRING_NEW},        {0, 10, 0, 0, PAIRING_HELD_FEW},
        {8, 2, 0, 0, PAIRING_NEW},        {7, 2, 1, 0, PAIRING_HELD_FEW},
        {7, 2, 0, 9, PAIRING_NEW},        {80, 20, 0, 0, PAIRING_NEW},
        {79, 21, 0, 0, PAIRING_HELD_FEW}, {5, 1, 3, 0, PAIRING_NEW},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pairing_file files[128];
        enum pairing_fate fates[128];
        size_t len = 0;
        unsigned paired = cases[i].paired, fresh = cases[i].fresh, synced = cases[i].synced;
        for (unsigned k = 0; k < paired + fresh + synced + cases[i].ghosts; k++) {
            files[len++] = (struct pairing_file){
                .partner = k < paired ? k : PAIRING_NONE,
                .once_synced = k >= paired + fresh,
                .ghost = k >= paired + fresh + synced,
            };
        }
        pairing_settle(files, len, fates);
        for (unsigned k = 0; k < paired + fresh + synced; k++) {
            enum pairing_fate expected = k < paired           ? PAIRING_PAIRED
                                         : k < paired + fresh ? cases[i].of_fresh
                                                              : PAIRING_HELD_SYNCED;
            assert_int_equal(fates[k], expected);
        }
    }
}

/* ---- what other tools leave ---- */

static void law6_names_of_sync_tools_are_known(void **state)
{
    static const struct {
        const char *base;
        bool synced;
        uint32_t uid;
    } cases[] = {
        {"1700000000.1234_5.host", false, 0},
        {"1700000000.R123456.host", false, 0},
        {"1700000000.M779304P3138.host,S=55,W=59", false, 0}, /* Dovecot's own */
        {"1700000000.M779304P3138Q6.host,S=55,W=59", true, 0},
        {"1700000000.M779304P3138Q6.host", false, 0},
        {"1700000000.1234_5.host,U=17", true, 17},
        {"1700000000.M1P2V3I4.host,S=5,U=17", true, 17},
        {"1700000000_0.1.host,U=9,FMD5=7e33429f656f1e6e9d79b29c3f82c57e", true, 9},
        {"1700000000_0.1.host,U=0,FMD5=7e33429f656f1e6e9d79b29c3f82c57e", true, 0},
        {"1.host,U=", false, 0},
        {"1.host,U=99999999999", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct foreign_name name = foreign_name_read(str_from(cases[i].base));
        if (name.synced != cases[i].synced || name.uid != cases[i].uid) {
            fail_msg("%s: %d %u", cases[i].base, name.synced, name.uid);
        }
    }
}

static void law6_mbsync_s_state_is_understood(void **state)
{
    static const char text[] = "FarUidValidity 1700000001\nNearUidValidity 1700000000\n"
                               "MaxPulledUid 9\nMaxPushedUid 3\n\n"
                               "9 3 FS\n4 1 \n0 2 \n7 0 \nnonsense\n8 4 <~\n";
    struct foreign_state known;
    foreign_state_read(str_from(text), &known);
    assert_int_equal(known.far_uidvalidity, 1700000001);
    assert_int_equal(known.len, 3);
    assert_int_equal(foreign_state_find(&known, 1), 4);
    assert_int_equal(foreign_state_find(&known, 3), 9);
    assert_int_equal(foreign_state_find(&known, 4), 8);
    assert_int_equal(foreign_state_find(&known, 2), 0);
    assert_int_equal(foreign_state_find(&known, 99), 0);
    vec_free(&known);
    foreign_state_read(STR("MasterUidValidity 5\nSlaveUidValidity 6\n\n1 1 "), &known);
    assert_int_equal(known.far_uidvalidity, 5);
    assert_int_equal(foreign_state_find(&known, 1), 1);
    vec_free(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law6_files_meet_their_messages),
        cmocka_unit_test(many_identical_ones_are_paired_in_time),
        cmocka_unit_test(law6_what_finds_no_partner_has_a_fate),
        cmocka_unit_test(law6_names_of_sync_tools_are_known),
        cmocka_unit_test(law6_mbsync_s_state_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
