/* The mock upstream: a fixed Gemini answer, and a stream of events paced by the clock.
 *
 *     upstream PORT ANSWER EVENT LAST      (port 0 takes a free one; files hold the bytes to send)
 *
 * Prints its port, then serves until it is killed.  One thread, one epoll: it must cost much less than
 * what is measured.  POST ...:generateContent answers ANSWER.  POST .../events-N:streamGenerateContent
 * answers N events, the first at once and then one each millisecond, whole in one chunk each: N-1 times
 * EVENT, then LAST.  An event that is late is sent as soon as may be, and never joined with the next.
 * Anything else is an error with a status, so that nobody is fast by asking for the wrong thing.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FD = 4096, INPUT = 256 * 1024, STEP_NS = 1000000 };

struct bytes {
    char *at;
    size_t size;
};

struct peer {
    char *input;
    size_t filled;
    long left; /* events still to send; 0 when no stream is under way */
    long long due; /* when the next of them is, on CLOCK_MONOTONIC */
    int slot; /* place in `streaming` */
};

static struct peer peers[MAX_FD];
static int streaming[MAX_FD], streams;
static struct bytes answer, first, event, last, only;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static struct bytes load(const char *path) {
    FILE *file = fopen(path, "rb");
    struct bytes whole = {malloc(1 << 20), 0};
    if (!file || !whole.at) die(path);
    whole.size = fread(whole.at, 1, 1 << 20, file);
    fclose(file);
    return whole;
}

static struct bytes joined(const char *head, struct bytes body, const char *tail) {
    struct bytes whole = {NULL, strlen(head) + body.size + strlen(tail)};
    whole.at = malloc(whole.size);
    if (!whole.at) die("malloc");
    memcpy(whole.at, head, strlen(head));
    memcpy(whole.at + strlen(head), body.at, body.size);
    memcpy(whole.at + strlen(head) + body.size, tail, strlen(tail));
    return whole;
}

static struct bytes chunk(const char *head, struct bytes body, const char *tail) {
    char start[512];
    snprintf(start, sizeof start, "%s%zx\r\n", head, body.size);
    return joined(start, body, tail);
}

static void prepare(char **paths) {
    const char *stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n";
    char head[256];
    struct bytes whole = load(paths[0]), one = load(paths[1]), end = load(paths[2]);
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n"
             "Content-Length: %zu\r\n\r\n",
             whole.size);
    answer = joined(head, whole, "");
    first = chunk(stream, one, "\r\n");
    event = chunk("", one, "\r\n");
    last = chunk("", end, "\r\n0\r\n\r\n");
    only = chunk(stream, end, "\r\n0\r\n\r\n");
}

static long long now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void settle(int fd) { /* the stream on `fd` is over */
    int slot = peers[fd].slot;
    peers[fd].left = 0;
    streaming[slot] = streaming[--streams];
    peers[streaming[slot]].slot = slot;
}

static void leave(int fd) {
    if (peers[fd].left) settle(fd);
    free(peers[fd].input);
    peers[fd] = (struct peer){0};
    close(fd);
}

/* A peer that does not read is closed: what it got is then cut, and whoever measures sees that. */
static int sent(int fd, struct bytes what) {
    ssize_t count = send(fd, what.at, what.size, MSG_NOSIGNAL);
    if (count == (ssize_t)what.size) return 1;
    if (count >= 0 || errno == EAGAIN) fprintf(stderr, "a peer reads too slowly; closed\n");
    leave(fd);
    return 0;
}

static int refused(int fd, const char *status) {
    char text[128];
    int size = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status);
    return sent(fd, (struct bytes){text, size});
}

static int begin(int fd, const char *path) {
    const char *found = strstr(path, "/events-");
    long count = found ? strtol(found + 8, NULL, 10) : 0;
    if (count < 1) return refused(fd, "404 Not Found");
    if (!sent(fd, count > 1 ? first : only)) return 0;
    if (count == 1) return 1;
    peers[fd].left = count - 1;
    peers[fd].due = now() + STEP_NS;
    peers[fd].slot = streams;
    streaming[streams++] = fd;
    return 1;
}

static int answered(int fd, char *head) {
    char *path = strchr(head, ' '), *end = path ? strchr(path + 1, ' ') : NULL;
    if (!end) return refused(fd, "400 Bad Request");
    *end = 0;
    if (strstr(path, ":streamGenerateContent")) return begin(fd, path);
    if (strstr(path, ":generateContent")) return sent(fd, answer);
    return refused(fd, "404 Not Found");
}

/* Answers every whole request in the input, unless a stream is under way. */
static void serve(int fd) {
    struct peer *peer = &peers[fd];
    while (!peer->left && peer->filled) {
        peer->input[peer->filled] = 0;
        char *end = strstr(peer->input, "\r\n\r\n");
        if (!end) return;
        *end = 0;
        char *length = strcasestr(peer->input, "\r\ncontent-length:");
        size_t size = end + 4 - peer->input + (length ? strtoul(length + 17, NULL, 10) : 0);
        if (size > peer->filled) {
            *end = '\r';
            return;
        }
        if (strcasestr(peer->input, "\r\ntransfer-encoding:")) {
            refused(fd, "411 Length Required"); /* its end would have to be searched for */
            leave(fd);
            return;
        }
        if (!answered(fd, peer->input)) return;
        peer->filled -= size;
        memmove(peer->input, peer->input + size, peer->filled);
    }
}

static void hear(int fd) {
    struct peer *peer = &peers[fd];
    ssize_t count = recv(fd, peer->input + peer->filled, INPUT - 1 - peer->filled, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        leave(fd); /* it left, or its request is too large */
        return;
    }
    peer->filled += count;
    serve(fd);
}

static void welcome(int listener, int poll) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event wish = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= MAX_FD || !(peers[fd].input = malloc(INPUT))) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wish);
    }
}

/* Sends what is due; gives the time until the next event in ns, -1 if no stream is under way. */
static long long pace(void) {
    long long nearest = -1, at = now();
    for (int i = streams - 1; i >= 0; i--) {
        int fd = streaming[i];
        struct peer *peer = &peers[fd];
        while (peer->left && peer->due <= at) {
            peer->due += STEP_NS;
            if (peer->left > 1) {
                peer->left--;
                if (!sent(fd, event)) break;
            } else if (settle(fd), sent(fd, last)) {
                serve(fd);
                break;
            }
        }
    }
    at = now();
    for (int i = 0; i < streams; i++) {
        long long wait = peers[streaming[i]].due - at;
        if (wait < 0) wait = 0;
        if (nearest < 0 || wait < nearest) nearest = wait;
    }
    return nearest;
}

int main(int count, char **words) {
    if (count != 5) return fprintf(stderr, "usage: upstream PORT ANSWER EVENT LAST\n"), 2;
    prepare(words + 2);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1]))};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024))
        die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    struct epoll_event wish = {.events = EPOLLIN, .data.fd = listener}, ready[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wish);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        long long wait = pace();
        struct timespec limit = {wait / 1000000000, wait % 1000000000};
        int found = epoll_pwait2(poll, ready, 256, wait < 0 ? NULL : &limit, NULL);
        for (int i = 0; i < found; i++) {
            if (ready[i].data.fd == listener) welcome(listener, poll);
            else hear(ready[i].data.fd);
        }
    }
}
