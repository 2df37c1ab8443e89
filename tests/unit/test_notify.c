/* shell/notify: what arrives at a real datagram socket, by path and by abstract name. */
#include "shell/notify.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_DGRAM, 0);

    memcpy(address.sun_path, name, strlen(name));
    if (*name == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    return descriptor;
}

static void
expect(int descriptor, const char *text)
{
    char got[1024];
    ssize_t bytes = recv(descriptor, got, sizeof got - 1, MSG_DONTWAIT);

    assert_true(bytes >= 0);
    got[bytes] = '\0';
    assert_string_equal(got, text);
}

static void
say_everything(int descriptor, struct notify *notify)
{
    char status[1000];
    char cut[600] = "STATUS=";

    notify_ready(notify);
    expect(descriptor, "READY=1");
    notify_reloading(notify, 1234567);
    expect(descriptor, "RELOADING=1\nMONOTONIC_USEC=1234567");
    notify_stopping(notify);
    expect(descriptor, "STOPPING=1");
    notify_alive(notify);
    expect(descriptor, "WATCHDOG=1");
    notify_status(notify, "catching up\nREADY=1");
    expect(descriptor, "STATUS=catching up READY=1");
    memset(status, 'x', sizeof status - 1);
    status[sizeof status - 1] = '\0';
    memset(cut + 7, 'x', 512);
    notify_status(notify, status);
    expect(descriptor, cut);
}

static void
by_path(void **state)
{
    char directory[] = "/tmp/slad-notify-XXXXXX";
    char name[64];
    struct notify notify;
    int descriptor;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(name, sizeof name, "%s/socket", directory);
    descriptor = listen_at(name);
    assert_int_equal(notify_init(&notify, name, NULL, NULL), 0);
    say_everything(descriptor, &notify);
    assert_int_equal(notify_alive_every_ms(&notify), 0);
    close(descriptor);
    notify_ready(&notify); /* nobody there any more: nothing happens */
    notify_done(&notify);
    unlink(name);
    rmdir(directory);
}

static void
by_abstract_name(void **state)
{
    char name[64];
    struct notify notify;
    int descriptor;

    (void)state;
    snprintf(name, sizeof name, "@slad-notify-%d", (int)getpid());
    descriptor = listen_at(name);
    assert_int_equal(notify_init(&notify, name, NULL, NULL), 0);
    say_everything(descriptor, &notify);
    notify_done(&notify);
    close(descriptor);
}

static void
without_a_socket_nothing_happens(void **state)
{
    struct notify notify;

    (void)state;
    assert_int_equal(notify_init(&notify, NULL, "30000000", NULL), 0);
    assert_int_equal(notify_alive_every_ms(&notify), 0);
    notify_ready(&notify);
    notify_done(&notify);
    assert_int_equal(notify_init(&notify, "relative", NULL, NULL), -1);
    assert_int_equal(notify_init(&notify, "@", NULL, NULL), -1);
    assert_int_equal(notify_init(&notify, "/nowhere/at/all", NULL, NULL), -1);
    notify_ready(&notify);
    notify_done(&notify);
}

static void
the_watchdog_is_for_this_process_only(void **state)
{
    char name[64];
    char pid[32];
    struct notify notify;
    int descriptor;

    (void)state;
    snprintf(name, sizeof name, "@slad-watchdog-%d", (int)getpid());
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    descriptor = listen_at(name);
    notify_init(&notify, name, "30000000", pid);
    assert_int_equal(notify_alive_every_ms(&notify), 15000);
    notify_done(&notify);
    notify_init(&notify, name, "30000000", "1");
    assert_int_equal(notify_alive_every_ms(&notify), 0);
    notify_done(&notify);
    notify_init(&notify, name, "30x", NULL);
    assert_int_equal(notify_alive_every_ms(&notify), 0);
    notify_done(&notify);
    close(descriptor);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_path),
        cmocka_unit_test(by_abstract_name),
        cmocka_unit_test(without_a_socket_nothing_happens),
        cmocka_unit_test(the_watchdog_is_for_this_process_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
