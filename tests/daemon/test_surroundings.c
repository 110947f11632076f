#include "daemon/surroundings.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_night_is_seen_by_the_clocks(void **state)
{
    static const struct {
        int64_t boottime_ms, monotonic_ms;
        bool slept;
    } looks[] = {
        {1000, 1000, false},     {61000, 61000, false},  {3661000, 61500, true},
        {3662000, 62500, false}, {3664500, 63000, true}, {3665000, 63499, false},
        {90000000, 63600, true},
    };
    struct sleep_watch watch = {0};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        assert_int_equal(sleep_watch_look(&watch, looks[i].boottime_ms, looks[i].monotonic_ms),
                         looks[i].slept);
}

struct message {
    struct nlmsghdr header;
    union {
        struct ifaddrmsg address;
        struct rtmsg route;
    } body;
};

static void which_changes_of_the_network_matter(void **state)
{
    static const struct {
        uint16_t type;
        uint8_t scope;       /* of an address */
        uint8_t destination; /* of a route: bits */
        uint8_t table;
        bool matters;
    } rows[] = {
        {RTM_NEWADDR, RT_SCOPE_UNIVERSE, 0, 0, true},
        {RTM_DELADDR, RT_SCOPE_UNIVERSE, 0, 0, true},
        {RTM_NEWADDR, RT_SCOPE_HOST, 0, 0, false},
        {RTM_NEWADDR, RT_SCOPE_LINK, 0, 0, false},
        {RTM_NEWROUTE, 0, 0, RT_TABLE_MAIN, true},
        {RTM_DELROUTE, 0, 0, RT_TABLE_MAIN, true},
        {RTM_NEWROUTE, 0, 24, RT_TABLE_MAIN, false},
        {RTM_NEWROUTE, 0, 0, RT_TABLE_LOCAL, false},
        {RTM_NEWNEIGH, 0, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message message = {.header.nlmsg_type = rows[i].type};
        if (rows[i].type == RTM_NEWADDR || rows[i].type == RTM_DELADDR) {
            message.body.address.ifa_scope = rows[i].scope;
            message.header.nlmsg_len = NLMSG_LENGTH(sizeof message.body.address);
        } else {
            message.body.route.rtm_dst_len = rows[i].destination;
            message.body.route.rtm_table = rows[i].table;
            message.header.nlmsg_len = NLMSG_LENGTH(sizeof message.body.route);
        }
        assert_int_equal(network_message_matters(&message, message.header.nlmsg_len),
                         rows[i].matters);
        /* One that is cut says nothing. */
        assert_false(network_message_matters(&message, message.header.nlmsg_len - 1));
    }
}

static void a_length_that_lies_is_no_harm(void **state)
{
    struct message messages[2];
    memset(messages, 0, sizeof messages);
    messages[0].header.nlmsg_len = 3;
    assert_false(network_message_matters(messages, sizeof messages));
    messages[0].header.nlmsg_len = UINT32_MAX;
    assert_false(network_message_matters(messages, sizeof messages));
    messages[0].header.nlmsg_len = sizeof messages[0].header;
    messages[0].header.nlmsg_type = RTM_NEWADDR;
    assert_false(network_message_matters(messages, sizeof messages[0].header));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_night_is_seen_by_the_clocks),
        cmocka_unit_test(which_changes_of_the_network_matter),
        cmocka_unit_test(a_length_that_lies_is_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
