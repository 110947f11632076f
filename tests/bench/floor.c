/*
 * The least a first download can do: one FETCH of a whole mailbox over TLS, streamed into files,
 * with a syncfs each 512. Its time is what a first download is measured against.
 *
 * usage: floor PORT USER PASSWORD FOLDER
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SYNC_EACH 512
#define INPUT_BYTES 262144

static struct {
    SSL *tls;
    char bytes[INPUT_BYTES];
    size_t start, end;
} input;

__attribute__((noreturn)) static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void connect_tls(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    input.tls = SSL_new(SSL_CTX_new(TLS_client_method()));
    SSL_set_fd(input.tls, fd);
    if (SSL_connect(input.tls) != 1)
        die("TLS");
}

static void fill_input(void)
{
    int n = SSL_read(input.tls, input.bytes, sizeof input.bytes);
    if (n <= 0)
        die("read");
    input.start = 0;
    input.end = (size_t)n;
}

/* A line without its end; of a longer one the last part. */
static void read_line(char *line, size_t size)
{
    size_t length = 0;
    for (;;) {
        if (input.start == input.end)
            fill_input();
        char c = input.bytes[input.start++];
        if (c == '\n')
            break;
        if (c != '\r' && length + 1 < size)
            line[length++] = c;
    }
    line[length] = '\0';
}

static void send_line(const char *line)
{
    if (SSL_write(input.tls, line, (int)strlen(line)) <= 0)
        die("write");
}

static void wait_for(const char *tag)
{
    char line[4096];
    do
        read_line(line, sizeof line);
    while (strncmp(line, tag, strlen(tag)) != 0);
}

/* Writes all but the CR of CRLF. */
static void write_part(FILE *file, const char *bytes, size_t size)
{
    while (size > 0) {
        const char *cr = memchr(bytes, '\r', size);
        size_t part = cr == NULL ? size : (size_t)(cr - bytes);
        if (fwrite(bytes, 1, part, file) != part)
            die("write file");
        size -= part + (cr != NULL);
        bytes += part + (cr != NULL);
    }
}

static void save_literal(const char *folder, size_t number, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%zu:2,", folder, number);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        die(path);
    while (size > 0) {
        if (input.start == input.end)
            fill_input();
        size_t part = input.end - input.start < size ? input.end - input.start : size;
        write_part(file, input.bytes + input.start, part);
        input.start += part;
        size -= part;
    }
    fclose(file);
}

static void sync_folder(int fd)
{
    if (syncfs(fd) != 0)
        die("syncfs");
}

int main(int argc, char **argv)
{
    char line[4096];
    if (argc != 5)
        return 64;
    connect_tls(argv[1]);
    snprintf(line, sizeof line, "a LOGIN %s %s\r\n", argv[2], argv[3]);
    send_line(line);
    wait_for("a OK");
    send_line("b EXAMINE INBOX\r\n");
    wait_for("b OK");
    send_line("c FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n");
    int folder = open(argv[4], O_RDONLY | O_DIRECTORY);
    size_t count = 0;
    for (;;) {
        read_line(line, sizeof line);
        if (strncmp(line, "c ", 2) == 0)
            break;
        const char *literal = strrchr(line, '{');
        if (literal == NULL)
            continue;
        save_literal(argv[4], ++count, strtoul(literal + 1, NULL, 10));
        if (count % SYNC_EACH == 0)
            sync_folder(folder);
    }
    sync_folder(folder);
    return strncmp(line, "c OK", 4) == 0 ? 0 : 1;
}
